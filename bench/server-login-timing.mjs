// How far the time of a refusal tells whether a user exists: `node bench/server-login-timing.mjs [rounds]`, after `npm run build`.
//
// Medians of 1,000 refused logins each, in turn, over loopback: a known user with a wrong password, an unknown user, a disabled user, a user who needs a key first, and a user whose hash is one of Cisco IOS; then the same
// with a key that nobody has. The difference between any two must stay below 5 ms. The processor time of client and server together is shown besides: it differs little on a machine that does other things too.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { listen, loadHostKeys } from '../dist/index.js';

const LIMIT_MS = 5;
const rounds = Number(process.argv[2] ?? 1000);

const folder = await mkdtemp(join(tmpdir(), 'sealift-timing-'));
const { keys: hostKeys } = await loadHostKeys(join(folder, 'state'));
const [key, unknownKey] = [0, 1].map(() => ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }));
const cisco = '$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM';
const users = [
  { name: 'known', password: 'right', authorizedKeys: [key.public] },
  { name: 'disabled', password: 'right', authorizedKeys: [key.public], disabled: true },
  { name: 'chained', password: 'right', authorizedKeys: [key.public], authenticationMethods: ['publickey,password'] },
  { name: 'cisco', passwordHash: cisco },
];
const server = await listen({
  hostKeys,
  users,
  root: folder,
  listen: [{ address: '127.0.0.1', port: 0 }],
  loginGuard: { penalties: false },
});

/** Milliseconds from the request to the refusal, and of processor time meanwhile. */
function timeRefusal(username, method) {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let started;
    client.on('error', (error) => (started === undefined ? reject(error) : undefined));
    client.connect({
      host: '127.0.0.1',
      port: server.port,
      username,
      authHandler: (left, _partial, next) => {
        if (started === undefined) {
          // The first request opens the service; the one behind it is timed.
          if (left === null) return next({ type: 'none', username });
          started = { wall: performance.now(), cpu: process.cpuUsage() };
          return next({ username, ...method });
        }
        const { user, system } = process.cpuUsage(started.cpu);
        resolve({ wall: performance.now() - started.wall, cpu: (user + system) / 1000 });
        client.end();
        return next(false);
      },
    });
  });
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

let failed = false;
const methods = [
  { type: 'password', password: 'wrong' },
  { type: 'publickey', key: unknownKey.private },
];
const names = ['known', 'unknown', 'disabled', 'chained', 'cisco'];
try {
  for (const method of methods) {
    const times = new Map(names.map((one) => [one, []]));
    for (let round = 0; round < rounds; round++) {
      // Another order in each round, so that none has a place of its own.
      const turn = round % names.length;
      for (const one of [...names.slice(turn), ...names.slice(0, turn)])
        times.get(one).push(await timeRefusal(one, method));
    }
    for (const kind of ['wall', 'cpu']) {
      const medians = names.map((one) => [one, median(times.get(one).map((time) => time[kind]))]);
      const values = medians.map(([, value]) => value);
      const spread = Math.max(...values) - Math.min(...values);
      if (kind === 'wall') failed ||= spread >= LIMIT_MS;
      const shown = medians.map(([one, value]) => `${one} ${value.toFixed(2)}`).join(', ');
      const what = `${method.type}, ${kind === 'wall' ? 'time' : 'processor time'}`;
      console.log(`${what}: medians of ${rounds} in ms: ${shown}; largest difference ${spread.toFixed(2)}`);
    }
  }
} finally {
  await server.close();
  await rm(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
