import { ImageError, type ImageErrorCode } from '../../base/errors.ts';
import { type DerHeader, readHeader } from './header.ts';
import { decodeBoolean, decodeOctetBits, decodeOid, decodeUnsigned, smallNumber } from './primitives.ts';
import { Tag, tagName } from './tags.ts';
import { decodeTime } from './time.ts';

/** One element: its identifier, all of its octets, and the content alone. */
export interface DerElement {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
}

/**
 * Reads elements one after another. What is not DER is ERR_IMAGE_DER; what is DER and not what was expected has the code
 * that the reader was made with, and names the structure.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #structure: string;
  readonly #code: ImageErrorCode;
  #at = 0;

  /** @param bytes elements, for the content of a constructed one or a whole one. */
  constructor(bytes: Uint8Array, structure: string, code: ImageErrorCode) {
    this.#bytes = bytes;
    this.#structure = structure;
    this.#code = code;
  }

  /** What is wrong with the structure. */
  error(reason: string): ImageError {
    return new ImageError('', this.#code, `${this.#structure}: ${reason}`);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The identifier of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The next element, whatever it is. */
  any(): DerElement {
    if (this.atEnd) throw this.error('something is missing at the end');
    const header: DerHeader = readHeader(this.#bytes, this.#at);
    this.#at = header.end;
    return {
      tag: header.tag,
      bytes: this.#bytes.subarray(header.at, header.end),
      content: this.#bytes.subarray(header.start, header.end),
    };
  }

  /** The next element, which must have this tag. */
  element(tag: number): DerElement {
    if (this.nextTag !== tag) {
      const found = this.nextTag === undefined ? 'the end' : tagName(this.nextTag);
      throw this.error(`${tagName(tag)} expected, ${found} found`);
    }
    return this.any();
  }

  /** The next element if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.nextTag === tag ? this.any() : undefined;
  }

  /** A reader of the content of the next element, which must have this tag. */
  enter(tag: number, structure: string = this.#structure): DerReader {
    return new DerReader(this.element(tag).content, structure, this.#code);
  }

  /** As {@link enter}, for an element that may be absent. */
  enterOptional(tag: number, structure: string = this.#structure): DerReader | undefined {
    return this.nextTag === tag ? this.enter(tag, structure) : undefined;
  }

  /** @throws {ImageError} where something is left. */
  end(): void {
    if (!this.atEnd) throw this.error(`${tagName(this.nextTag ?? 0)} found, the end expected`);
  }

  boolean(): boolean {
    return decodeBoolean(this.element(Tag.boolean).content);
  }

  /** The octets of an INTEGER that is not negative, without leading zeros; empty for 0. */
  unsigned(): Uint8Array {
    return decodeUnsigned(this.element(Tag.integer).content);
  }

  /** An INTEGER from 0 to 2^48-1. */
  number(): number {
    return smallNumber(this.unsigned());
  }

  oid(): string {
    return decodeOid(this.element(Tag.objectIdentifier).content);
  }

  octets(): Uint8Array {
    return this.element(Tag.octetString).content;
  }

  /** The octets of a BIT STRING without unused bits. */
  bits(): Uint8Array {
    return decodeOctetBits(this.element(Tag.bitString).content);
  }

  /** A UTCTime or GeneralizedTime, as RFC 5280 has them. */
  time(): Date {
    const { tag, content } = this.nextTag === Tag.generalizedTime ? this.any() : this.element(Tag.utcTime);
    return decodeTime(tag, content);
  }
}
