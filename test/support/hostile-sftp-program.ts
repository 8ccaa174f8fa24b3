import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { StreamReader } from '../../src/wire/stream-reader.ts';
import { asBytes, ClientGone, type HostilePeer, perform, type Script } from './hostile-peer.ts';
import type { HostileService } from './hostile-program.ts';

/** What a run of the program says of itself when it connects. */
interface Hello {
  readonly args: readonly string[];
  readonly pid: number;
}

type Order =
  | { readonly do: 'exit'; readonly status: number }
  | { readonly do: 'complain'; readonly bytes: string }
  | { readonly do: 'closeOutput' | 'closeInput' | 'ignoreSignals' };

/**
 * The program that stands in for `ssh` or for an SFTP server. It does nothing by itself: a first socket to the test takes
 * orders, a second one carries its standard input and output, as they are and at the speed of whoever reads.
 */
const source = (socketPath: string): string => `#!${process.execPath}
const net = require('node:net');
const fs = require('node:fs');
const streams = net.connect({ path: ${JSON.stringify(socketPath)}, allowHalfOpen: true });
const orders = net.connect(${JSON.stringify(socketPath)});
const [input, output] = [0, 1].map((fd) => new net.Socket({ fd, readable: fd === 0, writable: fd === 1 }));
const gone = () => process.exit(99);
orders.on('error', gone).on('close', gone);
for (const stream of [streams, input, output]) stream.on('error', () => {});
const ended = new Promise((resolve) => streams.on('end', resolve));
streams.write('streams ' + process.pid + '\\n');
orders.write('orders ' + process.pid + ' ' + JSON.stringify({ args: process.argv.slice(2), pid: process.pid }) + '\\n');
input.pipe(streams);
streams.pipe(output, { end: false });
const finished = async (then) => { await ended; output.end(then); };
const acts = {
  complain: ({ bytes }) => process.stderr.write(Buffer.from(bytes, 'base64')),
  closeOutput: () => finished(() => {}),
  // Node itself never closes a standard stream.
  closeInput: () => input.destroy().once('close', () => fs.closeSync(0)),
  ignoreSignals: () => ['SIGTERM', 'SIGINT', 'SIGHUP'].forEach((name) => process.on(name, () => {})),
  exit: ({ status }) => finished(() => process.exit(status)),
};
let held = '';
orders.setEncoding('latin1').on('data', (text) => {
  const lines = (held + text).split('\\n');
  held = lines.pop();
  for (const line of lines) { const order = JSON.parse(line); acts[order.do](order); }
});
`;

/** One run of the program. */
class ProgramPeer implements HostilePeer {
  readonly command: string;
  readonly gone: Promise<void>;
  readonly #pid: number;
  readonly #streams: Socket;
  readonly #orders: Socket;
  readonly #input: StreamReader;
  #left = false;
  #ended = false;

  /** @param input reads the streams; nothing is taken from them beyond its small store before somebody asks */
  constructor({ args, pid }: Hello, streams: Socket, orders: Socket, input: StreamReader) {
    this.command = args.at(-1) ?? '';
    this.#pid = pid;
    this.#streams = streams;
    this.#orders = orders;
    this.#input = input;
    this.gone = new Promise((resolve) => {
      orders.once('close', () => {
        this.#left = true;
        streams.destroy();
        resolve();
      });
    });
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.#left || this.#ended) throw new ClientGone();
    if (this.#streams.write(asBytes(bytes))) return;
    await Promise.race([once(this.#streams, 'drain').catch(() => {}), this.gone]);
    if (this.#left) throw new ClientGone();
  }

  async complain(bytes: string | Uint8Array): Promise<void> {
    if (this.#left) throw new ClientGone();
    this.#order({ do: 'complain', bytes: Buffer.from(asBytes(bytes)).toString('base64') });
  }

  #order(order: Order): void {
    if (!this.#left) this.#orders.write(`${JSON.stringify(order)}\n`);
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

  #finish(order: Order): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#streams.end();
    this.#order(order);
  }

  closeOutput(): void {
    this.#finish({ do: 'closeOutput' });
  }

  closeInput(): void {
    this.#order({ do: 'closeInput' });
  }

  ignoreSignals(): void {
    this.#order({ do: 'ignoreSignals' });
  }

  exit(status: number): void {
    this.#finish({ do: 'exit', status });
  }

  die(signal: string): void {
    try {
      process.kill(this.#pid, `SIG${signal}`);
    } catch {
      // It has ended by itself.
    }
  }

  vanish(): void {
    this.die('KILL');
  }
}

/** So much of the client's output waits unread in the test, besides what the system keeps. */
const UNREAD_BYTES = 16 * 1024;

/** Brings the two sockets of each run together. */
class Runs {
  readonly #streams = new Map<string, { readonly socket: Socket; readonly reader: StreamReader }>();
  readonly #orders = new Map<string, { readonly socket: Socket; readonly hello: Hello }>();
  readonly #start: (peer: ProgramPeer) => void;

  constructor(start: (peer: ProgramPeer) => void) {
    this.#start = start;
  }

  async accept(socket: Socket): Promise<void> {
    socket.on('error', () => {});
    const reader = new StreamReader(socket, UNREAD_BYTES);
    const line = (await reader.line(65_536)).bytes.toString();
    const [kind = '', pid = ''] = line.split(' ', 2);
    if (kind === 'streams') this.#streams.set(pid, { socket, reader });
    else this.#orders.set(pid, { socket, hello: JSON.parse(line.slice(line.indexOf('{'))) as Hello });
    const [streams, orders] = [this.#streams.get(pid), this.#orders.get(pid)];
    if (streams !== undefined && orders !== undefined)
      this.#start(new ProgramPeer(orders.hello, streams.socket, orders.socket, streams.reader));
  }
}

/** Makes a program that plays the script in each of its runs. */
export async function startSftpProgram(
  directory: string,
  script: Script,
  option: '-D' | '-S',
): Promise<HostileService> {
  const socketPath = join(directory, 'control');
  const program = join(directory, 'program');
  await writeFile(program, source(socketPath), { mode: 0o755 });
  const sockets = new Set<Socket>();
  const plays: Promise<void>[] = [];
  const runs = new Runs((peer) => {
    plays.push(perform(script, peer));
    plays.at(-1)?.catch(() => {});
  });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    runs.accept(socket).catch(() => socket.destroy());
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    args: option === '-D' ? ['-D', program] : ['--transport=ssh', '-S', program],
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await Promise.all(plays);
    },
  };
}
