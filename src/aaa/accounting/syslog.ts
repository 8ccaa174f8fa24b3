import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import type { AccountingRecord } from './record.ts';
import { type SyslogFacility, type SyslogOrigin, syslogMessage } from './syslog-message.ts';

/** A syslog server, as plain data. */
export interface SyslogTarget {
  readonly host: string;
  /** Default 514. */
  readonly port?: number | undefined;
  /** `udp` (RFC 5426), or `tcp` with the length in front of each message (RFC 6587 section 3.4.1). */
  readonly protocol: 'udp' | 'tcp';
  /** Default `local7`, as Cisco IOS. */
  readonly facility?: SyslogFacility | undefined;
}

export interface SyslogOptions {
  readonly hostname: string;
  readonly pid: number;
  /** Told when messages are lost; must not throw. */
  readonly warn: (text: string) => void;
}

/** Messages that wait for a server; further ones push out the oldest, which are counted. */
export const SYSLOG_QUEUE = 10_000;

/** What every receiver of UDP should take (RFC 5424 section 6.1). Bytes. */
const UDP_BYTES = 2048;

/** What common receivers of TCP take. Bytes. */
const TCP_BYTES = 8192;

/** How long to wait before a server is called again: at first, and at most. Milliseconds. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** How long the last messages may take. Milliseconds. */
const FAREWELL_MS = 2000;

/** Sends records to one syslog server. Nothing waits for it: what it cannot take in time is lost, and the log has it. */
export class Syslog implements Disposable {
  readonly #target: SyslogTarget;
  readonly #origin: SyslogOrigin;
  readonly #warn: (text: string) => void;
  readonly #queue: string[] = [];
  #udp: UdpSocket | undefined;
  /** Datagrams that the system has not taken yet. */
  #underWay = 0;
  #tcp: Socket | undefined;
  #isConnected = false;
  #isSending = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #lost = 0;
  #isClosed = false;

  constructor(target: SyslogTarget, options: SyslogOptions) {
    this.#target = target;
    this.#warn = options.warn;
    const { hostname, pid } = options;
    this.#origin = { facility: target.facility ?? 'local7', hostname, pid, appName: 'sealift' };
  }

  /** Whether a server takes messages by TCP now. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** How many messages wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  write(record: AccountingRecord): void {
    if (this.#isClosed) return;
    if (this.#target.protocol === 'udp') {
      this.#sendDatagram(Buffer.from(syslogMessage(record, this.#origin, UDP_BYTES)));
      return;
    }
    if (this.#queue.length >= SYSLOG_QUEUE) {
      // The one at the front may be under way.
      this.#queue.splice(1, 1);
      if (this.#lost++ === 0) this.#warn(`syslog ${this.#name} takes no messages: some are lost`);
    }
    this.#queue.push(syslogMessage(record, this.#origin, TCP_BYTES));
    this.#pump();
  }

  get #name(): string {
    return `${this.#target.host}:${this.#port}`;
  }

  get #port(): number {
    return this.#target.port ?? 514;
  }

  #sendDatagram(message: Buffer): void {
    if (this.#udp === undefined) {
      this.#udp = createSocket(isIPv6(this.#target.host) ? 'udp6' : 'udp4');
      this.#udp.on('error', () => {});
      this.#udp.unref();
    }
    const socket = this.#udp;
    this.#underWay++;
    socket.send(message, this.#port, this.#target.host, (error) => {
      this.#underWay--;
      if (this.#isClosed && this.#underWay === 0) socket.close();
      if (error === null) {
        this.#lost = 0;
        return;
      }
      if (this.#lost++ === 0) this.#warn(`syslog ${this.#name}: ${error.message}: messages are lost`);
    });
  }

  /** Writes what waits, one message at a time, so that none counts as sent that the connection did not take. */
  #pump(): void {
    if (this.#tcp === undefined) this.#connect();
    const message = this.#queue[0];
    if (!this.#isConnected || this.#isSending || message === undefined) return;
    this.#isSending = true;
    this.#tcp?.write(framed(message), (error) => {
      this.#isSending = false;
      if (error !== null && error !== undefined) return;
      this.#queue.shift();
      this.#pump();
    });
  }

  #connect(): void {
    if (this.#retry !== undefined || this.#isClosed) return;
    const socket = connect({ host: this.#target.host, port: this.#port });
    this.#tcp = socket;
    socket.unref();
    socket.on('error', () => {});
    // Nothing is expected from there.
    socket.resume();
    socket.once('connect', () => {
      this.#isConnected = true;
      this.#isSending = false;
      this.#retryMs = FIRST_RETRY_MS;
      if (this.#lost > 0) this.#warn(`syslog ${this.#name} is back; ${this.#lost} messages were lost`);
      this.#lost = 0;
      this.#pump();
    });
    socket.once('close', () => this.#onClose());
  }

  #onClose(): void {
    this.#tcp = undefined;
    this.#isConnected = false;
    this.#isSending = false;
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#queue.length > 0) this.#connect();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  /** Sends what waits, if the server takes it within 2 s. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    if (this.#underWay === 0) this.#udp?.close();
    else this.#udp?.ref();
    this.#udp = undefined;
    const socket = this.#tcp;
    if (socket === undefined) return;
    const left = this.#queue.splice(0).slice(this.#isSending ? 1 : 0);
    // The process must not end before.
    socket.ref();
    for (const message of left) socket.write(framed(message));
    socket.end();
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A message with its length in front (RFC 6587 section 3.4.1). */
function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}
