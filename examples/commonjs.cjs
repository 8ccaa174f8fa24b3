// @ts-check
// node examples/commonjs.cjs HOST REMOTE
const { connect } = require('sealift');

const [name = '', remote = ''] = process.argv.slice(2);

async function main() {
  const host = await connect({ host: name });
  console.log(`${(await host.readFile(remote)).length} bytes`);
  await host.close();
}

void main();
