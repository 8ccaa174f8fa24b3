import { randomBytes } from 'node:crypto';
import type {
  Account,
  AccountedUser,
  SessionEnd,
  StartRecord,
  StopRecord,
  TransferEnd,
  TransferRecord,
} from './record.ts';

/** One transfer that has been begun. */
export interface TransferAccount {
  /** Writes the stop record; only the first call counts. */
  stop(end: TransferEnd): void;
}

/** One session that has been begun. */
export interface SessionAccount {
  /** Whether digests are wanted: where nobody keeps accounts, computing them is in vain. */
  readonly wantsDigests: boolean;
  /** Writes the start record of one file. Give a start to everything that is to get a stop. */
  transfer(what: TransferRecord): TransferAccount;
  /** The connection is gone: what is cut off from now on was cut off by that, and the session with it. */
  left(): void;
  /** Ends what is still open of the session's transfers as cut off, then writes the session's stop record, as cut off too where its client left in the middle of a transfer; only the first call counts. */
  stop(end: SessionEnd): void;
}

export interface LedgerOptions {
  /** Milliseconds since 1970, for the records. */
  readonly now?: () => number;
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic?: () => number;
}

/** Why a session was cut off by its client. */
const LEFT = 'the client left in the middle of a transfer';

/** Sees to it that each session and each transfer has exactly one start and one stop record, and that no two have the same id. */
export class Ledger {
  readonly #account: Account;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  /** Tells this process from every other one, before and beside it. */
  readonly #prefix = randomBytes(8).toString('hex');
  #count = 0;

  constructor(account: Account, options: LedgerOptions = {}) {
    this.#account = account;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
  }

  /** Writes the start record of a session. */
  session(who: AccountedUser): SessionAccount {
    const start: StartRecord = { record: 'start', kind: 'session', ...this.#next(), ...who };
    const began = this.#monotonic();
    const open = new Set<TransferAccount>();
    let stopped = false;
    let hasLeft = false;
    let isCut = false;
    this.#account(start);
    return {
      wantsDigests: true,
      transfer: (what) => {
        const account = this.#transfer(who, start.id, what, ({ status }) => {
          open.delete(account);
          isCut ||= hasLeft && status === 'cut';
        });
        if (stopped) account.stop({ status: 'cut', error: 'the session is over' });
        else open.add(account);
        return account;
      },
      left: () => {
        hasLeft = true;
      },
      stop: (end) => {
        if (stopped) return;
        stopped = true;
        for (const transfer of open) transfer.stop({ status: 'cut' });
        const how: SessionEnd = isCut && end.status === 'complete' ? { ...end, status: 'cut', error: LEFT } : end;
        this.#stop({ ...start, record: 'stop', ...how }, began);
      },
    };
  }

  #transfer(
    who: AccountedUser,
    session: string,
    what: TransferRecord,
    onStop: (end: TransferEnd) => void,
  ): TransferAccount {
    const { protocol, direction, path } = what;
    const start: StartRecord = {
      record: 'start',
      kind: 'transfer',
      ...this.#next(),
      session,
      ...who,
      protocol,
      direction,
      path,
    };
    const began = this.#monotonic();
    let stopped = false;
    this.#account(start);
    return {
      stop: (end) => {
        if (stopped) return;
        stopped = true;
        onStop(end);
        const { status, bytes, sha256, signer, error } = end;
        this.#stop({ ...start, record: 'stop', status, bytes, sha256, signer, error }, began);
      },
    };
  }

  #next(): { readonly time: string; readonly id: string } {
    return { time: new Date(this.#now()).toISOString(), id: `${this.#prefix}-${++this.#count}` };
  }

  #stop(record: StopRecord, began: number): void {
    const durationMs = Math.round(this.#monotonic() - began);
    this.#account({ ...record, time: new Date(this.#now()).toISOString(), durationMs });
  }
}

const nothing: TransferAccount = { stop() {} };

/** The account of a session that nobody keeps. */
export const unaccounted: SessionAccount = { wantsDigests: false, transfer: () => nothing, left() {}, stop() {} };
