import { ConnectionError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { SftpLink } from '../copy/sftp-open.ts';
import type { SshConnection } from '../ssh/connection.ts';
import { connectOptionsOf, type HostOptions, targetOf } from './host-options.ts';
import { StderrLines } from './stderr-lines.ts';

/** A connection to a host, and the protocol that is spoken on it. */
export interface Remote {
  readonly host: string;
  readonly connection: SshConnection;
  /** Absent where the SCP protocol is spoken. */
  readonly link: SftpLink | undefined;
  readonly stderr: StderrLines;
}

/** Connects, and finds out which protocol the host speaks. @throws {ConnectionError} */
async function openRemote(options: HostOptions): Promise<Remote> {
  const { protocol = 'auto', signal, host } = options;
  const stderr = new StderrLines(options.onStderr);
  const { connect: connectSsh } = await import('../ssh/connect.ts');
  const connection = await connectSsh(targetOf(options), connectOptionsOf(options, stderr.push));
  if (protocol === 'scp') return { host, connection, link: undefined, stderr };
  const { openSftp } = await import('../copy/sftp-open.ts');
  try {
    const link = await openSftp(connection, { host, signal, onStderr: stderr.push });
    stderr.loggedIn();
    return { host, connection, link, stderr };
  } catch (error) {
    const hasNone = error instanceof ConnectionError && error.code === 'ERR_NOT_OFFERED';
    if (hasNone && protocol === 'auto') return { host, connection, link: undefined, stderr };
    await connection.close();
    signal?.throwIfAborted();
    throw stderr.explain(error);
  }
}

/** One host for as long as somebody uses it: connected when first asked for, and again after the connection was lost. */
export class RemoteKeeper {
  readonly options: HostOptions;
  readonly #signal: AbortSignal;
  readonly #giveUp = new AbortController();
  #remote: Promise<Remote> | undefined;
  #protocol: 'sftp' | 'scp' = 'sftp';
  readonly #closing = new AbortController();
  #connecting = false;

  constructor(options: HostOptions) {
    this.options = options;
    const { signal } = options;
    this.#signal = signal === undefined ? this.#giveUp.signal : AbortSignal.any([signal, this.#giveUp.signal]);
  }

  /** What was spoken on the last connection. */
  get protocol(): 'sftp' | 'scp' {
    return this.#protocol;
  }

  /** Aborts once this host is closed: nothing is begun, or tried again, after that. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  async #open(): Promise<Remote> {
    this.#connecting = true;
    try {
      const remote = await openRemote({ ...this.options, signal: this.#signal });
      this.#protocol = remote.link === undefined ? 'scp' : 'sftp';
      return remote;
    } finally {
      this.#connecting = false;
    }
  }

  /** The connection; a new one where there is none, or where the last one was lost. @throws {ConnectionError} */
  async get(): Promise<Remote> {
    this.options.signal?.throwIfAborted();
    this.closed.throwIfAborted();
    this.#remote ??= this.#open();
    const current = this.#remote;
    try {
      const remote = await current;
      if (remote.link?.session.failure === undefined) return remote;
      await this.drop(remote);
    } catch (error) {
      if (this.#remote === current) this.#remote = undefined;
      throw error;
    }
    return await this.get();
  }

  /** Lets go of a connection that is of no use any more; the next {@link get} makes a new one. Never throws. */
  async drop(remote: Remote): Promise<void> {
    const known = this.#remote;
    if ((await known?.catch(() => undefined)) === remote && this.#remote === known) this.#remote = undefined;
    await closeRemote(remote);
  }

  /** Notices that an error is the end of a connection. Where each channel is a connection of its own (SCP by the `ssh` program) nothing else has ended with it. */
  async noticeLost(remote: Remote, error: unknown): Promise<void> {
    const isShared = remote.link !== undefined || remote.connection.isMultiplexed === true;
    if (isShared && error instanceof ConnectionError && error.code === 'ERR_CONNECTION_LOST') await this.drop(remote);
  }

  /** Ends everything on a connection at once: whatever waits on it fails with `reason`. */
  breakOff(remote: Remote, reason: unknown): void {
    remote.link?.session.fail(reason);
    void this.drop(remote);
  }

  #isClosed(): ConnectionError {
    const host = printable(this.options.host);
    return new ConnectionError(host, 'open', 'the connection was closed', { code: 'ERR_CLOSED' });
  }

  /** Idempotent. Never throws. */
  async close(): Promise<void> {
    this.#closing.abort(this.#isClosed());
    if (this.#connecting) this.#giveUp.abort(this.closed.reason);
    const remote = await this.#remote?.catch(() => undefined);
    this.#remote = undefined;
    if (remote !== undefined) await closeRemote(remote);
  }
}

async function closeRemote({ link, connection }: Remote): Promise<void> {
  await link?.close();
  await connection.close().catch(() => {});
}
