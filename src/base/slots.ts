/** A place that somebody waits for. */
interface Waiting {
  readonly give: () => void;
}

/** A bounded number of places, which are given in the order in which they were asked for. */
export class Slots {
  #free: number;
  readonly #waiting: Set<Waiting> = new Set();

  constructor(count: number) {
    this.#free = count;
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for a place.
   *
   * @returns gives it back; may be called again
   * @throws `signal.reason` where the signal is aborted before there is one
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#giveBack();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(one);
        reject(signal?.reason as Error);
      };
      const one: Waiting = {
        give: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(one);
    });
  }

  /** The place goes straight to the next in line, so that nobody slips in between. */
  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next.give();
  }
}
