import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ssh2 from 'ssh2';

/** Starts a server in a process of its own, with a folder that is thrown away. */
export async function startServer(limits = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'sealift-bench-'));
  const key = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const options = { folder: directory, state: join(directory, '.state'), authorizedKey: key.public, limits };
  const child = fork(fileURLToPath(new URL('served.mjs', import.meta.url)), [JSON.stringify(options)], {
    execArgv: ['--expose-gc'],
  });
  const waiting = new Map();
  let count = 0;
  const answered = (id) =>
    new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  child.on('message', ({ id, answer }) => {
    waiting.get(id)?.resolve(answer);
    waiting.delete(id);
  });
  child.on('exit', (status) => {
    for (const { reject } of waiting.values()) reject(new Error(`the server ended with status ${status}`));
  });
  const ask = (what) => {
    const id = ++count;
    const answer = answered(id);
    child.send({ id, ask: what });
    return answer;
  };
  const port = await answered(0);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await ask('stop');
    await ended;
    await rm(directory, { recursive: true });
  };
  const login = { host: '127.0.0.1', port, username: 'bench', privateKey: key.private };
  return { port, pid: child.pid, directory, login, ask, stop };
}
