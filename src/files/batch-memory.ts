/** Content is written to a disk in pieces of this length. */
export const BATCH_BYTES: number = 512 * 1024;

/** As many are kept for the next files. */
const MAX_SPARE = 5;

const spare: Buffer[] = [];

/** Memory for one batch. Content of the process: give it back with {@link giveBatchBack} once nobody reads or writes it any more, so that it is used again; V8 collects such memory late. */
export function takeBatch(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
}

export function giveBatchBack(batch: Buffer): void {
  if (spare.length < MAX_SPARE) spare.push(batch);
}
