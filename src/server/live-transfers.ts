import type { ConnectionInfo, Direction } from './events.ts';

/** What is known of a transfer when it begins. */
export interface TransferStart {
  readonly connection: ConnectionInfo;
  readonly service: 'scp' | 'sftp';
  readonly direction: Direction;
  /** What the client named, as it came. */
  readonly path: string;
}

/** How far a transfer is. Texts from the peer are as they came. */
export interface TransferInfo extends TransferStart {
  /** Counts up from 1. */
  readonly id: number;
  /** Wall clock, milliseconds. */
  readonly startedAtMs: number;
  /** Of all its files together. */
  readonly bytes: number;
  /** The file that began last. */
  readonly file: string | undefined;
  /** Of that file: what has moved, and what was announced where that is known. */
  readonly fileBytes: number;
  readonly fileSize: number | undefined;
}

/** Bytes in each direction. */
export type MovedBytes = Readonly<Record<Direction, number>>;

/** Further transfers are refused. */
export interface TransferLimits {
  readonly transfers: number;
  readonly transfersPerUser: number;
}

/** One transfer, for whoever moves its bytes. */
export class LiveTransfer implements TransferInfo {
  readonly id: number;
  readonly connection: ConnectionInfo;
  readonly service: 'scp' | 'sftp';
  readonly direction: Direction;
  readonly path: string;
  readonly startedAtMs: number;
  bytes = 0;
  file: string | undefined;
  fileBytes = 0;
  fileSize: number | undefined;
  readonly #total: Record<Direction, number>;
  readonly #onEnd: () => void;
  #isOver = false;

  constructor(
    id: number,
    start: TransferStart,
    startedAtMs: number,
    total: Record<Direction, number>,
    onEnd: () => void,
  ) {
    this.#total = total;
    this.id = id;
    this.connection = start.connection;
    this.service = start.service;
    this.direction = start.direction;
    this.path = start.path;
    this.startedAtMs = startedAtMs;
    this.#onEnd = onEnd;
  }

  /** A file begins. @param size undefined where it is not known */
  begin(file: string, size: number | undefined): void {
    this.file = file;
    this.fileBytes = 0;
    this.fileSize = size;
  }

  moved(bytes: number): void {
    this.bytes += bytes;
    this.fileBytes += bytes;
    this.#total[this.direction] += bytes;
  }

  /** May be called again. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
  }
}

/** The transfers that are under way in one server, by any protocol: counted against the limits before anything else happens, and listed for whoever looks. */
export class LiveTransfers {
  readonly #now: () => number;
  readonly #live = new Map<number, LiveTransfer>();
  readonly #perUser = new Map<string, number>();
  readonly #total: Record<Direction, number> = { received: 0, sent: 0 };
  #count = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @returns the transfer, to be ended by the caller in any case; or why there is no place for it */
  begin(start: TransferStart, { transfers, transfersPerUser }: TransferLimits): LiveTransfer | string {
    const user = start.connection.user ?? '';
    const own = this.#perUser.get(user) ?? 0;
    if (this.#live.size >= transfers) return `${this.#live.size} transfers are under way, more are not allowed`;
    if (own >= transfersPerUser) return `${own} transfers of this user are under way, more are not allowed`;
    const id = ++this.#count;
    const transfer = new LiveTransfer(id, start, this.#now(), this.#total, () => this.#end(id, user));
    this.#live.set(id, transfer);
    this.#perUser.set(user, own + 1);
    return transfer;
  }

  #end(id: number, user: string): void {
    this.#live.delete(id);
    const left = (this.#perUser.get(user) ?? 1) - 1;
    if (left === 0) this.#perUser.delete(user);
    else this.#perUser.set(user, left);
  }

  /** In the order in which they began. */
  list(): TransferInfo[] {
    return [...this.#live.values()];
  }

  /** Of all transfers so far. */
  get total(): MovedBytes {
    return { ...this.#total };
  }

  get size(): number {
    return this.#live.size;
  }
}
