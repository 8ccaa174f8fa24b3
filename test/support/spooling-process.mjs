// Keeps records for a syslog server in a folder until it is killed: `spooling-process.mjs FOLDER PORT PREFIX COUNT`. Prints a line when they are kept.
import { join } from 'node:path';
import { Accounting } from '../../dist/aaa/accounting/accounting.js';

const [folder, port, prefix, count] = process.argv.slice(2);
const accounting = Accounting.open(
  {
    log: join(folder, 'log'),
    journals: join(folder, 'journals'),
    syslog: [{ host: '127.0.0.1', port: Number(port), protocol: 'tcp' }],
  },
  { pid: process.pid, hostname: 'here', warn: (text) => console.error(text) },
);
for (let i = 0; i < Number(count); i++)
  accounting.account({
    record: 'start',
    kind: 'session',
    time: new Date().toISOString(),
    id: `${prefix}${i}`,
    user: 'a',
    address: '::1',
    port: 1,
    authentication: 'local',
    method: 'password',
    privilege: 1,
  });
console.log('kept');
setInterval(() => {}, 60_000);
