import type { Writable } from 'node:stream';

/**
 * Tells whether what was written to a stream has been taken. Whoever reads it may be slow (a pager, a log, a script), and a peer could fill the memory with what waits.
 *
 * @param until `room`: the stream takes more; `empty`: it has nothing left
 * @returns undefined where it has; else a promise for the moment when it has, when nobody reads any more, or when `signal` aborts.
 */
export function streamReady(
  stream: Writable,
  signal: AbortSignal,
  until: 'room' | 'empty' = 'room',
): Promise<void> | undefined {
  const isReady = until === 'room' ? !stream.writableNeedDrain : stream.writableLength === 0;
  if (isReady || stream.destroyed || signal.aborted) return undefined;
  return new Promise((resolve) => {
    const events = ['drain', 'close', 'error'];
    const done = () => {
      for (const event of events) stream.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
    signal.addEventListener('abort', done);
    // A stream that never said it was full tells nobody that it has become empty, but calls back in order.
    if (until === 'empty') stream.write('', done);
  });
}
