/** A place that somebody waits for. */
interface Waiting {
  readonly give: () => void;
}

/** Who is told once a signal is aborted. */
interface Told {
  readonly all: Set<() => void>;
  /** Ends the listening. */
  readonly end: () => void;
}

/** A bounded number of places, which are given in the order in which they were asked for. */
export class Slots {
  #free: number;
  readonly #waiting: Set<Waiting> = new Set();
  readonly #told: Map<AbortSignal, Told> = new Map();

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
      const forget = this.#onAbort(signal, () => {
        this.#waiting.delete(one);
        reject(signal?.reason as Error);
      });
      const one: Waiting = {
        give: () => {
          forget();
          resolve();
        },
      };
      this.#waiting.add(one);
    });
  }

  /** Calls back once the signal is aborted. However many wait with a signal, it has one listener here: somebody else's signal has room for ten. @returns ends that */
  #onAbort(signal: AbortSignal | undefined, callBack: () => void): () => void {
    if (signal === undefined) return () => {};
    let told = this.#told.get(signal);
    if (told === undefined) {
      const all = new Set<() => void>();
      const onAbort = (): void => {
        this.#told.delete(signal);
        for (const one of all) one();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      told = { all, end: () => signal.removeEventListener('abort', onAbort) };
      this.#told.set(signal, told);
    }
    const { all, end } = told;
    all.add(callBack);
    return () => {
      all.delete(callBack);
      if (all.size > 0) return;
      end();
      this.#told.delete(signal);
    };
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
