// @ts-check
// node examples/sync.mjs HOST LOCAL_DIRECTORY REMOTE_DIRECTORY [--dry-run]
import { connect } from 'sealift';

const [name = '', local = '', remote = '', dryRun] = process.argv.slice(2);
const host = await connect({ host: name });
// `/.` is what is in the directory; `preserve` keeps the times that `update` compares.
const copy = host.upload(`${local}/.`, `${remote}/`, {
  recursive: true,
  preserve: true,
  update: true,
  mkdir: true,
  exclude: ['node_modules/', '*.tmp'],
  filter: ({ size }) => size < 100_000_000,
  dryRun: dryRun === '--dry-run',
});
for await (const event of copy) if (event.type === 'file-end') console.log(event.outcome, event.file.target);
const { files, planned, skipped } = await copy;
console.log(`${files} copied, ${planned} planned, ${skipped} up to date`);
await host.close();
