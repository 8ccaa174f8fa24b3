import { type Amount, Counter } from './counter.ts';

/** What is counted below one folder, and how much there may be by one set of limits. Several may share a counter: then each holds for all that is there, and only for what is written by way of it. */
export class Usage {
  /** What is there. */
  readonly counter: Counter;
  #limit: Amount = { bytes: 0, entries: 0 };
  /** What this process may add, net of what it removes. */
  #share: Amount = { bytes: 0, entries: 0 };
  /** What it had added when the limits were set. */
  #addedBefore: Amount = { bytes: 0, entries: 0 };

  /**
   * @param counted what is there
   * @param limit Infinity: there is none
   * @param processes how many processes count the same folder: each may add its part of what is left
   */
  constructor(counted: Amount | Counter, limit: Amount, processes = 1) {
    this.counter = counted instanceof Counter ? counted : new Counter(counted);
    this.setLimit(limit, processes);
  }

  /** Other limits hold from now on; what exceeds them stays. */
  setLimit(limit: Amount, processes = 1): void {
    const { bytes, entries } = this.counter.amount;
    this.#limit = limit;
    const share = (all: number, used: number): number =>
      processes === 1 ? Number.POSITIVE_INFINITY : Math.floor(Math.max(0, all - used) / processes);
    this.#share = { bytes: share(limit.bytes, bytes), entries: share(limit.entries, entries) };
    this.#addedBefore = this.counter.added;
  }

  get amount(): Amount {
    return this.counter.amount;
  }

  /** Bytes that were promised and are not written. */
  get reserved(): number {
    return this.counter.reserved;
  }

  /** How many bytes can be taken yet. */
  get left(): number {
    const { amount, added, reserved } = this.counter;
    const ofShare = this.#share.bytes - (added.bytes - this.#addedBefore.bytes);
    return Math.max(0, Math.min(this.#limit.bytes - amount.bytes, ofShare) - reserved);
  }

  /** Counts more, where there is room for it. @returns false where there is not; nothing is counted then. */
  take(bytes: number, entries = 0): boolean {
    const { amount, added } = this.counter;
    const addedEntries = added.entries - this.#addedBefore.entries;
    const tooMany = amount.entries + entries > this.#limit.entries || addedEntries + entries > this.#share.entries;
    if ((bytes > 0 && bytes > this.left) || (entries > 0 && tooMany)) return false;
    this.counter.add(bytes, entries);
    return true;
  }

  /** Promises room for bytes that will be taken by {@link Counter.takeReserved}. @returns false where there is none */
  reserve(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.counter.reserve(bytes);
    return true;
  }
}
