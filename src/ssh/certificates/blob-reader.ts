import { ProtocolError } from '../../base/errors.ts';

/** Reads the data types of RFC 4251 section 5 one after another. Everything it throws is a ProtocolError. */
export class BlobReader {
  readonly #data: Buffer;
  readonly #what: string;
  #at = 0;

  /** @param what is in front of the reasons, for example `malformed certificate` */
  constructor(data: Uint8Array, what: string) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#what = what;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#data.length;
  }

  fail(reason: string): never {
    throw new ProtocolError(`${this.#what}: ${reason}`);
  }

  #take(length: number): Buffer {
    if (length > this.#data.length - this.#at) this.fail('it ends too early');
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE(0);
  }

  /** A view of the bytes, not a copy. */
  string(): Buffer {
    return this.#take(this.uint32());
  }

  /** The bytes of a positive number in its one canonical form, without the zero in front of a high bit. */
  positive(): Buffer {
    const bytes = this.string();
    const [first = 0, second = 0] = bytes;
    if (bytes.length === 0 || first >= 0x80) this.fail('a number that is not positive');
    if (first !== 0) return bytes;
    if (second < 0x80) this.fail('a number with zeros in front');
    return bytes.subarray(1);
  }

  /** What was read since `start`. */
  since(start: number): Buffer {
    return this.#data.subarray(start, this.#at);
  }

  /** Refuses bytes behind the last field. */
  end(): void {
    if (!this.isAtEnd) this.fail('bytes behind its end');
  }
}
