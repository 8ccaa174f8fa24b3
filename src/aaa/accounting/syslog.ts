import type { AccountingRecord } from './record.ts';
import type { Spool } from './spool.ts';
import { type SyslogFacility, type SyslogOrigin, syslogMessage } from './syslog-message.ts';
import type { SyslogSender } from './syslog-sender.ts';
import { TcpSender } from './syslog-tcp.ts';
import { UdpSender } from './syslog-udp.ts';

/** A syslog server, as plain data. */
export interface SyslogTarget {
  readonly host: string;
  /** Default 514. */
  readonly port?: number | undefined;
  /** `udp` (RFC 5426), or `tcp` with the length in front of each message (RFC 6587 section 3.4.1). By TCP, messages wait on the disk while the server is away. */
  readonly protocol: 'udp' | 'tcp';
  /** Default `local7`, as Cisco IOS. */
  readonly facility?: SyslogFacility | undefined;
}

export interface SyslogOptions {
  readonly hostname: string;
  readonly pid: number;
  /** Told when messages are lost; must not throw. */
  readonly warn: (text: string) => void;
  /** For TCP. Without one, messages are kept in memory alone. */
  readonly spool?: Spool | undefined;
  /** False: messages by TCP only go to the spool, for another process. Default true. */
  readonly sends?: boolean | undefined;
}

/** What a server listens at unless it is said otherwise (RFC 5426 section 3.3). */
export const SYSLOG_PORT = 514;

/** What every receiver of UDP should take (RFC 5424 section 6.1). Bytes. */
const UDP_BYTES = 2048;

/** What common receivers of TCP take. Bytes. */
const TCP_BYTES = 8192;

/** Sends records to one syslog server. Nothing waits for it: what it cannot take in time waits on the disk (TCP) or is lost (UDP); the log has it. */
export class Syslog implements Disposable {
  readonly #origin: SyslogOrigin;
  readonly #maxBytes: number;
  readonly #sender: SyslogSender;

  constructor(target: SyslogTarget, options: SyslogOptions) {
    const { host, port = SYSLOG_PORT, protocol, facility = 'local7' } = target;
    const { hostname, pid, warn, spool, sends } = options;
    this.#origin = { facility, hostname, pid, appName: 'sealift' };
    this.#maxBytes = protocol === 'udp' ? UDP_BYTES : TCP_BYTES;
    const server = { host, port, warn };
    this.#sender = protocol === 'udp' ? new UdpSender(server) : new TcpSender({ ...server, spool, sends });
  }

  /** Whether a server takes messages by TCP now. */
  get isConnected(): boolean {
    return this.#sender.isConnected;
  }

  /** How many messages wait in memory. */
  get waiting(): number {
    return this.#sender.waiting;
  }

  /** What waits on the disk. Bytes. */
  get spooledBytes(): number {
    return this.#sender.spooledBytes;
  }

  /** How many messages were lost since it was made. */
  get lost(): number {
    return this.#sender.lost;
  }

  write(record: AccountingRecord): void {
    this.#sender.send(syslogMessage(record, this.#origin, this.#maxBytes));
  }

  /** Takes what processes that are gone have left on the disk, and sends it. */
  adopt(): void {
    this.#sender.adopt();
  }

  /** Sends what waits, if the server takes it within 2 s; by TCP, what is left stays on the disk. Idempotent. */
  close(): void {
    this.#sender.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
