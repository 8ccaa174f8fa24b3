import type { OpenFile } from './file-system.ts';

/** How much is read at once. */
export const READ_BYTES: number = 256 * 1024;

export interface ReadAheadOptions {
  /** The longest chunk, in bytes. Default READ_BYTES. */
  readonly chunkBytes?: number | undefined;
  /** Where to begin. Default 0. */
  readonly start?: number | undefined;
  /** Every chunk is a buffer of its own, for a consumer that keeps more than two. */
  readonly fresh?: boolean | undefined;
}

/**
 * The content of a file in order, read one chunk ahead of its consumer. Three buffers go round: a chunk stays unchanged until the next but one is asked for.
 *
 * @param size how many bytes to read at most
 * @throws {FileError} where reading fails; a file that ends early just ends.
 */
export async function* readAhead(
  file: OpenFile,
  size: number,
  options: ReadAheadOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const { start = 0, fresh = false } = options;
  const length = Math.min(options.chunkBytes ?? READ_BYTES, Math.max(size, 1));
  const buffers: Uint8Array[] = [];
  let position = start;
  const end = start + size;
  let turn = 0;
  const read = (): Promise<Uint8Array> => {
    const slot = turn++ % 3;
    const buffer = (fresh ? undefined : buffers[slot]) ?? Buffer.allocUnsafeSlow(length);
    buffers[slot] = buffer;
    const wanted = Math.min(length, end - position);
    return file
      .read(wanted === length ? buffer : buffer.subarray(0, wanted), position)
      .then((count) => buffer.subarray(0, count));
  };
  let next = position < end ? read() : undefined;
  while (next !== undefined) {
    const chunk = await next;
    if (chunk.length === 0) return;
    position += chunk.length;
    next = position < end ? read() : undefined;
    // An error of the read ahead is thrown when its turn comes; until then nobody listens.
    next?.catch(() => {});
    try {
      yield chunk;
    } finally {
      if (next !== undefined) await next.catch(() => {});
    }
  }
}
