import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { withDeadline } from '../../base/deadline.ts';
import { ConnectionError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { SshChannel, SshExit, SshTarget } from '../connection.ts';
import { readIntoOneBuffer } from '../read-buffer.ts';
import { masterArguments } from './arguments.ts';
import { type PipedChild, programChannel } from './channel.ts';
import { letGo, startKept } from './keeper.ts';
import { readByOneBuffer } from './own-reads.ts';
import { Refusals } from './refusals.ts';
import { makeSocketPlace, type SocketPlace } from './socket-place.ts';

/** How long the program may take to end after SIGTERM. */
const KILL_AFTER_MS = 500;

/** How long the last words of a program that has ended are waited for, where another one holds its standard error open; and the end of a connection, where one of its sessions has ended. */
const LAST_WORDS_MS = 250;

/** Where nobody tells of new names in a folder, it is looked at so often. */
const LOOK_MS = 200;

/** Where to put a socket, and whom to tell what. */
export interface SharedLoginOptions {
  /** Path of the `ssh` program. */
  readonly program: string;
  /** Option words of ssh in the user's order. */
  readonly args: readonly string[];
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folders to try for the private directory of the socket. */
  readonly folders: readonly string[];
  readonly log: Log;
  /** Given what the program says. A promise holds it back. */
  readonly onStderr?: ((bytes: Buffer) => Promise<void> | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * An `ssh` that has logged in, or is about to, and lets others in through a private socket (ControlMaster). OpenSSH ends one whose own subsystem is refused, and everybody else with it: only one without a session outlives that.
 */
export class SharedLogin {
  readonly #child: ChildProcess;
  readonly #place: SocketPlace;
  /** Of one with a session. */
  readonly #stdout: Readable | undefined;
  readonly #refusals = new Refusals();
  /** Resolves when the connection is gone, and the socket with it. */
  readonly over: Promise<void>;
  #isOver = false;

  private constructor(child: ChildProcess, place: SocketPlace, stdout: Readable | undefined) {
    this.#child = child;
    this.#stdout = stdout;
    this.#place = place;
    this.over = new Promise((resolve) => {
      child.once('exit', () => {
        this.#isOver = true;
        letGo(child);
        void place.remove().then(resolve);
      });
    });
  }

  /** @returns undefined where there is no place for the socket, or no shell: nothing has been tried then */
  static async #start(
    target: SshTarget,
    { program, args, folders, variables, log, signal }: SharedLoginOptions,
    subsystem?: string,
  ): Promise<SharedLogin | undefined> {
    const place = await makeSocketPlace(folders);
    if (place === undefined) return undefined;
    if (signal?.aborted === true) {
      await place.remove();
      signal.throwIfAborted();
    }
    const words = masterArguments(target, args, place.path, subsystem);
    log.debug(1, `starting ${[program, ...words].map(printable).join(' ')}`);
    const stream = subsystem === undefined ? 'ignore' : 'pipe';
    const env = variables && { ...variables };
    const child = startKept(program, words, place.path, { stdin: stream, stdout: stream, ...(env && { env }) });
    // Before anything has been read.
    const stdout = child.stdout === null ? undefined : readByOneBuffer(child.stdout, readIntoOneBuffer);
    if (child.pid !== undefined) return new SharedLogin(child, place, stdout);
    await place.remove();
    return undefined;
  }

  /**
   * Starts an `ssh` that logs in, opens a subsystem, and lets others in for as long as that lasts: the first channel costs nothing more than by itself. What goes wrong with the login shows up as the exit of the channel.
   *
   * @returns undefined where there is no place for the socket, or no shell: nothing has been tried then
   * @throws `signal.reason`
   */
  static async withSession(
    target: SshTarget,
    subsystem: string,
    options: SharedLoginOptions,
  ): Promise<{ readonly login: SharedLogin; readonly channel: SshChannel } | undefined> {
    const login = await SharedLogin.#start(target, options, subsystem);
    if (login === undefined) return undefined;
    const edit = (bytes: Buffer) => login.#refusals.without(bytes);
    return { login, channel: programChannel(login.#piped(), target.host, edit) };
  }

  #piped(): PipedChild {
    const { stdin, stderr } = this.#child;
    return {
      process: this.#child,
      stdin: stdin as Writable,
      stdout: this.#stdout as Readable,
      stderr: stderr as Readable,
    };
  }

  /**
   * Logs in, for channels to come. What the program asks and says reaches the user as always.
   *
   * @returns undefined where there is no place for the socket, or no shell: nothing has been tried then
   * @throws {ConnectionError} `ERR_CONNECTION_LOST` where there is no login; the program has said why. `signal.reason`
   */
  static async alone(target: SshTarget, options: SharedLoginOptions): Promise<SharedLogin | undefined> {
    const { signal } = options;
    const login = await SharedLogin.#start(target, options);
    if (login === undefined) return undefined;
    const stderr = login.#child.stderr as Readable;
    passOn(stderr, (bytes) => options.onStderr?.(login.#refusals.without(bytes)));
    const abort = (): void => void login.close();
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await login.#ready();
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    if (!login.#isOver) return login;
    await lastWords(stderr);
    await login.close();
    signal?.throwIfAborted();
    throw new ConnectionError(printable(target.host), 'transfer', 'connection closed', { code: 'ERR_CONNECTION_LOST' });
  }

  /** Resolves when the socket is there, or will never be. */
  async #ready(): Promise<void> {
    const { path } = this.#place;
    await new Promise<void>((resolve) => {
      const watcher = watchFolder(dirname(path));
      const look = (): void => {
        void isThere(path).then((found) => {
          if (found) done();
        });
      };
      const timer = setInterval(look, LOOK_MS);
      const done = (): void => {
        watcher?.close();
        clearInterval(timer);
        resolve();
      };
      watcher?.on('change', look);
      void this.over.then(done);
      look();
    });
  }

  /** What the server refuses from now on is the business of whoever asked for it, and not told on standard error. */
  hideRefusals(): void {
    this.#refusals.hide();
  }

  /** The socket for further sessions; undefined when the connection is gone. */
  get socket(): string | undefined {
    return this.#isOver ? undefined : this.#place.path;
  }

  /**
   * A channel of a program that goes through here. It ends with the status of a lost connection also where the server has only refused the session or what was to run in it, and says nothing then: what counts is whether the
   * connection lives on.
   */
  channel(own: SshChannel): SshChannel {
    let isLeft = false;
    const judge = async (exit: SshExit): Promise<SshExit> => {
      if (exit.lost === undefined || isLeft) return exit;
      const gone = this.over.then(() => true);
      const isLost = await withDeadline(gone, LAST_WORDS_MS, () => new Error('it lives')).catch(() => false);
      return isLost ? exit : { code: exit.code, signal: exit.signal };
    };
    const close = (): void => {
      isLeft = true;
      own.close();
    };
    return { ...own, exit: own.exit.then(judge), close };
  }

  /** Ends the connection with all its sessions. Idempotent. Never throws. */
  async close(): Promise<void> {
    if (!this.#isOver) {
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
      await this.over;
      clearTimeout(timer);
    }
    await this.over;
    this.#child.stderr?.destroy();
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** undefined where the system has no watcher left. */
function watchFolder(folder: string): FSWatcher | undefined {
  try {
    return watch(folder).on('error', () => {});
  } catch {
    return undefined;
  }
}

function passOn(stderr: Readable, onStderr: SharedLoginOptions['onStderr']): void {
  stderr.on('error', () => {});
  stderr.on('data', (bytes: Buffer) => {
    const busy = onStderr?.(bytes);
    if (busy === undefined) return;
    stderr.pause();
    void busy.then(() => stderr.resume());
  });
}

async function lastWords(stderr: Readable): Promise<void> {
  if (stderr.closed) return;
  await withDeadline(once(stderr, 'close'), LAST_WORDS_MS, () => new Error('still open')).catch(() => {});
}
