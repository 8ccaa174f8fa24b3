/** The size of what is kept: the longest answer to a READ. */
const BLOCK_BYTES: number = 256 * 1024;

/** Shorter answers get memory of their own. */
const MIN_BYTES: number = 32 * 1024;

/** As many blocks are kept for the next answers, for all sessions of the process: what is in flight of one file, in READs of 128 KiB. */
const MAX_BLOCKS = 64;

const free: Buffer[] = [];

/** The blocks that are out, by the memory of what was taken. */
const taken = new WeakMap<ArrayBufferLike, Buffer>();

/** Memory for the answer to a READ. Who gives it back with {@link giveReadMemoryBack} has it used again: V8 collects such memory late, and with much work. Who does not does no harm. */
export function takeReadMemory(length: number): Buffer {
  if (length < MIN_BYTES || length > BLOCK_BYTES) return Buffer.allocUnsafe(length);
  const block = free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  taken.set(block.buffer, block);
  return block.subarray(0, length);
}

/** Nobody needs these bytes any more. Bytes that are not from here are left alone. */
export function giveReadMemoryBack(bytes: Uint8Array): void {
  const block = taken.get(bytes.buffer);
  if (block === undefined) return;
  taken.delete(bytes.buffer);
  if (free.length < MAX_BLOCKS) free.push(block);
}
