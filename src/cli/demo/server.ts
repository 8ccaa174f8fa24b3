import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadHostKeys } from '../../server/host-keys.ts';
import { publicKeyBlob } from '../../ssh/identities/key-blob.ts';
import type { ServerThreadData } from './server-thread.ts';

/** The server of the demonstration, and what a client needs to log in to it. */
export interface DemoServer {
  readonly server: { readonly port: number; close(): Promise<void> };
  /** What users of the server see as `/`. */
  readonly root: string;
  /** An ssh_config in which the server is called `depot`: address, port, user, key and host key. */
  readonly configFile: string;
}

const ADDRESS = '127.0.0.1';
const USER = 'demo';

/** Starts a server on a free loopback port, with a fresh host key and a fresh user key, all in `directory`. */
export async function startDemoServer(directory: string): Promise<DemoServer> {
  const root = join(directory, 'depot');
  await mkdir(root);
  const state = join(directory, 'host-keys');
  const { keys } = await loadHostKeys(state);
  const identityFile = join(directory, 'id_demo');
  const authorizedKey = await makeIdentity(identityFile);
  const server = await startThread({ address: ADDRESS, root, state, user: USER, authorizedKey });
  const knownHostsFile = join(directory, 'known_hosts');
  const knownHosts = keys.map(
    ({ key, type }) => `[${ADDRESS}]:${server.port} ${type} ${key.getPublicSSH().toString('base64')}\n`,
  );
  await writeFile(knownHostsFile, knownHosts.join(''));
  const configFile = join(directory, 'ssh_config');
  const quoted = (path: string) => `"${path}"`;
  const lines = [
    'Host depot',
    `  HostName ${ADDRESS}`,
    `  Port ${server.port}`,
    `  User ${USER}`,
    `  IdentityFile ${quoted(identityFile)}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${quoted(knownHostsFile)}`,
    '  StrictHostKeyChecking yes',
    // What takes the least time where the processor has AES; the client would take CTR with a code of its own.
    '  Ciphers ^aes128-gcm@openssh.com',
  ];
  await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  return { server, root, configFile };
}

/** Writes a new private key in a form that every ssh reads. Returns its line for authorized_keys. */
async function makeIdentity(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'sec1' });
  await writeFile(path, pem, { mode: 0o600, flag: 'wx' });
  const blob = publicKeyBlob(privateKey);
  if (blob === undefined) throw new TypeError('a P-256 key has a form for authorized_keys');
  return `${blob.type} ${blob.blob.toString('base64')} demo`;
}

/** Starts the server in a thread. @throws what it could not start for */
async function startThread(workerData: ServerThreadData): Promise<DemoServer['server']> {
  const thread = new Worker(new URL('./server-thread.js', import.meta.url), { workerData });
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    thread.once('message', resolve).once('error', reject);
  });
  const close = async (): Promise<void> => {
    thread.postMessage('close');
    await ended;
  };
  return { port, close };
}
