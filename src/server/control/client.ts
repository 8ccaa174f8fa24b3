import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { ConnectionError, FileError } from '../../base/errors.ts';
import {
  CONTROL_SOCKET,
  CONTROL_VERSION,
  type ControlRequest,
  type ControlResponse,
  MAX_RESPONSE_BYTES,
} from './protocol.ts';

type Distribute<T> = T extends unknown ? Omit<T, 'version'> : never;

/** How long an answer may take. Milliseconds. */
const ANSWER_MS = 10_000;

/** A connection to the control socket of a server. */
export class ControlClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #path: string;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
  }

  /** @throws {FileError} where no server answers, or this user may not ask it */
  static async open(state: string): Promise<ControlClient> {
    const path = join(state, CONTROL_SOCKET);
    const socket = connect(path);
    try {
      await once(socket, 'connect');
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') {
        throw new FileError(path, 'open', 'ENOENT', {
          cause,
          reason: 'no server runs with this state folder',
          cure: 'name its configuration with -c or its state folder with --state',
        });
      }
      throw FileError.from(cause, path, 'open');
    }
    socket.on('error', () => {});
    socket.setEncoding('utf8');
    return new ControlClient(socket, path);
  }

  /**
   * Sends a request and waits for its answer. One at a time.
   *
   * @throws {ConnectionError} where the server goes away, takes too long or answers nonsense
   */
  async ask(request: Distribute<ControlRequest>): Promise<ControlResponse> {
    this.#socket.write(`${JSON.stringify({ version: CONTROL_VERSION, ...request })}\n`);
    const text = await this.#line();
    try {
      return JSON.parse(text) as ControlResponse;
    } catch (cause) {
      throw this.#lost('the answer is not JSON', cause);
    }
  }

  async #line(): Promise<string> {
    const socket = this.#socket;
    return await new Promise((resolve, reject) => {
      let text = '';
      const done = (error?: Error): void => {
        clearTimeout(timer);
        socket.off('data', onData).off('close', onClose);
        if (error === undefined) resolve(text.slice(0, text.indexOf('\n')));
        else reject(error);
      };
      const onClose = (): void => done(this.#lost('the server has gone away'));
      const onData = (chunk: string): void => {
        text += chunk;
        if (text.includes('\n')) done();
        else if (text.length > MAX_RESPONSE_BYTES) done(this.#lost('the answer is too long'));
      };
      const timer = setTimeout(() => done(this.#lost('no answer')), ANSWER_MS);
      socket.on('data', onData).on('close', onClose);
      if (socket.destroyed) onClose();
    });
  }

  #lost(reason: string, cause?: unknown): ConnectionError {
    return new ConnectionError(this.#path, 'transfer', reason, { code: 'ERR_CONNECTION_LOST', cause });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}
