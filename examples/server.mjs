// @ts-check
// node examples/server.mjs FOLDER [PORT]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, loadHostKeys, rootedFileSystem } from 'sealift';

const [folder = '.', port = '2222'] = process.argv.slice(2);
const passwords = new Map([
  ['alice', process.env.ALICE_PASSWORD],
  ['auditor', process.env.AUDITOR_PASSWORD],
]);

const { keys } = await loadHostKeys(join(folder, '.state'));
const server = createServer({
  hostKeys: keys,
  // Whoever your program knows. `error` would say that it cannot tell.
  authenticate: {
    name: 'passwords of this program',
    ask: async ({ user, credential }) => {
      const isRight = credential.kind === 'password' && credential.password === passwords.get(user);
      if (!isRight) return { kind: 'refuse', reason: 'wrong password' };
      const principal = { user, privilege: 15, groups: [], method: 'passwords of this program' };
      return { kind: 'pass', value: { principal, remaining: [] } };
    },
  },
  // Asked at the login (exec) and for each command: the auditor only fetches.
  authorize: {
    name: 'rules of this program',
    ask: async (question) => {
      if (question.principal.user === 'alice' || question.kind === 'exec') return { kind: 'pass', value: {} };
      const fetches = question.command === 'scp' && question.arguments.includes('-f');
      return fetches ? { kind: 'pass', value: {} } : { kind: 'refuse', reason: 'only scp -f' };
    },
  },
  fileSystem: ({ user }) => {
    const own = join(folder, user);
    mkdirSync(own, { recursive: true });
    return rootedFileSystem(own);
  },
  account: (record) => {
    if (record.record === 'stop' && record.kind === 'transfer')
      console.log(record.user, record.direction, record.path, record.status, record.sha256);
  },
});

const running = await server.listen({ address: '127.0.0.1', port: Number(port) });
console.log(`listening on 127.0.0.1:${running.port}, host keys ${keys.map((key) => key.fingerprint).join(' ')}`);
process.once('SIGTERM', () => running.close({ graceMs: 5000 }));
