import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { osPath } from '../../base/byte-name.ts';
import { FileError, ImageError } from '../../base/errors.ts';
import type { OpenFile } from '../../files/file-system.ts';
import { localFileSystem } from '../../files/local.ts';
import { locate } from '../../files/path.ts';
import { readAhead } from '../../files/read-ahead.ts';
import type { ImageSigner } from '../../images/sign.ts';
import type { Certificate } from '../../images/x509/certificate.ts';
import { passphraseOf } from './passphrase.ts';

/** Certificates and keys are shorter. Bytes. */
const MAX_SMALL_FILE_BYTES = 256 * 1024;

/** What a command reads: a regular file, or a stream, which is read once. */
export type Input =
  | { readonly kind: 'file'; readonly file: OpenFile; readonly size: number; close(): Promise<void> }
  | { readonly kind: 'stream'; readonly chunks: AsyncIterable<Uint8Array>; close(): Promise<void> };

/** Opens what an operand names: `-` is standard input; a FIFO and the like are streams. @throws {FileError} */
export async function openInput(path: string): Promise<Input> {
  if (path === '-') return streamed(process.stdin);
  const { directory, name } = await locate(localFileSystem(), path);
  try {
    const status = name === '' ? undefined : await directory.status(name, { follow: true });
    if (name === '' || status?.kind === 'directory') throw new FileError(path, 'open', 'EISDIR');
    if (status === undefined) throw new FileError(path, 'open', 'ENOENT');
    if (status.special === 'fifo' || status.special === 'character device')
      return streamed(createReadStream(osPath(path)));
    if (status.kind !== 'file') throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE', { reason: 'not a file' });
    const file = await directory.open(name, { access: 'read', follow: true, shownAs: path });
    const { size } = await file.status();
    return { kind: 'file', file, size, close: () => file.close() };
  } finally {
    await directory.close();
  }
}

function streamed(stream: Readable): Input {
  return {
    kind: 'stream',
    chunks: stream,
    async close() {
      stream.destroy();
    },
  };
}

/** All bytes of it, in order. A chunk may be used until the next but one is asked for. */
export function chunksOf(input: Input): AsyncIterable<Uint8Array> {
  return input.kind === 'stream' ? input.chunks : readAhead(input.file, input.size, { chunkBytes: 1024 * 1024 });
}

/** The whole content of a small file. @throws {FileError} */
export async function readSmall(path: string): Promise<Buffer> {
  const input = await openInput(path);
  try {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const chunk of chunksOf(input)) {
      parts.push(Buffer.from(chunk));
      length += chunk.length;
      if (length > MAX_SMALL_FILE_BYTES) throw new FileError(path, 'read', 'EFBIG');
    }
    return Buffer.concat(parts);
  } finally {
    await input.close();
  }
}

/** Does something with the content of a file; refusals without a name get its. */
export async function reading<T>(path: string, use: () => T | Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const { named } = await import('../../images/verified.ts');
    throw error instanceof ImageError ? named(error, path) : error;
  }
}

/** @throws {FileError | ImageError} */
export async function certificateAt(path: string): Promise<Certificate> {
  const { readCertificateFile } = await import('../../images/x509/pem.ts');
  const content = await readSmall(path);
  return await reading(path, () => readCertificateFile(content));
}

/** @throws {FileError | ImageError | TypeError} */
export async function signerAt(
  keyPath: string,
  certificatePath: string,
  passphraseFile: string | undefined,
): Promise<ImageSigner> {
  const { isEncrypted, readPrivateKey } = await import('../../images/algorithms/private-key.ts');
  const certificate = await certificateAt(certificatePath);
  const pem = (await readSmall(keyPath)).toString('latin1');
  const passphrase = isEncrypted(pem) ? await passphraseOf(keyPath, passphraseFile) : undefined;
  const privateKey = await reading(keyPath, () => readPrivateKey(pem, passphrase));
  return { certificate, privateKey };
}
