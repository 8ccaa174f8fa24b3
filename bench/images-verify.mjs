// Verifies one image, for bench/images.mjs: `node bench/images-verify.mjs file|stream IMAGE CERTIFICATE`.
import { createReadStream, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { verifyImageFile } from '../dist/images/verify-file.js';
import { ImageVerifier } from '../dist/images/verify-stream.js';
import { readCertificateFile } from '../dist/images/x509/pem.js';

const [way, path, certificate] = process.argv.slice(2);
const { publicKey } = readCertificateFile(readFileSync(certificate));
const key = { type: 'production', version: 'A', spki: publicKey.spki, state: 'valid' };
const lookup = {
  keys: (type, version) => (type === key.type && version === key.version ? [key] : []),
  floor: () => undefined,
};

if (way === 'stream') {
  const verifier = new ImageVerifier({ lookup, name: path });
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) verifier.write(chunk);
  verifier.end();
} else {
  const handle = await open(path);
  const file = {
    path,
    status: async () => ({ kind: 'file', size: (await handle.stat()).size }),
    read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
  };
  try {
    await verifyImageFile(file, { lookup });
  } finally {
    await handle.close();
  }
}
