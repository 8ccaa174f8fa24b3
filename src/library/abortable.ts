import { withDeadline } from '../base/deadline.ts';

/** Waits for work that cannot be stopped; whatever comes of it after the abort is nobody's. @throws `signal.reason` */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal?.aborted === true) work.catch(() => {});
  return await withDeadline(work, 0, () => new Error('a wait without a limit has ended'), signal);
}
