import { withDeadline } from '../base/deadline.ts';
import { SftpSession } from '../sftp/session.ts';
import type { SshChannel, SshConnection } from '../ssh/connection.ts';

/** SFTP channels of one connection: each is a server process of its own, with a window of its own. */
const MAX_SESSIONS = 4;

/** A copy of fewer files is done before another channel would be open. */
const FILES_BEFORE_GROWTH = 8;

/** How long the end waits for a channel that is being opened. Milliseconds. */
const LATE_CHANNEL_MS = 250;

/** What the further sessions may have in flight together with the first is bounded. Bytes. */
const BYTES_IN_FLIGHT: number = 4 * 1024 * 1024;

export interface SessionPoolOptions {
  readonly host: string;
  readonly signal?: AbortSignal | undefined;
  readonly maxRequests?: number | undefined;
  readonly maxDataBytes?: number | undefined;
}

/**
 * Gives out sessions for files in turn. Further channels are opened once there are many files, as far as the server lets us: one that is refused (`MaxSessions` of sshd) ends the growth and harms nothing.
 */
export class SessionPool {
  readonly #connection: SshConnection;
  readonly #options: SessionPoolOptions;
  readonly #sessions: SftpSession[];
  readonly #channels: SshChannel[] = [];
  #files = 0;
  #turn = 0;
  #growing: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(first: SftpSession, connection: SshConnection, options: SessionPoolOptions) {
    this.#sessions = [first];
    this.#connection = connection;
    this.#options = options;
  }

  /** The session for the next file. */
  next(): SftpSession {
    if (++this.#files === FILES_BEFORE_GROWTH) this.#growing = this.#grow();
    const healthy = this.#sessions.filter((session, index) => index === 0 || session.failure === undefined);
    return healthy[this.#turn++ % healthy.length] as SftpSession;
  }

  async #grow(): Promise<void> {
    while (this.#sessions.length < MAX_SESSIONS && !this.#stop.signal.aborted) {
      const session = await this.#open().catch(() => undefined);
      if (session === undefined) return;
      this.#sessions.push(session);
    }
  }

  async #open(): Promise<SftpSession> {
    const signals = [this.#options.signal, this.#stop.signal].filter((one) => one !== undefined);
    const signal = AbortSignal.any(signals);
    const channel = await this.#connection.subsystem('sftp', { signal });
    this.#channels.push(channel);
    channel.stderr.resume();
    try {
      const timeoutMs = this.#connection.answerTimeoutMs;
      return await SftpSession.open(channel, { ...this.#options, signal, timeoutMs, maxBytes: BYTES_IN_FLIGHT });
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** Ends the further sessions, also those that are being opened: the copy is done without them. Never rejects. */
  async close(): Promise<void> {
    for (const session of this.#sessions.slice(1)) session.close();
    this.#stop.abort(new Error('no further sessions are needed'));
    for (const channel of this.#channels) channel.close();
    // A transport that lets go of a channel at an abort is done at once; one that does not is not waited for.
    await withDeadline(this.#growing ?? Promise.resolve(), LATE_CHANNEL_MS, () => new Error('no answer')).catch(
      () => {},
    );
  }
}
