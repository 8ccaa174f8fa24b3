/** Where messages go. */
export interface SyslogServer {
  readonly host: string;
  readonly port: number;
  /** Told when messages are lost, and when no more are; must not throw. */
  readonly warn: (text: string) => void;
}

/** Takes messages to one server. No call waits or throws. */
export interface SyslogSender {
  /** Whether a server takes messages by TCP now. */
  readonly isConnected: boolean;
  /** How many messages wait in memory. */
  readonly waiting: number;
  /** What waits on the disk. Bytes. */
  readonly spooledBytes: number;
  /** How many messages were lost in all. */
  readonly lost: number;
  send(message: string): void;
  /** Takes what other processes have left on the disk, and sends it. */
  adopt(): void;
  /** Sends what waits, if the server takes it within 2 s. Idempotent. */
  close(): void;
}
