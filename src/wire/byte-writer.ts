import { encodeName, hasRawBytes } from '../base/byte-name.ts';

/** How much memory is allocated at once. Many messages share it. */
const DEFAULT_SLAB_BYTES: number = 32 * 1024;

/**
 * Writes the data types of SSH (RFC 4251 section 5), one message after the other into shared memory. {@link take} gives what has been written since the last time; that part of the memory is never
 * touched again, so it may be handed to a stream. How much is written is the caller's business.
 *
 * Methods throw a RangeError for a number that the type does not hold.
 */
export class ByteWriter {
  readonly #slabBytes: number;
  #slab: Buffer;
  /** Where the bytes begin that nobody has taken. */
  #start = 0;
  #at = 0;

  constructor(slabBytes: number = DEFAULT_SLAB_BYTES) {
    this.#slabBytes = slabBytes;
    this.#slab = Buffer.alloc(0);
  }

  /** How many bytes wait to be taken. */
  get length(): number {
    return this.#at - this.#start;
  }

  #room(count: number): number {
    if (this.#at + count > this.#slab.length) this.#grow(count);
    const at = this.#at;
    this.#at = at + count;
    return at;
  }

  #grow(count: number): void {
    const waiting = this.#slab.subarray(this.#start, this.#at);
    const needed = waiting.length + count;
    // Twice the length, so that a long message is not copied again for each of its fields.
    this.#slab = Buffer.allocUnsafeSlow(needed <= this.#slabBytes ? this.#slabBytes : 2 * needed);
    this.#slab.set(waiting);
    this.#start = 0;
    this.#at = waiting.length;
  }

  uint8(value: number): void {
    const at = this.#room(1);
    this.#slab.writeUInt8(value, at);
  }

  uint32(value: number): void {
    const at = this.#room(4);
    this.#slab.writeUInt32BE(value, at);
  }

  uint64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a uint64: ${value}`);
    const at = this.#room(8);
    this.#slab.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#slab.writeUInt32BE(value % 0x1_0000_0000, at + 4);
  }

  /** All 64 bits. */
  uint64Bits(value: bigint): void {
    const at = this.#room(8);
    this.#slab.writeBigUInt64BE(value, at);
  }

  /** Bytes without a length before them. */
  bytes(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#slab.set(bytes, at);
  }

  /** A string: its length and its bytes. */
  string(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.bytes(bytes);
  }

  /** A string that names something, without loss (see byte-name.ts). */
  name(text: string): void {
    if (hasRawBytes(text)) {
      this.string(encodeName(text));
      return;
    }
    // No character takes more than three bytes for each of its UTF-16 units.
    const at = this.#room(4 + 3 * text.length);
    const length = this.#slab.write(text, at + 4);
    this.#slab.writeUInt32BE(length, at);
    this.#at = at + 4 + length;
  }

  /** Writes a uint32 over one that is there, at `offset` bytes behind what was taken last: a length that was not known before. */
  setUint32(offset: number, value: number): void {
    this.#slab.writeUInt32BE(value, this.#start + offset);
  }

  /** Forgets what was written from `offset` bytes behind what was taken last. */
  cutTo(offset: number): void {
    this.#at = this.#start + offset;
  }

  /** What has been written since the last time. */
  take(): Buffer {
    const bytes = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return bytes;
  }
}
