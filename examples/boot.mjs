// A loader that starts only what verifies: node examples/boot.mjs STORE PRODUCT IMAGE ...
// The bytes that were verified are the bytes that run; an image that does not report that it is good is not tried for ever.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import {
  beginTry,
  bootDecisionLines,
  bootEntry,
  decideBoot,
  localFileSystem,
  openBootStorage,
  reportGood,
} from 'sealift/images';

const [store, product, ...images] = process.argv.slice(2);
const files = localFileSystem({ pin: true });
const folder = await files.directory(store);
const entries = [];
for (const path of images) entries.push(bootEntry(await files.directory(dirname(path)), basename(path), path));

const { storage, trouble } = await openBootStorage(folder);
if (trouble !== undefined) console.error(trouble.message);
const decision = await decideBoot({ storage, entries, product, loaderVersion: '1.0' });
for (const line of bootDecisionLines(decision)) console.error(line);

if (decision.kind === 'none') {
  process.exitCode = 1;
} else {
  await beginTry(storage, decision.image);
  // The image cannot reach the key storage: it has no file system but what it is given, and another process decides.
  const child = spawn(process.execPath, ['--input-type=module', '-'], { stdio: ['pipe', 'inherit', 'inherit', 'ipc'] });
  child.on('message', async (message) => {
    if (message !== 'good') return;
    await reportGood(storage, decision.image);
    console.error(`${decision.name} is good`);
    child.disconnect();
  });
  child.stdin.end(decision.payload.bytes);
  const [status] = await once(child, 'exit');
  process.exitCode = status ?? 1;
}
await storage[Symbol.asyncDispose]();
