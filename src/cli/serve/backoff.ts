const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/** A process that has run for so long has not failed at its start. Milliseconds. */
const GOOD_MS = 60_000;

/** How long to wait before a process is started again: twice as long after each failure, until it stays. Pure: the clock is handed in. */
export class Backoff {
  #nextMs = FIRST_MS;

  /** @param ranMs how long the process has run. @returns milliseconds */
  after(ranMs: number): number {
    if (ranMs >= GOOD_MS) this.#nextMs = FIRST_MS;
    const wait = this.#nextMs;
    this.#nextMs = Math.min(LONGEST_MS, wait * 2);
    return wait;
  }
}
