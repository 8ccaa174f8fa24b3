import { decodeName } from '../base/byte-name.ts';
import { ProtocolError } from '../base/errors.ts';

/**
 * Reads the data types of SSH (RFC 4251 section 5) from bytes that a peer sent. Every read is checked against what is left. Strings are views of the bytes that were handed in: what is
 * kept longer than those must be copied.
 *
 * Every method throws a ProtocolError where the bytes do not hold what is asked for.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at: number;

  /** @param what how errors name the message that is read */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#at = 0;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new ProtocolError(`protocol error: ${this.#what} is cut short`);
    this.#at = at + count;
    return at;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** @throws {ProtocolError} above 2^53-1 too, the largest number that JavaScript counts exactly. */
  uint64(): number {
    const at = this.#take(8);
    const high = this.#bytes.readUInt32BE(at);
    if (high > 0x1f_ffff) throw new ProtocolError(`protocol error: a number in ${this.#what} is too large`);
    return high * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4);
  }

  /** The same for numbers that are told and not used for anything else: what is larger than 2^53 - 1 is Infinity. */
  uint64OrInfinity(): number {
    const bits = this.uint64Bits();
    return bits > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(bits);
  }

  /** All 64 bits, for numbers that are no sizes: masks, identifiers. */
  uint64Bits(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  /** A string, as a view of the bytes. @param limit its longest length in bytes */
  string(limit: number = Number.POSITIVE_INFINITY): Buffer {
    const length = this.uint32();
    if (length > limit) throw new ProtocolError(`protocol error: a string in ${this.#what} is too long`);
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A string that names something, without loss (see byte-name.ts). @param limit its longest length in bytes */
  name(limit?: number): string {
    return decodeName(this.string(limit));
  }

  /** Passes over a string. */
  skipString(): void {
    this.#take(this.uint32());
  }

  /** All that is left, as a view. */
  rest(): Buffer {
    const at = this.#take(this.remaining);
    return this.#bytes.subarray(at);
  }

  /** @throws {ProtocolError} where bytes are left. */
  end(): void {
    if (this.remaining > 0)
      throw new ProtocolError(`protocol error: ${this.#what} has ${this.remaining} bytes too many`);
  }
}
