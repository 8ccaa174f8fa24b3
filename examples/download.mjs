// @ts-check
// node examples/download.mjs HOST REMOTE LOCAL
import { connect } from 'sealift';

const [name = '', remote = '', local = ''] = process.argv.slice(2);
const host = await connect({ host: name });
// A lost connection is made again; what has come is not fetched twice. Each copy is compared with its source.
const { files } = await host.download(remote, local, { recursive: true, retries: 5, verify: true });
console.log(`${files} files, each compared with its source`);
await host.close();
