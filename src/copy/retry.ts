import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError } from '../base/errors.ts';

/** How long to wait before each new attempt; the last one counts for all that follow. Seconds. */
const PAUSES_SECONDS: readonly number[] = [1, 2, 5, 15, 60];

/** Whether a new connection may do better. */
export function isTransient(error: unknown): error is ConnectionError {
  if (!(error instanceof ConnectionError)) return false;
  if (error.phase === 'host key' || error.phase === 'authentication') return false;
  return error.code === 'ERR_CONNECTION_LOST' || error.code === 'ERR_CONNECT' || error.code === 'ERR_TIMEOUT';
}

export interface RetryOptions {
  /** How many attempts may follow the first. */
  readonly retries: number;
  /** Ends the attempts with its reason, at once. */
  readonly signal: AbortSignal;
  /** Asked before each new attempt. */
  readonly mayRetry: () => boolean;
  /** Called before each pause. */
  readonly again: (error: ConnectionError, pauseSeconds: number, attempt: number) => Promise<void>;
}

/** Does the work again after a lost connection, with a pause that grows. @throws what the last attempt threw */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      options.signal.throwIfAborted();
      if (attempt > options.retries || !isTransient(error) || !options.mayRetry()) throw error;
      const pause = PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length) - 1] as number;
      await options.again(error, pause, attempt);
      try {
        await sleep(pause * 1000, undefined, { signal: options.signal });
      } finally {
        // The reason says more than that a pause was aborted.
        options.signal.throwIfAborted();
      }
    }
  }
}
