// @ts-check
// node examples/progress.mjs HOST LOCAL REMOTE
import { connect } from 'sealift';

const [name = '', local = '', remote = ''] = process.argv.slice(2);
const host = await connect({ host: name });
const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new Error('interrupted')));

const copy = host.upload(local, remote, { recursive: true, signal: abort.signal });
let found = 0;
for await (const event of copy) {
  switch (event.type) {
    case 'found':
      found = event.bytes;
      break;
    case 'bytes':
      if (process.stdout.isTTY) process.stdout.write(`\r${event.bytes} of ${found} bytes, ${event.file.name}\u001b[K`);
      break;
    case 'file-end':
      console.log(`\r${event.outcome} ${event.file.source}`);
      break;
    case 'error':
      console.error(event.error.message);
      break;
  }
}
console.log(`done: ${(await copy).bytes} bytes`);
await host.close();
