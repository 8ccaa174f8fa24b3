import type { OpenFile } from './file-system.ts';

/** How much is read at once. */
export const READ_BYTES: number = 256 * 1024;

/**
 * The content of a file in order, read one chunk ahead of its consumer. Three buffers go round: a chunk stays unchanged until the next but one is asked for.
 *
 * @param size how many bytes to read at most
 * @throws {FileError} where reading fails; a file that ends early just ends.
 */
export async function* readAhead(file: OpenFile, size: number): AsyncGenerator<Uint8Array, void, void> {
  const length = Math.min(READ_BYTES, Math.max(size, 1));
  const buffers: Uint8Array[] = [];
  let position = 0;
  let turn = 0;
  const read = (): Promise<Uint8Array> => {
    const slot = turn++ % 3;
    buffers[slot] ??= Buffer.allocUnsafeSlow(length);
    const buffer = buffers[slot];
    const wanted = Math.min(length, size - position);
    return file
      .read(wanted === length ? buffer : buffer.subarray(0, wanted), position)
      .then((count) => buffer.subarray(0, count));
  };
  let next = position < size ? read() : undefined;
  while (next !== undefined) {
    const chunk = await next;
    if (chunk.length === 0) return;
    position += chunk.length;
    next = position < size ? read() : undefined;
    // An error of the read ahead is thrown when its turn comes; until then nobody listens.
    next?.catch(() => {});
    try {
      yield chunk;
    } finally {
      if (next !== undefined) await next.catch(() => {});
    }
  }
}
