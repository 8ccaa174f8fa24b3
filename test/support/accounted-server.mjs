// A server that keeps accounts in a folder, to be killed: `accounted-server.mjs FOLDER PASSWORD`. Prints its port.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Accounting } from '../../dist/aaa/accounting/accounting.js';
import { listen, loadHostKeys } from '../../dist/index.js';

const [folder, password] = process.argv.slice(2);
const root = join(folder, 'root');
await mkdir(root, { recursive: true });
const { keys: hostKeys } = await loadHostKeys(join(folder, 'state'));
const accounting = Accounting.open(
  { log: join(folder, 'log'), journals: join(folder, 'journals') },
  { pid: process.pid, hostname: 'here', warn: (text) => console.error(text) },
);
await accounting.recover();
const server = await listen({
  hostKeys,
  users: [{ name: 'alice', password }],
  root,
  listen: [{ address: '127.0.0.1', port: 0 }],
  account: accounting.account,
});
console.log(server.port);
