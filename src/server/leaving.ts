import { setMaxListeners } from 'node:events';
import { LEFT_MS, STOP_MS } from './limits.ts';

/**
 * The end of a connection, in steps: its client is gone, and what was received of uploads goes on; everything is told to stop, after {@link LEFT_MS} or because the client was expelled; after {@link STOP_MS} more it is over, whatever still hangs.
 */
export class Leaving {
  readonly #over: () => void;
  readonly #gone = new AbortController();
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param over called once, when nothing is waited for any more */
  constructor(over: () => void) {
    this.#over = over;
    // Every channel listens.
    for (const { signal } of [this.#gone, this.#stopped]) setMaxListeners(0, signal);
  }

  /** Aborted when nobody is left at the other end. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Aborted when everything is to stop at once. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** The client is gone. @param isBusy whether there is something to wait for; the end of that is told by {@link finish} */
  left(isBusy: boolean): void {
    this.#gone.abort(new Error('the connection is gone'));
    if (!isBusy) this.finish();
    else if (!this.#isOver) this.#timer ??= setTimeout(() => this.stop('the client has left'), LEFT_MS);
  }

  stop(reason: string): void {
    if (this.#stopped.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.finish(), STOP_MS);
    this.#stopped.abort(new Error(reason));
  }

  finish(): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over();
  }
}
