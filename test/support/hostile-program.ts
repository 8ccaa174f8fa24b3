import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { StreamReader } from '../../src/wire/stream-reader.ts';
import { asBytes, ClientGone, type HostilePeer, perform, type Script } from './hostile-peer.ts';

/** Messages to the program: one byte, four bytes of length, then the content. */
const [OUTPUT, ERROR, READ, CLOSE_OUTPUT, CLOSE_INPUT, EXIT, DIE, IGNORE_SIGNALS] = [1, 2, 3, 4, 5, 6, 7, 8] as const;

/**
 * The program that stands in for `ssh`. It does nothing by itself: its streams are in the hands of the test, over a Unix
 * socket. It reads its standard input only when it is told to.
 */
const source = (socketPath: string): string => `#!${process.execPath}
const fs = require('node:fs');
const socket = require('node:net').connect(${JSON.stringify(socketPath)});
let held = Buffer.alloc(0);
socket.write(JSON.stringify(process.argv.slice(2)) + '\\n');
socket.on('error', () => process.exit(99));
socket.on('close', () => process.exit(99));
socket.on('data', (chunk) => { held = Buffer.concat([held, chunk]); next(); });
let busy = false;
function next() {
  if (busy || held.length < 5) return;
  const size = held.readUInt32BE(1);
  if (held.length < 5 + size) return;
  const type = held[0];
  const content = held.subarray(5, 5 + size);
  held = held.subarray(5 + size);
  if (type === ${OUTPUT} || type === ${ERROR}) { busy = true; socket.pause(); write(type, content); return; }
  if (type === ${READ}) {
    // The end goes a moment later: what the test sends at the same time, how to exit above all, must still come.
    const end = () => setTimeout(() => socket.end(), 50);
    process.stdin.on('error', () => socket.end()).on('end', end).pipe(socket, { end: false });
  }
  if (type === ${CLOSE_OUTPUT}) fs.closeSync(1);
  if (type === ${CLOSE_INPUT}) fs.closeSync(0);
  if (type === ${IGNORE_SIGNALS}) for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
  if (type === ${EXIT}) process.exit(content[0]);
  if (type === ${DIE}) process.kill(process.pid, content.toString());
  next();
}
function write(fd, rest) {
  fs.write(fd, rest, (error, count) => {
    if (!error && count < rest.length) return write(fd, rest.subarray(count));
    busy = false;
    socket.write('');
    socket.resume();
    next();
  });
}
`;

function frame(type: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** One run of the program. */
class ProgramPeer implements HostilePeer {
  readonly command: string;
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #reader: StreamReader;
  #reading = false;
  #left = false;

  private constructor(socket: Socket, reader: StreamReader, command: string) {
    this.#socket = socket;
    this.#reader = reader;
    this.command = command;
    this.gone = new Promise((resolve) => {
      socket.once('close', () => {
        this.#left = true;
        resolve();
      });
    });
  }

  static async accept(socket: Socket): Promise<ProgramPeer> {
    socket.on('error', () => {});
    const reader = new StreamReader(socket);
    const { bytes } = await reader.line(65_536);
    const args = JSON.parse(bytes.toString()) as string[];
    return new ProgramPeer(socket, reader, args.at(-1) ?? '');
  }

  async #frame(type: number, content: Uint8Array = Buffer.alloc(0)): Promise<void> {
    if (this.#left || this.#socket.destroyed) throw new ClientGone();
    if (this.#socket.write(frame(type, content))) return;
    await Promise.race([once(this.#socket, 'drain').catch(() => {}), this.gone]);
    if (this.#left) throw new ClientGone();
  }

  send(bytes: string | Uint8Array): Promise<void> {
    return this.#frame(OUTPUT, asBytes(bytes));
  }

  complain(bytes: string | Uint8Array): Promise<void> {
    return this.#frame(ERROR, asBytes(bytes));
  }

  async #startReading(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    await this.#frame(READ);
  }

  async read(count: number): Promise<Buffer> {
    await this.#startReading();
    const parts: Buffer[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)?.length ?? 0) {
      const chunk = await this.#reader.chunk(left).catch(() => undefined);
      if (chunk === undefined) throw new ClientGone();
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  async readLine(): Promise<string> {
    await this.#startReading();
    const { bytes, endedBy } = await this.#reader
      .line(65_536)
      .catch(() => ({ bytes: Buffer.alloc(0), endedBy: 'end' }));
    if (endedBy === 'end') throw new ClientGone();
    return bytes.toString('latin1');
  }

  async drain(): Promise<void> {
    await this.#startReading();
    while ((await this.#reader.chunk(65_536).catch(() => undefined)) !== undefined);
  }

  #tell(type: number, content?: Uint8Array): void {
    this.#frame(type, content).catch(() => {});
  }

  closeOutput(): void {
    this.#tell(CLOSE_OUTPUT);
  }

  closeInput(): void {
    this.#tell(CLOSE_INPUT);
  }

  ignoreSignals(): void {
    this.#tell(IGNORE_SIGNALS);
  }

  exit(status: number): void {
    this.#tell(EXIT, Buffer.of(status));
  }

  die(signal: string): void {
    this.#tell(DIE, Buffer.from(`SIG${signal}`));
  }

  vanish(): void {
    this.die('KILL');
  }
}

/** A running stand-in: how to reach it, and how it is taken down. */
export interface HostileService {
  /** What the command line of scp needs to reach it under the name `h`. */
  readonly args: readonly string[];
  /** Ends it. @throws what a script threw. */
  stop(): Promise<void>;
}

/** Makes a program for `-S` that plays the script in each of its runs. */
export async function startHostileProgram(directory: string, script: Script): Promise<HostileService> {
  const socketPath = join(directory, 'control');
  const program = join(directory, 'program');
  await writeFile(program, source(socketPath), { mode: 0o755 });
  const sockets = new Set<Socket>();
  const runs: Promise<void>[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    runs.push(ProgramPeer.accept(socket).then((peer) => perform(script, peer)));
    runs.at(-1)?.catch(() => {});
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    args: ['--transport=ssh', '-S', program],
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await Promise.all(runs);
    },
  };
}
