import { MERGE_BYTES } from './limits.ts';

/** As many buffers are kept for the next reads. */
const MAX_KEPT = 4;

/** Buffers for reads, used again when what was in them has been sent: memory of this size is dear to get and to give back. */
export class BufferPool {
  readonly #free: Buffer[] = [];

  /** A buffer of MERGE_BYTES, or a smaller one for little. */
  take(bytes: number): Buffer {
    if (bytes <= MERGE_BYTES / 16) return Buffer.allocUnsafe(bytes);
    return (this.#free.pop() ?? Buffer.allocUnsafeSlow(MERGE_BYTES)).subarray(0, bytes);
  }

  /** The buffer is not used any more. */
  give(buffer: Buffer): void {
    if (buffer.buffer.byteLength === MERGE_BYTES && this.#free.length < MAX_KEPT)
      this.#free.push(Buffer.from(buffer.buffer));
  }
}
