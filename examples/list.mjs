// @ts-check
// node examples/list.mjs HOST DIRECTORY
import { connect } from 'sealift';

const [name = '', directory = '.'] = process.argv.slice(2);
const host = await connect({ host: name });
for await (const { kind, size, modified, name } of host.list(directory))
  console.log(kind.padEnd(9), String(size).padStart(12), modified.toISOString(), JSON.stringify(name));
await host.close();
