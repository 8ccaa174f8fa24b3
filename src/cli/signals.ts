import { setMaxListeners } from 'node:events';

/** The reason of an abort by a signal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.signal = signal;
  }
}

/** After a first signal the work may take this long to clean up. Milliseconds. */
const CLEANUP_MS = 5000;

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an abort, so that the work can clean up. A second signal, or a clean-up that takes too long, ends the process at once with `status`.
 *
 * @returns the signal to hand to the work, and what to call when the work is over.
 */
export function abortOnSignals(status: number): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  // Every file under way listens to it.
  setMaxListeners(0, controller.signal);
  let released = false;
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted || released) process.exit(process.exitCode ?? status);
    controller.abort(new Interrupted(name));
    setTimeout(() => process.exit(status), CLEANUP_MS).unref();
  };
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      // Between the end of the work and that of the process a signal must not end it in another way than the work did.
      released = true;
    },
  };
}
