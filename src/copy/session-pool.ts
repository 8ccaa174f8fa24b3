import { withDeadline } from '../base/deadline.ts';
import { FAR_MS, type FurtherSessions, MAX_LANES, MIN_SPREAD_BYTES } from '../sftp/lanes.ts';
import { SftpSession } from '../sftp/session.ts';
import type { SshChannel, SshConnection } from '../ssh/connection.ts';

/** SFTP channels for many small files: each is a server process of its own. */
const SESSIONS_FOR_TREES = 4;

/** A copy of fewer files is done before another channel would be open. */
const FILES_BEFORE_GROWTH = 8;

/** How long the end waits for a channel that is being opened. Milliseconds. */
const LATE_CHANNEL_MS = 250;

/** An answer to INIT that takes so long comes from far away; and one that comes behind a login, which takes a dozen round trips. Milliseconds. */
const FAR_HANDSHAKE_MS = 30;
const FAR_LOGIN_MS = 600;

/** What the further sessions may have in flight together with the first is bounded. Bytes. */
const BYTES_IN_FLIGHT: number = 4 * 1024 * 1024;

export interface SessionPoolOptions {
  readonly host: string;
  readonly signal?: AbortSignal | undefined;
  readonly maxRequests?: number | undefined;
  readonly maxDataBytes?: number | undefined;
}

/**
 * Several sessions on one connection, for files in turn and for the content of one large file. Further channels are opened once there are many files, or a large one and a long way, as far as the server lets us: one that is refused
 * (`MaxSessions` of sshd) ends the growth and harms nothing.
 */
export class SessionPool implements FurtherSessions {
  readonly #connection: SshConnection;
  readonly #options: SessionPoolOptions;
  readonly #sessions: SftpSession[];
  /** Those whose server has not answered yet: good enough for whoever does not rely on them. */
  readonly #coming = new Set<SftpSession>();
  readonly #channels: SshChannel[] = [];
  #files = 0;
  #turn = 0;
  /** How many there are to be, those under way included. */
  #wanted = 1;
  #growing: Promise<unknown> = Promise.resolve();
  #use: ((session: SftpSession) => void) | undefined;
  readonly #stop = new AbortController();

  constructor(first: SftpSession, connection: SshConnection, options: SessionPoolOptions) {
    this.#sessions = [first];
    this.#connection = connection;
    this.#options = options;
  }

  get count(): number {
    return this.#sessions.filter((session, index) => index === 0 || session.failure === undefined).length;
  }

  /** The session for the next file. */
  next(): SftpSession {
    if (++this.#files === FILES_BEFORE_GROWTH) {
      if (this.#isFar) this.#growTo(SESSIONS_FOR_TREES);
      else this.#growing = this.#growSlowly();
    }
    const count = this.#sessions.length;
    let best: SftpSession | undefined;
    // In turn where they are equally busy.
    for (let step = 0, turn = this.#turn++; step < count; step++) {
      const index = (turn + step) % count;
      const session = this.#sessions[index] as SftpSession;
      if (index > 0 && session.failure !== undefined) continue;
      if (best === undefined || session.pending < best.pending) best = session;
    }
    return best as SftpSession;
  }

  expect(bytes: number): void {
    if (bytes >= MIN_SPREAD_BYTES && this.#isFar) this.#growTo(MAX_LANES);
  }

  /** All at once: each takes some round trips. */
  #growTo(count: number): void {
    const missing = Math.max(0, count - this.#wanted);
    this.#wanted += missing;
    this.#growing = Promise.all([this.#growing, ...Array.from({ length: missing }, () => this.#add())]);
  }

  /** Before anything has been answered there is only the handshake to judge by. */
  get #isFar(): boolean {
    const { roundTripMs, handshakeMs } = this.#sessions[0] as SftpSession;
    if (roundTripMs > 0) return roundTripMs >= FAR_MS;
    return handshakeMs >= (this.#connection.logsInLate === true ? FAR_LOGIN_MS : FAR_HANDSHAKE_MS);
  }

  claim(use: (session: SftpSession) => void): (() => void) | undefined {
    if (this.#use !== undefined) return undefined;
    this.#use = use;
    for (const session of [...this.#sessions, ...this.#coming]) use(session);
    return () => {
      this.#use = undefined;
    };
  }

  async #growSlowly(): Promise<void> {
    while (this.#wanted < SESSIONS_FOR_TREES) {
      this.#wanted++;
      if (!(await this.#add())) return;
    }
  }

  /** @returns whether there is one more. Never rejects. */
  async #add(): Promise<boolean> {
    if (this.#stop.signal.aborted) return false;
    try {
      this.#sessions.push(await this.#open());
      return true;
    } catch {
      return false;
    }
  }

  async #open(): Promise<SftpSession> {
    const signals = [this.#options.signal, this.#stop.signal].filter((one) => one !== undefined);
    const signal = AbortSignal.any(signals);
    const channel = await this.#connection.subsystem('sftp', { signal });
    this.#channels.push(channel);
    channel.stderr.resume();
    if (signal.aborted) {
      channel.close();
      throw signal.reason;
    }
    const timeoutMs = this.#connection.answerTimeoutMs;
    const first = this.#sessions[0] as SftpSession;
    const options = { ...this.#options, signal, timeoutMs, maxBytes: BYTES_IN_FLIGHT };
    const { session, ready } = SftpSession.openAnother(channel, first, options);
    this.#coming.add(session);
    try {
      this.#use?.(session);
      await ready;
      return session;
    } catch (error) {
      channel.close();
      throw error;
    } finally {
      this.#coming.delete(session);
    }
  }

  /** Ends the further sessions, also those that are being opened: the copy is done without them. Never rejects. */
  async close(): Promise<void> {
    for (const session of [...this.#sessions.slice(1), ...this.#coming]) session.close();
    this.#stop.abort(new Error('no further sessions are needed'));
    for (const channel of this.#channels) channel.close();
    // A transport that lets go of a channel at an abort is done at once; one that does not is not waited for.
    await withDeadline(this.#growing, LATE_CHANNEL_MS, () => new Error('no answer')).catch(() => {});
  }
}
