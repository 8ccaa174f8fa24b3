import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError } from '../base/errors.ts';

/** How long to wait before each new attempt; the last one counts for all that follow. Seconds. */
const PAUSES_SECONDS: readonly number[] = [1, 2, 5, 15, 60];

/** What `ssh` says where a new attempt would end as the first one did, and might lock the account. */
const FINAL =
  /Permission denied|Too many authentication failures|Host key verification failed|REMOTE HOST IDENTIFICATION/;

/** Notices on the standard error of a connection what makes a new attempt useless: the `ssh` program tells it nowhere else. */
export class FinalWords {
  #seen = false;

  /** @param bytes as they come: a line that is split is not noticed, but ssh writes whole lines */
  look(bytes: Buffer): void {
    this.#seen ||= FINAL.test(bytes.toString('latin1'));
  }

  get seen(): boolean {
    return this.#seen;
  }
}

/** Whether a new connection may do better. */
export function isTransient(error: unknown): error is ConnectionError {
  if (!(error instanceof ConnectionError)) return false;
  if (error.phase === 'host key' || error.phase === 'authentication') return false;
  return error.code === 'ERR_CONNECTION_LOST' || error.code === 'ERR_CONNECT' || error.code === 'ERR_TIMEOUT';
}

export interface RetryOptions {
  /** How many attempts may follow the first. */
  readonly retries: number;
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
      await sleep(pause * 1000, undefined, { signal: options.signal });
    }
  }
}
