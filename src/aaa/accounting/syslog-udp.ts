import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { SyslogSender, SyslogServer } from './syslog-sender.ts';

/** Datagrams that may wait; further ones are lost. The system takes one at once, but where a name has to be looked up, and nobody answers, they stay. */
export const MAX_UNDER_WAY = 10_000;

/** Sends messages as datagrams (RFC 5426). Nothing tells whether they come, so nothing is kept. */
export class UdpSender implements SyslogSender {
  readonly #server: SyslogServer;
  #socket: Socket | undefined;
  /** Datagrams that the system has not taken yet. */
  #underWay = 0;
  /** Since the last one that was taken. */
  #lost = 0;
  #lostInAll = 0;
  #isClosed = false;

  constructor(server: SyslogServer) {
    this.#server = server;
  }

  readonly isConnected = false;
  readonly waiting = 0;
  readonly spooledBytes = 0;

  get lost(): number {
    return this.#lostInAll;
  }

  send(message: string): void {
    if (this.#isClosed) return;
    const { host, port } = this.#server;
    if (this.#underWay >= MAX_UNDER_WAY) {
      this.#lose(`${this.#underWay} messages wait`);
      return;
    }
    if (this.#socket === undefined) {
      this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      this.#socket.on('error', () => {});
      this.#socket.unref();
    }
    const socket = this.#socket;
    this.#underWay++;
    socket.send(Buffer.from(message), port, host, (error) => {
      this.#underWay--;
      if (this.#isClosed && this.#underWay === 0) socket.close();
      if (error === null) this.#lost = 0;
      else this.#lose(error.message);
    });
  }

  #lose(reason: string): void {
    const { host, port, warn } = this.#server;
    this.#lostInAll++;
    if (this.#lost++ === 0) warn(`syslog ${host}:${port}: ${reason}: messages are lost`);
  }

  adopt(): void {}

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#underWay === 0) this.#socket?.close();
    else this.#socket?.ref();
    this.#socket = undefined;
  }
}
