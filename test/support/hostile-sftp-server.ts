import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { StreamReader } from '../../src/wire/stream-reader.ts';
import { asBytes, ClientGone, type HostilePeer, perform, type Script } from './hostile-peer.ts';
import type { HostileService } from './hostile-program.ts';
import { makeKeyPair } from './key-pair.ts';

const hostKey = makeKeyPair();
const identity = makeKeyPair();

type WithSocket = Connection & { readonly _sock: Socket };

/** One channel with a subsystem or a command on it. */
class ChannelPeer implements HostilePeer {
  readonly command: string;
  readonly gone: Promise<void>;
  readonly #channel: ServerChannel;
  readonly #connection: Connection;
  #reader: StreamReader | undefined;
  #left = false;
  #ended = false;

  constructor(channel: ServerChannel, connection: Connection, command: string) {
    this.command = command;
    this.#channel = channel;
    this.#connection = connection;
    channel.on('error', () => {});
    this.gone = new Promise((resolve) => {
      const left = () => {
        this.#left = true;
        resolve();
      };
      channel.once('close', left);
      connection.once('close', left);
    });
  }

  async #write(stream: NodeJS.WritableStream, bytes: string | Uint8Array): Promise<void> {
    if (this.#left || this.#ended) throw new ClientGone();
    if (stream.write(asBytes(bytes))) return;
    await Promise.race([once(stream, 'drain').catch(() => {}), this.gone]);
    if (this.#left) throw new ClientGone();
  }

  send(bytes: string | Uint8Array): Promise<void> {
    return this.#write(this.#channel, bytes);
  }

  complain(bytes: string | Uint8Array): Promise<void> {
    return this.#write(this.#channel.stderr, bytes);
  }

  /** Nothing is read before somebody asks: the window of the client stays closed. */
  get #input(): StreamReader {
    this.#reader ??= new StreamReader(this.#channel);
    return this.#reader;
  }

  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)?.length ?? 0) {
      const chunk = await this.#input.chunk(left).catch(() => undefined);
      if (chunk === undefined) throw new ClientGone();
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  async readLine(): Promise<string> {
    const { bytes, endedBy } = await this.#input.line(65_536).catch(() => ({ bytes: Buffer.alloc(0), endedBy: 'end' }));
    if (endedBy === 'end') throw new ClientGone();
    return bytes.toString('latin1');
  }

  async drain(): Promise<void> {
    while ((await this.#input.chunk(65_536).catch(() => undefined)) !== undefined);
  }

  #finish(act: () => void): void {
    if (this.#ended || this.#left) return;
    this.#ended = true;
    act();
  }

  closeOutput(): void {
    this.#channel.end();
  }

  closeInput(): void {}

  ignoreSignals(): void {}

  exit(status: number): void {
    this.#finish(() => {
      this.#channel.exit(status);
      this.#channel.end();
    });
  }

  die(signal: string): void {
    this.#finish(() => {
      this.#channel.exit(signal);
      this.#channel.end();
    });
  }

  vanish(): void {
    this.#ended = true;
    (this.#connection as WithSocket)._sock.resetAndDestroy();
  }
}

/** What an SSH server makes of the request for the subsystem. */
export type SubsystemPolicy = 'accept' | 'refuse' | 'close';

/** Starts an SSH server on loopback that lets everybody in and plays the script on each subsystem and command. */
export async function startSftpServer(
  directory: string,
  script: Script,
  policy: SubsystemPolicy = 'accept',
): Promise<HostileService> {
  const connections = new Set<WithSocket>();
  const runs: Promise<void>[] = [];
  const play = (channel: ServerChannel, connection: Connection, command: string): void => {
    runs.push(perform(script, new ChannelPeer(channel, connection, command)));
    runs.at(-1)?.catch(() => {});
  };
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    connections.add(connection as WithSocket);
    (connection as WithSocket)._sock.setNoDelay(true);
    connection.on('error', () => {});
    // ssh2 does not answer a goodbye, for which a client would have to wait.
    connection.on('end', () => connection.end());
    connection.on('authentication', (context) => context.accept());
    connection.on('session', (accept) => {
      const session = accept();
      session.on('exec', (yes, _no, { command }) => play(yes(), connection, command));
      session.on('subsystem', (yes, no, { name }) => {
        if (policy === 'refuse') no();
        else if (policy === 'accept') play(yes(), connection, name);
        else yes().close();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server as unknown as NetServer, 'listening');
  await writeConfig(directory, (server.address() as AddressInfo).port);
  return {
    args: ['--transport=builtin', '-F', join(directory, 'config')],
    async stop() {
      for (const connection of connections) connection._sock.destroy();
      server.close();
      await Promise.all(runs);
    },
  };
}

async function writeConfig(directory: string, port: number): Promise<void> {
  const at = (name: string) => join(directory, name);
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${hostKey.public}\n`);
  await writeFile(at('identity'), identity.private, { mode: 0o600 });
  const lines = [
    'Host h',
    'HostName 127.0.0.1',
    `Port ${port}`,
    'User tester',
    `IdentityFile ${at('identity')}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${at('known_hosts')}`,
    'GlobalKnownHostsFile /dev/null',
    'StrictHostKeyChecking yes',
    'BatchMode yes',
  ];
  await writeFile(at('config'), `${lines.join('\n')}\n`, { mode: 0o600 });
}
