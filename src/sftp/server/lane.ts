/** `shared` ones run side by side, an `exclusive` one alone. */
export type LaneMode = 'shared' | 'exclusive';

interface Waiting {
  readonly mode: LaneMode;
  readonly start: () => void;
}

/**
 * Keeps the order of operations where it matters: each begins when no earlier one is under way that it must not overtake. Nobody is overtaken, so nobody waits for ever.
 */
export class Lane {
  #running = 0;
  #mode: LaneMode = 'shared';
  readonly #waiting: Waiting[] = [];

  /** Calls `start` when its turn has come, at once where it has. Whoever started calls {@link leave} at the end. */
  enter(mode: LaneMode, start: () => void): void {
    this.#waiting.push({ mode, start });
    if (this.#waiting.length === 1) this.#advance();
  }

  /** An operation is over. */
  leave(): void {
    this.#running--;
    this.#advance();
  }

  #advance(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#running > 0 && (next.mode === 'exclusive' || this.#mode === 'exclusive')) return;
      this.#waiting.shift();
      this.#running++;
      this.#mode = next.mode;
      next.start();
    }
  }
}
