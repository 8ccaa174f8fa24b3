import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import ssh2, { type Client, type ClientChannel, type ConnectConfig, type ParsedKey } from 'ssh2';
import { onTestFinished } from 'vitest';
import { formatPasswordHash, hashPassword } from '../../src/aaa/password-hash.ts';
import type { ServerEvent } from '../../src/server/events.ts';
import type { HostKey } from '../../src/server/host-keys.ts';
import { listen, type RunningServer, type ServerOptions } from '../../src/server/server.ts';
import { fingerprint } from '../../src/ssh/known-hosts/fingerprint.ts';
import { makeKeyPair } from '../support/key-pair.ts';
import { tempDirectory } from '../support/temp.ts';

/** A host key that exists in memory only: making an RSA key takes too long for every test. */
export function makeHostKey(): HostKey {
  const key = ssh2.utils.parseKey(makeKeyPair().private) as ParsedKey;
  return { type: 'ssh-ed25519', key, fingerprint: fingerprint(key.getPublicSSH()) };
}

export interface TestServer {
  readonly server: RunningServer;
  readonly port: number;
  readonly root: string;
  readonly events: ServerEvent[];
  /** The first event of a kind, waited for where it has not come yet. */
  event<T extends ServerEvent['type']>(type: T): Promise<Extract<ServerEvent, { type: T }>>;
}

export const PASSWORD = 'correct horse';

/** Its hash, at a cost at which hundreds of tests can log in. */
export const PASSWORD_HASH: string = formatPasswordHash(
  await hashPassword(PASSWORD, { name: 'scrypt', ln: 10, r: 8, p: 1 }),
);

/** A server on a free port of 127.0.0.1 with the user `alice`, stopped when the test has finished. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const root = options.root ?? (await tempDirectory('root'));
  const hasFiles = options.roots !== undefined || options.fileSystemFor !== undefined;
  const events: ServerEvent[] = [];
  let wake: (() => void)[] = [];
  const server = await listen({
    hostKeys: [makeHostKey()],
    users: [{ name: 'alice', passwordHash: PASSWORD_HASH }],
    ...(hasFiles ? {} : { root }),
    listen: [{ address: '127.0.0.1', port: 0 }],
    ...options,
    onEvent: (event) => {
      events.push(event);
      for (const resolve of wake.splice(0)) resolve();
    },
  });
  onTestFinished(() => server.close());
  const event: TestServer['event'] = async (type) => {
    for (;;) {
      const found = events.find((one) => one.type === type);
      if (found !== undefined) return found as never;
      await new Promise<void>((resolve) => {
        wake = [...wake, resolve];
      });
    }
  };
  return { server, port: server.port, root, events, event };
}

/** Connects and logs in; the connection ends when the test has finished. */
export async function login(port: number, options: ConnectConfig = {}): Promise<Client> {
  const client = new ssh2.Client();
  onTestFinished(() => {
    client.end();
    (client as unknown as { _sock?: Socket })._sock?.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    client.once('ready', () => {
      client.off('error', reject);
      client.on('error', () => {});
      resolve();
    });
    client.on('error', reject);
    client.once('close', () => reject(new Error('closed')));
    client.connect({ host: '127.0.0.1', port, username: 'alice', password: PASSWORD, ...options });
  });
  client.setNoDelay(true);
  return client;
}

/** Runs a command and leaves the channel open. */
export async function exec(client: Client, command: string): Promise<ClientChannel> {
  return await new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      channel.on('error', () => {});
      resolve(channel);
    });
  });
}

/** Starts the subsystem `sftp` and leaves the channel open. */
export async function sftpChannel(client: Client): Promise<ClientChannel> {
  return await new Promise((resolve, reject) => {
    client.subsys('sftp', (error, channel) => {
      if (error) return reject(error);
      channel.on('error', () => {});
      resolve(channel);
    });
  });
}

export interface ExecResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a command with this input to its end. */
export async function run(client: Client, command: string, input: string | Buffer = ''): Promise<ExecResult> {
  return await outcomeOf(await exec(client, command), input);
}

/** Sends this input on a channel and waits for its end. */
export async function outcomeOf(channel: ClientChannel, input: string | Buffer = ''): Promise<ExecResult> {
  const stdout: Buffer[] = [];
  let stderr = '';
  channel.on('data', (data: Buffer) => stdout.push(data));
  channel.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const closed = once(channel, 'close') as Promise<[number | null]>;
  channel.end(input);
  const [code] = await closed;
  return { code: code ?? null, stdout: Buffer.concat(stdout), stderr };
}

/** A bare TCP connection to the server. */
export async function rawConnect(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the other side has closed the connection. Reads and forgets what still comes. */
export async function closedByServer(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.destroyed) await once(socket, 'close');
}
