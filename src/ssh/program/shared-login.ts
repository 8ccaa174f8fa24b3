import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { withDeadline } from '../../base/deadline.ts';
import { ConnectionError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import { spawnable } from '../../base/spawnable.ts';
import type { SshChannel, SshExit, SshTarget } from '../connection.ts';
import { masterArguments } from './arguments.ts';
import { leavesSharingToUs } from './sharing-rule.ts';
import { makeSocketPlace, type SocketPlace } from './socket-place.ts';

/** How long the program may take to end after SIGTERM. */
const KILL_AFTER_MS = 500;

/** How long the last words of a program that has ended are waited for, where another one holds its standard error open; and the end of a connection, where one of its sessions has ended. */
const LAST_WORDS_MS = 250;

/** Where nobody tells of new names in a folder, it is looked at so often. */
const LOOK_MS = 200;

/** Where the shell is that starts the program. */
const SHELL = '/bin/sh';

/**
 * Starts a program and, beside it, somebody who ends it when this process is gone, however that came: a pipe that only this process holds open comes to its end then. A line on it means that the program has ended and its number may
 * belong to another. Whoever waits there has no standard streams of the program's, so that these end with it.
 */
const KEEPER = `
socket=$1; shift
{ trap '' HUP INT
  read -r line <&3 || { kill $$; rm -f "$socket"; rmdir "\${socket%/*}"; }
} </dev/null >/dev/null 2>&1 &
exec 3<&-
exec "$@"
`;

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
 * An `ssh` that has logged in and lets others in through a private socket (ControlMaster). It has no session of its own, because OpenSSH ends a master whose own subsystem is refused, and everybody else with it.
 */
export class SharedLogin {
  readonly #child: ChildProcess;
  readonly #place: SocketPlace;
  /** Resolves when the connection is gone, and the socket with it. */
  readonly over: Promise<void>;
  #isOver = false;

  private constructor(child: ChildProcess, place: SocketPlace) {
    this.#child = child;
    this.#place = place;
    this.over = new Promise((resolve) => {
      child.once('exit', () => {
        this.#isOver = true;
        // Nobody must be ended any more.
        (child.stdio[3] as Writable).end('\n');
        void place.remove().then(resolve);
      });
    });
  }

  /**
   * Logs in. What the program asks and says reaches the user as always.
   *
   * @returns undefined where the user's configuration has something to say about sharing, or where there is no place for the socket, or no shell: nothing has been tried then
   * @throws {ConnectionError} `ERR_CONNECTION_LOST` where there is no login; the program has said why. `signal.reason`
   */
  static async open(target: SshTarget, options: SharedLoginOptions): Promise<SharedLogin | undefined> {
    const { program, args, log, signal } = options;
    if (!(await leavesSharingToUs(target, options))) return undefined;
    signal?.throwIfAborted();
    const place = await makeSocketPlace(options.folders);
    if (place === undefined) return undefined;
    const words = masterArguments(target, args, place.path);
    log.debug(1, `starting ${[program, ...words].map(printable).join(' ')}`);
    const command = spawnable(program, words);
    const child = spawn(SHELL, ['-c', KEEPER, 'sh', place.path, command.program, ...command.args], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      ...(options.variables && { env: { ...options.variables } }),
    });
    child.on('error', () => {});
    if (child.pid === undefined) {
      await place.remove();
      return undefined;
    }
    (child.stdio[3] as Writable).on('error', () => {});
    const stderr = child.stderr as Readable;
    passOn(stderr, options.onStderr);
    const login = new SharedLogin(child, place);
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
