/** A call that takes longer than this was worth a thread of its own. Milliseconds. */
const SLOW_MS = 1;

/** So many calls take the long way after a slow one, and at most so many where one slow call follows another. */
const FIRST_DETOUR = 16;
const LONGEST_DETOUR = 4096;

/**
 * What is read or written of a large file in one call here is at most so long. Bytes. From memory that takes 0.1 ms, and where others want the processor too, the hand-over to another thread and back costs more than it brings: for
 * 1 GiB, 0.2 s of processor time.
 */
export const QUICK_CONTENT_BYTES: number = 512 * 1024;

/** A file of at most so much is read or written as a whole in one call. Bytes. */
export const QUICK_BYTES: number = 64 * 1024;

/**
 * Whether calls to the file system are made on the spot. Handing one to another thread and back takes ten times as long as the call itself where the answer is in memory, which is most of the time that a small file takes. Where
 * the disk is slow, or far away, that thread is worth it, since others go on meanwhile: each call here is timed, and after a slow one the next ones take the long way.
 *
 * For programs that copy. Whoever serves many must not wait for one disk.
 */
export class QuickCalls {
  /** How many calls still take the long way. */
  #detour = 0;
  #nextDetour = FIRST_DETOUR;

  /** Whether the next call may be made on the spot. Counts as that call. */
  get mayBeQuick(): boolean {
    if (this.#detour === 0) return true;
    this.#detour--;
    return false;
  }

  /** Makes a call on the spot. @throws what it throws */
  run<T>(call: () => T): T {
    const start = performance.now();
    try {
      return call();
    } finally {
      this.#took(performance.now() - start);
    }
  }

  #took(milliseconds: number): void {
    if (milliseconds > SLOW_MS) {
      this.#detour = this.#nextDetour;
      this.#nextDetour = Math.min(2 * this.#nextDetour, LONGEST_DETOUR);
    } else if (this.#nextDetour > FIRST_DETOUR) this.#nextDetour--;
  }
}
