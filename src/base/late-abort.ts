/** How long an abort is put off, in milliseconds. */
export const ABORT_GRACE_MS = 3_000;

/**
 * An abort that comes at once, unless somebody has something to tidy up first: then when that is done, or after {@link ABORT_GRACE_MS}. For connections, which those who tidy up still need.
 */
export class LateAbort {
  readonly #early: AbortSignal;
  readonly #late = new AbortController();
  #holds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal) {
    this.#early = signal;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', () => this.#begin(), { once: true });
  }

  /** What a connection is given. Its reason is that of the early one. */
  get signal(): AbortSignal {
    return this.#late.signal;
  }

  /** Something will have to be tidied up. @returns to be called when that is done; more than once does no harm */
  readonly hold = (): (() => void) => {
    let held = true;
    this.#holds++;
    return () => {
      if (!held) return;
      held = false;
      this.#holds--;
      if (this.#holds === 0 && this.#early.aborted) this.#abort();
    };
  };

  #begin(): void {
    if (this.#holds === 0) this.#abort();
    else this.#timer = setTimeout(() => this.#abort(), ABORT_GRACE_MS);
  }

  #abort(): void {
    clearTimeout(this.#timer);
    this.#late.abort(this.#early.reason);
  }
}
