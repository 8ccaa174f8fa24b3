import { setTimeout as sleep } from 'node:timers/promises';

/** Shorter waits than this are saved up: timers are not that exact. Milliseconds. */
const SHORTEST_WAIT_MS = 10;

/** The rate holds over times as short as this. */
const BURSTS_PER_SECOND = 4;
const MIN_BURST_BYTES = 1024;
const MAX_BURST_BYTES: number = 1024 * 1024;

/** Keeps a stream of bytes at a rate: whoever is going to move bytes tells how many and waits when it is told to. Shared by all files of a copy, as scp's `-l`. */
export class RateLimit {
  readonly #bytesPerSecond: number;
  readonly #now: () => number;
  #startMs: number;
  #bytes = 0;

  /** @param bytesPerSecond above 0 */
  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`${bytesPerSecond}: a rate is above 0 bytes per second`);
    this.#bytesPerSecond = bytesPerSecond;
    this.#now = now;
    this.#startMs = now();
  }

  /** As much may go at once: a quarter of a second's worth, within reason. Bytes. */
  get burstBytes(): number {
    return Math.round(Math.min(Math.max(this.#bytesPerSecond / BURSTS_PER_SECOND, MIN_BURST_BYTES), MAX_BURST_BYTES));
  }

  /** How long to wait after `bytes` more, in milliseconds. Time in which nothing moved is not made up for. */
  delayMs(bytes: number): number {
    const now = this.#now();
    this.#bytes += bytes;
    const dueMs = this.#startMs + (this.#bytes / this.#bytesPerSecond) * 1000;
    if (dueMs < now) {
      this.#startMs = now;
      this.#bytes = 0;
    }
    const delay = dueMs - now;
    return delay >= SHORTEST_WAIT_MS ? delay : 0;
  }

  /** Counts the bytes and waits as long as the rate asks for; undefined where there is nothing to wait for. */
  wait(bytes: number, signal?: AbortSignal): Promise<void> | undefined {
    const delay = this.delayMs(bytes);
    return delay === 0 ? undefined : sleep(delay, undefined, signal === undefined ? undefined : { signal });
  }
}
