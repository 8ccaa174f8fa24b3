import { connect, type Socket } from 'node:net';
import type { Spool } from './spool.ts';
import { framed } from './syslog-message.ts';
import type { SyslogSender, SyslogServer } from './syslog-sender.ts';

/** Messages that wait in memory where the disk takes none; further ones push out the oldest, which are counted. */
export const SYSLOG_QUEUE = 10_000;

/** Messages that wait in memory while the server is there and slow; further ones go to the disk. */
const DIRECT_QUEUE = 256;

/** How long to wait before a server is called again: at first, and at most. Milliseconds. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** A connection that is still there so long after it took the last of the spool has brought it over. Milliseconds. */
const SETTLE_MS = 2000;

/** How long the last messages may take. Milliseconds. */
const FAREWELL_MS = 2000;

export interface TcpSenderOptions extends SyslogServer {
  /** Without one, messages are kept in memory alone. */
  readonly spool?: Spool | undefined;
  /** False: messages only go to the spool, for another process. Default true. */
  readonly sends?: boolean | undefined;
}

/** What the socket was given and has not taken yet. */
type UnderWay =
  | { readonly from: 'memory'; readonly message: string }
  | { readonly from: 'spool'; readonly bytes: number };

/**
 * Sends messages over a connection, each behind its length (RFC 6587 section 3.4.1). While the server is there they go through memory; while it is away, or slow, they are on the disk, and are sent from there before
 * newer ones.
 */
export class TcpSender implements SyslogSender {
  readonly #options: TcpSenderOptions;
  readonly #spool: Spool | undefined;
  /** Newer than what is in the spool. */
  readonly #queue: string[] = [];
  #socket: Socket | undefined;
  #isConnected = false;
  #underWay: UnderWay | undefined;
  /** Until what was sent of the spool counts as come. */
  #settling: NodeJS.Timeout | undefined;
  #isSettled = false;
  /** The spool may be emptied as soon as all of it was taken. */
  #mayEmpty = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  /** Since somebody was told. */
  #lost = 0;
  #lostInAll = 0;
  #isClosed = false;
  /** This side has said that nothing more comes, and so has the other. */
  #hasEnded = false;
  #isAnswered = false;

  constructor(options: TcpSenderOptions) {
    this.#options = options;
    this.#spool = options.spool;
    this.adopt();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get waiting(): number {
    return this.#queue.length + (this.#underWay?.from === 'memory' ? 1 : 0);
  }

  get spooledBytes(): number {
    return this.#spool?.waitingBytes ?? 0;
  }

  get lost(): number {
    return this.#lostInAll;
  }

  get #name(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  get #isSpoolEmpty(): boolean {
    return this.#spool?.isEmpty ?? true;
  }

  send(message: string): void {
    if (this.#isClosed) return;
    this.#queue.push(message);
    if (!this.#isConnected || !this.#isSpoolEmpty || this.#queue.length > DIRECT_QUEUE) this.#store();
    if (this.waiting > SYSLOG_QUEUE) {
      this.#queue.shift();
      this.#lose();
    }
    this.#pump();
  }

  adopt(): void {
    if (this.#options.sends === false) return;
    this.#spool?.adopt();
    if (!this.#isSpoolEmpty) this.#pump();
  }

  /** Moves what waits in memory to the disk, as far as that takes it. */
  #store(): void {
    const spool = this.#spool;
    if (spool === undefined) return;
    const first = this.#underWay;
    // What is under way goes first, so that it is sent first once more if it does not arrive.
    if (first?.from === 'memory' && spool.isEmpty && spool.append(first.message) === 'kept')
      this.#underWay = { from: 'spool', bytes: spool.waitingBytes };
    for (let [message] = this.#queue; message !== undefined; [message] = this.#queue) {
      const result = spool.append(message);
      if (result === 'failed') return;
      this.#queue.shift();
      if (result === 'full') this.#lose();
      else this.#noteRoom();
    }
  }

  #lose(): void {
    this.#lostInAll++;
    if (this.#lost++ === 0) this.#options.warn(`syslog ${this.#name} takes no messages: some are lost`);
  }

  #noteRoom(): void {
    if (this.#lost === 0) return;
    this.#options.warn(`syslog ${this.#name}: messages are kept again; ${this.#lost} were lost`);
    this.#lost = 0;
  }

  /** Gives the socket what is next: one part of the spool or one message, so that none counts as sent that the connection did not take. */
  #pump(): void {
    if (this.#socket === undefined) this.#connect();
    const socket = this.#socket;
    if (socket === undefined || !this.#isConnected || this.#underWay !== undefined || this.#hasEnded) return;
    const data = this.#take();
    if (data === undefined) {
      this.#onDrained(socket);
      return;
    }
    socket.write(data, 'latin1', (error) => {
      const done = this.#underWay;
      if ((error !== null && error !== undefined) || socket !== this.#socket) return;
      this.#underWay = undefined;
      if (done?.from === 'spool') this.#spool?.taken(done.bytes);
      this.#pump();
    });
  }

  #take(): string | undefined {
    const part = this.#spool?.next();
    if (part !== undefined) {
      this.#underWay = { from: 'spool', bytes: part.bytes };
      return part.data;
    }
    const message = this.#queue.shift();
    if (message === undefined) return undefined;
    this.#underWay = { from: 'memory', message };
    return framed(message);
  }

  /** The system has taken everything. */
  #onDrained(socket: Socket): void {
    this.#noteRoom();
    if (this.#isClosed) {
      this.#hasEnded = true;
      socket.end();
      return;
    }
    if (this.#mayEmpty) {
      this.#mayEmpty = false;
      this.#spool?.empty();
      this.adopt();
      return;
    }
    if (this.#settling !== undefined || (this.#isSettled && this.#isSpoolEmpty)) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#isSettled = true;
      this.#retryMs = FIRST_RETRY_MS;
      this.#mayEmpty = !this.#isSpoolEmpty;
      if (this.#mayEmpty) this.#pump();
    }, SETTLE_MS);
    this.#settling.unref();
  }

  #connect(): void {
    const { host, port, sends } = this.#options;
    if (this.#retry !== undefined || this.#isClosed || sends === false) return;
    const socket = connect({ host, port });
    this.#socket = socket;
    socket.unref();
    socket.on('error', () => {});
    // Nothing is expected from there but the end.
    socket.resume();
    socket.once('end', () => {
      this.#isAnswered = this.#hasEnded;
    });
    socket.once('connect', () => {
      this.#isConnected = true;
      this.#spool?.begin();
      if (!this.#isClosed) this.#spool?.adopt();
      this.#pump();
    });
    socket.once('close', () => this.#onClose());
  }

  #onClose(): void {
    this.#socket = undefined;
    this.#isConnected = false;
    this.#isSettled = false;
    this.#mayEmpty = false;
    clearTimeout(this.#settling);
    this.#settling = undefined;
    const lost = this.#underWay;
    this.#underWay = undefined;
    if (lost?.from === 'memory') this.#queue.unshift(lost.message);
    if (this.#isClosed) {
      this.#leave();
      return;
    }
    this.#spool?.rewind();
    this.#store();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#spool?.adopt();
      if (this.#queue.length > 0 || !this.#isSpoolEmpty) this.#connect();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  /** What is under way and waits goes to the disk, and is sent as far as the server takes it within 2 s. What is left is for the next start. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#settling);
    this.#store();
    const socket = this.#socket;
    if (socket === undefined) {
      this.#leave();
      return;
    }
    // The process must not end before.
    socket.ref();
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
    this.#pump();
  }

  /** The spool is not needed any more where the server has answered the end of the connection with its own: it has read up to there. */
  #leave(): void {
    if (this.#isAnswered) this.#spool?.empty();
    this.#spool?.release();
    this.#lostInAll += this.#queue.length;
    this.#lost += this.#queue.splice(0).length;
    if (this.#lost > 0) this.#options.warn(`syslog ${this.#name}: ${this.#lost} messages were lost`);
    this.#lost = 0;
  }
}
