/** How long a measurement of the free space is good for. Milliseconds. */
const FRESH_MS = 1000;

/** So much of what was free is given out before it is measured again. */
const SPENT_PART = 8;

/** Keeps a part of a disk free, without asking the system about every write. What others write is noticed within a second. */
export class FreeSpace {
  readonly #keep: number;
  readonly #measure: () => Promise<number>;
  readonly #nowMs: () => number;
  #left = 0;
  #measuredMs = Number.NEGATIVE_INFINITY;

  /** @param keep bytes that stay free @param measure the bytes that are free for users other than root */
  constructor(keep: number, measure: () => Promise<number>, nowMs: () => number = () => performance.now()) {
    this.#keep = keep;
    this.#measure = measure;
    this.#nowMs = nowMs;
  }

  /** Whether so many bytes more can be written, and `promised` ones to others after them. */
  async hasRoomFor(bytes: number, promised: number): Promise<boolean> {
    const isFresh = this.#nowMs() - this.#measuredMs < FRESH_MS;
    if (isFresh && bytes + promised <= this.#left) {
      this.#left -= bytes;
      return true;
    }
    const free = (await this.#measure()) - this.#keep;
    this.#measuredMs = this.#nowMs();
    this.#left = Math.max(0, Math.floor((free - bytes) / SPENT_PART));
    return bytes + promised <= free;
  }
}
