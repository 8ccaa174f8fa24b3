// How far the time of a refusal tells whether a user exists.
//
// Medians of refused logins, in turn, over loopback: a known user with a wrong password, an unknown user, a disabled user, a user who needs a key first, and a user whose hash is one of Cisco IOS; then the same
// with a key that nobody has. The processor time of client and server together is measured besides: it differs little on a machine that does other things too.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { listen, loadHostKeys } from '../../dist/index.js';

const [key, unknownKey] = [0, 1].map(() => ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }));
const cisco = '$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM';
const users = [
  { name: 'known', password: 'right', authorizedKeys: [key.public] },
  { name: 'disabled', password: 'right', authorizedKeys: [key.public], disabled: true },
  { name: 'chained', password: 'right', authorizedKeys: [key.public], authenticationMethods: ['publickey,password'] },
  { name: 'cisco', passwordHash: cisco },
];

/** Milliseconds from the request to the refusal, and of processor time meanwhile. */
function timeRefusal(port, username, method) {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let started;
    client.on('error', (error) => (started === undefined ? reject(error) : undefined));
    client.connect({
      host: '127.0.0.1',
      port,
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

const methods = [
  { type: 'password', password: 'wrong' },
  { type: 'publickey', key: unknownKey.private },
];
const names = ['known', 'unknown', 'disabled', 'chained', 'cisco'];

/**
 * Times `rounds` refusals of each user by each method.
 *
 * @param tell given a line for each method and kind of time
 * @returns for each method the largest difference between the medians of two users, in milliseconds
 */
export async function timeRefusals(rounds, tell) {
  const folder = await mkdtemp(join(tmpdir(), 'sealift-timing-'));
  const { keys: hostKeys } = await loadHostKeys(join(folder, 'state'));
  const server = await listen({
    hostKeys,
    users,
    root: folder,
    listen: [{ address: '127.0.0.1', port: 0 }],
    loginGuard: { penalties: false },
  });
  try {
    const spreads = [];
    for (const method of methods) {
      const times = await timesOf(server.port, method, rounds);
      spreads.push({ method: method.type, spreadMs: summary(times, 'wall', method, tell) });
      summary(times, 'cpu', method, tell);
    }
    return spreads;
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
}

async function timesOf(port, method, rounds) {
  const times = new Map(names.map((one) => [one, []]));
  for (let round = 0; round < rounds; round++) {
    // Another order in each round, so that none has a place of its own.
    const turn = round % names.length;
    for (const one of [...names.slice(turn), ...names.slice(0, turn)])
      times.get(one).push(await timeRefusal(port, one, method));
  }
  return times;
}

function summary(times, kind, method, tell) {
  const medians = names.map((one) => [one, median(times.get(one).map((time) => time[kind]))]);
  const values = medians.map(([, value]) => value);
  const spread = Math.max(...values) - Math.min(...values);
  const shown = medians.map(([one, value]) => `${one} ${value.toFixed(2)}`).join(', ');
  const what = `${method.type}, ${kind === 'wall' ? 'time' : 'processor time'}`;
  tell(`${what}: medians in ms: ${shown}; largest difference ${spread.toFixed(2)}`);
  return spread;
}
