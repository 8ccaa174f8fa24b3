import { withDeadline } from '../base/deadline.ts';

/** What a stream is destroyed with at an abort: the reason, or an error where the reason counts as false, which would end a stream without a word. */
export function abortError(signal: AbortSignal | undefined): Error {
  return (signal?.reason as Error | undefined) || new DOMException('This operation was aborted', 'AbortError');
}

/** Waits for work that cannot be stopped; whatever comes of it after the abort is nobody's. @throws `signal.reason` */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal?.aborted === true) work.catch(() => {});
  return await withDeadline(work, 0, () => new Error('a wait without a limit has ended'), signal);
}
