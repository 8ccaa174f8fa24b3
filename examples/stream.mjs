// @ts-check
// node examples/stream.mjs HOST LOCAL REMOTE.gz
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { connect } from 'sealift';

const [name = '', local = '', remote = ''] = process.argv.slice(2);
const host = await connect({ host: name });

// With `atomic` nobody sees the file before it is whole; the pipeline ends when the server has confirmed it.
await pipeline(createReadStream(local), createGzip(), host.createWriteStream(remote, { atomic: true }));

let bytes = 0;
await pipeline(host.createReadStream(remote), createGunzip(), async (content) => {
  for await (const chunk of content) bytes += chunk.length;
});
const { size } = await host.stat(remote);
console.log(`${bytes} bytes, ${size} compressed`);
await host.close();
