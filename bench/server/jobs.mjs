import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel, leave, logIn, talk } from './clients.mjs';
import { timeRefusals } from './login-timing.mjs';
import { startServer } from './server-process.mjs';
import { barrier, checkUploads, uploadByScp, uploadBySftp } from './transfers.mjs';

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
/** What a client says before it falls silent. */
const GREETING = 'SSH-2.0-bench\r\n';
/** So many connections from one address are no attack here. */
const MANY = {
  connections: 20_000,
  unauthenticated: 20_000,
  unauthenticatedPerSource: 20_000,
  sessions: 20_000,
  sessionsPerUser: 20_000,
  sessionsPerSource: 20_000,
  transfers: 20_000,
  transfersPerUser: 20_000,
};

async function withServer(limits, work) {
  const server = await startServer(limits);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const figure = (what, value, limit, unit) => ({ what, value, limit, unit });

/** The growth from one sample to another, in percent. */
const growth = (before, after) => (after / before - 1) * 100;

async function slowestLogin(server, tries) {
  let slowest = 0;
  for (let round = 0; round < tries; round++) {
    const started = performance.now();
    const client = await logIn(server.login);
    slowest = Math.max(slowest, performance.now() - started);
    await leave(client);
  }
  return slowest;
}

/** Sockets that never say a word, with the limits that a server has by itself. */
async function silent(share) {
  const count = Math.round(1000 * share);
  return await withServer({}, async (server) => {
    const alone = await slowestLogin(server, 20);
    const sockets = [];
    const arriving = inParallel(count, 50, async () => sockets.push(await talk(server.port)));
    const meanwhile = await slowestLogin(server, 10);
    await arriving;
    const beside = await slowestLogin(server, 20);
    for (const socket of sockets) socket.destroy();
    const more = (ms) => Math.max(0, ms - alone);
    return [
      figure(`slowest login while ${count} silent sockets arrive, beyond one alone`, more(meanwhile), 1000, 'ms'),
      figure(`slowest login beside ${count} silent sockets, beyond one alone`, more(beside), 1000, 'ms'),
    ];
  });
}

async function timing(share) {
  const rounds = Math.round(1000 * share);
  const spreads = await timeRefusals(rounds, (line) => console.error(line));
  return spreads.map(({ method, spreadMs }) =>
    figure(
      `${method}: largest difference between users that exist and do not, medians of ${rounds}`,
      spreadMs,
      5,
      'ms',
    ),
  );
}

async function beforeLogin(share) {
  const count = Math.round(1000 * share);
  return await withServer(MANY, async (server) => {
    for (const client of [await logIn(server.login)]) await leave(client);
    const before = await server.ask('sample');
    const sockets = [];
    await inParallel(count, 50, async () => sockets.push(await talk(server.port, GREETING)));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const after = await server.ask('sample');
    if (after.connections < count) throw new Error(`${after.connections} of ${count} sockets are still there`);
    for (const socket of sockets) socket.destroy();
    return [figure('memory of a socket before the login', (after.rss - before.rss) / count / KIBIBYTE, 64, 'KiB')];
  });
}

async function idle(share) {
  const count = Math.round(1000 * share);
  return await withServer(MANY, async (server) => {
    for (const client of [await logIn(server.login)]) await leave(client);
    const before = await server.ask('sample');
    const clients = [];
    await inParallel(count, 20, async () => {
      const client = await logIn(server.login);
      await new Promise((resolve, reject) => client.sftp((error) => (error ? reject(error) : resolve())));
      clients.push(client);
    });
    const after = await server.ask('sample');
    if (after.connections < count) throw new Error(`${after.connections} of ${count} sessions are still there`);
    await inParallel(count, 50, async (index) => await leave(clients[index]));
    const end = await server.ask('sample');
    return [
      figure('memory of an idle session with SFTP', (after.rss - before.rss) / count / KIBIBYTE, 256, 'KiB'),
      figure('descriptors left after the sessions', end.descriptors - before.descriptors, 0, ''),
    ];
  });
}

/** All of them are in the middle of their file at the same time. */
async function transferRound(server, count) {
  const names = Array.from({ length: count }, (_, index) => `file-${index}`);
  const clients = [];
  await inParallel(count, 20, async () => clients.push(await logIn(server.login)));
  const before = await server.ask('resident');
  let during = 0;
  const meet = barrier(count);
  const halfway = async () => {
    await meet();
    if (during === 0) {
      during = 1;
      during = await server.ask('resident');
    }
  };
  await Promise.all(
    names.map((name, index) => (index % 2 === 0 ? uploadByScp : uploadBySftp)(clients[index], name, halfway)),
  );
  await inParallel(count, 50, async (index) => await leave(clients[index]));
  await checkUploads(server.directory, names);
  return (Math.max(during, await server.ask('resident')) - before) / count;
}

async function transfers(share) {
  const count = Math.round(500 * share);
  return await withServer(MANY, async (server) => {
    const each = [];
    const rounds = async () => {
      for (let round = 0; round < 3; round++) each.push(await transferRound(server, count));
    };
    // The first rounds grow the heap by compiled code and by what the engine has learnt of it: held for ever, and once.
    await rounds();
    const warm = await server.ask('sample');
    await rounds();
    const end = await server.ask('sample');
    return [
      figure(`memory of one of ${count} transfers at a time`, Math.max(...each) / MEBIBYTE, 8, 'MiB'),
      figure(`heap after 6 rounds of ${count}, beyond that after 3`, growth(warm.heapUsed, end.heapUsed), 5, '%'),
      figure(`descriptors after 6 rounds of ${count}, beyond those after 3`, end.descriptors - warm.descriptors, 0, ''),
    ];
  });
}

/** One in ten logs in, the others go after their first words. */
async function cycle(server, index) {
  if (index % 10 === 0) return await leave(await logIn(server.login));
  const socket = await talk(server.port, GREETING);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (index % 2 === 0) socket.end();
  else socket.resetAndDestroy();
  await closed;
}

async function cycles(share) {
  const count = Math.round(10_000 * share);
  return await withServer(MANY, async (server) => {
    const all = async () => await inParallel(count, 20, (index) => cycle(server, index));
    // As in the transfers: the first ones also grow what is held for ever, and once.
    await all();
    const warm = await server.ask('sample');
    await all();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const end = await server.ask('sample');
    return [
      figure(
        `heap after ${2 * count} connections, beyond that after ${count}`,
        growth(warm.heapUsed, end.heapUsed),
        5,
        '%',
      ),
      figure(
        `descriptors after ${2 * count} connections, beyond those after ${count}`,
        end.descriptors - warm.descriptors,
        0,
        '',
      ),
      figure(`connections left after ${2 * count}`, end.connections, 0, ''),
    ];
  });
}

/** Whether others wait while twenty upload as fast as they can. */
async function slow(share) {
  return await withServer(MANY, async (server) => {
    await mkdir(join(server.directory, 'files'));
    await server.ask('sample');
    for (let round = 0; round < Math.max(1, 20 * share); round++) await transferRound(server, 20);
    const { loop } = await server.ask('sample');
    return [figure('delay of the event loop with 20 transfers, 99 of 100', loop.p99, 50, 'ms')];
  });
}

/** Each figure is one of section "Limits" of docs/protocols/server.md. */
export const jobs = { silent, timing, 'before-login': beforeLogin, idle, transfers, cycles, slow };
