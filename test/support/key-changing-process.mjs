// Adds and revokes production keys until it is killed: `key-changing-process.mjs FOLDER ENVELOPES`. ENVELOPES holds a revocation image's envelope for each version: `B.p7s`. Prints what it does, as the device does, and what it has reported.
import { writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localFileSystem } from '../../dist/files/local.js';
import { addKeys } from '../../dist/images/keys/add.js';
import { openKeyStorage } from '../../dist/images/keys/open.js';
import { revokeKeys } from '../../dist/images/keys/revoke.js';
import { keyEventLines } from '../../dist/images/keys/transcript.js';
import { verifyEnvelope } from '../../dist/images/verify-envelope.js';

const [folder, envelopes] = process.argv.slice(2);
const directory = await localFileSystem({ pin: true }).directory(folder);
const say = (line) => writeSync(1, `${line}\n`);
const observer = (event) => keyEventLines(event).forEach(say);

for (;;) {
  const storage = await openKeyStorage(directory, { change: true });
  const newest = storage.newest('production');
  await storage[Symbol.asyncDispose]();
  if (newest === 'Z') break;
  const next = String.fromCharCode(newest.charCodeAt(0) + 1);
  const adding = await openKeyStorage(directory, { change: true });
  const envelope = await readFile(join(envelopes, `${next}.p7s`));
  await addKeys(adding, 'production', verifyEnvelope(envelope, adding, {}), { observer });
  await adding[Symbol.asyncDispose]();
  say(`added ${next}`);
  const revoking = await openKeyStorage(directory, { change: true });
  await revokeKeys(revoking, 'production', {}, { observer });
  await revoking[Symbol.asyncDispose]();
  say(`revoked below ${next}`);
}
