import { chmod, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { FileError } from '../../base/errors.ts';
import {
  CONTROL_SOCKET,
  CONTROL_VERSION,
  type ControlRequest,
  type ControlResponse,
  MAX_LISTED,
  MAX_REQUEST_BYTES,
  readControlRequest,
  type SessionReport,
  type StatusReport,
  type TransferReport,
} from './protocol.ts';

/** What the socket gives access to. */
export interface ControlTarget {
  status(): Promise<StatusReport>;
  sessions(): Promise<readonly SessionReport[]>;
  transfers(): Promise<readonly TransferReport[]>;
  /** False where there is no such session. */
  kick(id: string): Promise<boolean>;
}

/** So many look at a time. */
const MAX_CLIENTS = 16;

/** A client that says nothing for so long is gone. Milliseconds. */
const IDLE_MS = 60_000;

/** The longest path a Unix socket can have everywhere. Bytes. */
const MAX_SOCKET_PATH = 103;

/** Answers on the control socket of a state folder. */
export class ControlServer {
  readonly #target: ControlTarget;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  /** The clients, and who is being sent away. */
  readonly #sockets = new Set<Socket>();

  private constructor(target: ControlTarget) {
    this.#target = target;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /**
   * Opens the socket. One that a killed server has left is replaced; one that answers means that another server has this folder.
   *
   * @throws {FileError} where that is so, where others may use the folder, or where the socket cannot be made
   */
  static async open(state: string, target: ControlTarget): Promise<ControlServer> {
    const path = join(state, CONTROL_SOCKET);
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
      throw new FileError(path, 'open', 'ENAMETOOLONG', {
        reason: `a socket cannot have a path of more than ${MAX_SOCKET_PATH} bytes`,
        cure: 'choose a shorter state folder',
      });
    // Between its creation and its chmod the folder alone guards the socket.
    const { mode } = await attempt(state, () => stat(state));
    if ((mode & 0o077) !== 0)
      throw new FileError(state, 'open', 'ERR_CONFIG', {
        reason: 'others may use the state folder',
        cure: `chmod 700 ${state}`,
      });
    if (await answers(path))
      throw new FileError(path, 'open', 'EBUSY', {
        reason: 'another server uses this state folder',
        cure: 'stop it, or give each server a state of its own',
      });
    await unlink(path).catch(() => {});
    const control = new ControlServer(target);
    await attempt(path, () => listen(control.#server, path));
    await attempt(path, () => chmod(path, 0o600));
    return control;
  }

  #serve(socket: Socket): void {
    socket.on('error', () => {});
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.resume().end(line({ version: CONTROL_VERSION, ok: false, error: `${MAX_CLIENTS} clients look already` }));
      return;
    }
    this.#clients.add(socket);
    socket.once('close', () => this.#clients.delete(socket));
    socket.setEncoding('utf8');
    let text = '';
    let last = Promise.resolve();
    socket.on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      if (text.length > MAX_REQUEST_BYTES || lines.some((one) => one.length > MAX_REQUEST_BYTES)) {
        socket.end(
          line({ version: CONTROL_VERSION, ok: false, error: `a request has at most ${MAX_REQUEST_BYTES} bytes` }),
        );
        socket.removeAllListeners('data').resume();
        return;
      }
      // One answer at a time, in order; a client that does not read is not read from.
      socket.pause();
      for (const one of lines) last = last.then(() => this.#reply(socket, one));
      void last.then(() => socket.resume());
    });
  }

  async #reply(socket: Socket, request: string): Promise<void> {
    const text = line(await this.#answer(request));
    if (socket.destroyed || socket.write(text)) return;
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve).once('close', resolve);
    });
  }

  async #answer(text: string): Promise<ControlResponse> {
    const request = readControlRequest(text);
    if (typeof request === 'string') return { version: CONTROL_VERSION, ok: false, error: request };
    try {
      return await this.#execute(request);
    } catch (error) {
      return { version: CONTROL_VERSION, ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  }

  async #execute(request: ControlRequest): Promise<ControlResponse> {
    const version = CONTROL_VERSION;
    switch (request.command) {
      case 'status':
        return { version, ok: true, status: await this.#target.status() };
      case 'sessions': {
        const all = await this.#target.sessions();
        return { version, ok: true, sessions: all.slice(0, MAX_LISTED), more: Math.max(0, all.length - MAX_LISTED) };
      }
      case 'transfers': {
        const all = await this.#target.transfers();
        return { version, ok: true, transfers: all.slice(0, MAX_LISTED), more: Math.max(0, all.length - MAX_LISTED) };
      }
      case 'kick': {
        const { id } = request;
        return (await this.#target.kick(id))
          ? { version, ok: true, kicked: id }
          : { version, ok: false, error: `no session ${id}` };
      }
      default:
        return request satisfies never;
    }
  }

  /** Closes the socket and removes it. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function line(response: ControlResponse): string {
  return `${JSON.stringify(response)}\n`;
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw FileError.from(cause, path, 'open');
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject).on('error', () => {});
      resolve();
    });
  });
}

/** Whether somebody listens at a path. */
async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
