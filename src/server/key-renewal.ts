import type { Socket } from 'node:net';

/** What a renewal needs of its connection. */
export interface KeyRenewalHost {
  readonly socket: Socket;
  /** Bytes in both directions after which new keys are made. */
  readonly rekeyBytes: number;
  /** Time after which new keys are made, in milliseconds. */
  readonly rekeyMs: number;
  /** How long a key exchange may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Begins a key exchange. */
  rekey(): void;
  readonly isRekeying: () => boolean;
  /** Ends the connection. */
  expel(reason: string): void;
}

/** New keys for a connection after so many bytes and so much time (RFC 4253 section 9), which ssh2 does not see to by itself. */
export class KeyRenewal {
  readonly #host: KeyRenewalHost;
  #timer: NodeJS.Timeout | undefined;
  #renewedAtBytes = 0;
  #asked = false;
  #waiters: (() => void)[] = [];

  constructor(host: KeyRenewalHost) {
    this.#host = host;
  }

  get isUnderWay(): boolean {
    return this.#host.isRekeying();
  }

  get #bytes(): number {
    return this.#host.socket.bytesRead + this.#host.socket.bytesWritten;
  }

  /** Begins to count, and again after each exchange. */
  start(): void {
    this.#renewedAtBytes = this.#bytes;
    this.#asked = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#renew(), this.#host.rekeyMs).unref();
  }

  /** To be called now and then while bytes move. */
  check(): void {
    if (!this.#asked && this.#bytes - this.#renewedAtBytes > this.#host.rekeyBytes) this.#renew();
  }

  #renew(): void {
    this.#asked = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#host.expel('does not finish the key exchange'), this.#host.timeoutMs).unref();
    try {
      this.#host.rekey();
    } catch {
      this.#host.expel('the key exchange failed');
    }
  }

  /** A key exchange has ended, whoever began it. */
  renewed(): void {
    this.start();
    this.#release();
  }

  /** Resolves at the end of the exchange under way, or of the connection. */
  async done(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  /** The connection is gone. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#release();
  }
}
