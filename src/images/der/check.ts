import { type DerHeader, readHeader } from './header.ts';
import { derError, MAX_DER_DEPTH, MAX_DER_ELEMENTS } from './limits.ts';
import { checkBitString, checkInteger, decodeBoolean, decodeOid, decodeUtf8 } from './primitives.ts';
import { Tag, tagName } from './tags.ts';

const contentChecks: ReadonlyMap<number, (content: Uint8Array) => void> = new Map([
  [Tag.boolean, decodeBoolean],
  [Tag.integer, checkInteger],
  [Tag.bitString, checkBitString],
  [Tag.objectIdentifier, decodeOid],
  [Tag.utf8String, decodeUtf8],
]);

function checkElement(bytes: Uint8Array, { tag, start, end }: DerHeader): void {
  const universal = (tag & 0xc0) === 0;
  const number = tag & 0x1f;
  const isConstructed = (tag & 0x20) !== 0;
  // SEQUENCE and SET are always constructed (X.690, 8.9.1, 8.11.1), all else is primitive in DER (10.2).
  if (universal && isConstructed !== (number === 0x10 || number === 0x11)) {
    throw derError(`${isConstructed ? 'a constructed' : 'a primitive'} ${tagName(tag)}`);
  }
  if (tag === Tag.null && start !== end) throw derError('a NULL with content');
  contentChecks.get(tag)?.(bytes.subarray(start, end));
}

/** Order of encodings (X.690, 11.6): the shorter one is padded with zeros, which no element begins with. */
export function compareEncodings(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** A constructed element that is being walked through. */
interface Level {
  readonly end: number;
  /** The last element, where the order counts. */
  readonly sorted: boolean;
  last: Uint8Array | undefined;
}

/**
 * Checks that bytes are one element of DER and nothing behind it, down to every leaf: what no reader looks at is checked
 * too. Takes time in proportion to the length, and no recursion.
 *
 * @throws {ImageError} ERR_IMAGE_DER
 */
export function checkDer(bytes: Uint8Array): void {
  let elements = 0;
  const levels: Level[] = [];
  let at = 0;
  const first = readHeader(bytes, 0);
  if (first.end !== bytes.length) throw derError('octets behind the end');
  while (at < bytes.length) {
    const level = levels.at(-1);
    const header = readHeader(bytes, at, level?.end ?? bytes.length);
    if (++elements > MAX_DER_ELEMENTS) throw derError('too many elements');
    checkElement(bytes, header);
    if (level?.sorted === true) {
      const encoding = bytes.subarray(header.at, header.end);
      if (level.last !== undefined && compareEncodings(level.last, encoding) > 0)
        throw derError('a SET OF out of order');
      level.last = encoding;
    }
    if ((header.tag & 0x20) !== 0) {
      if (levels.length === MAX_DER_DEPTH) throw derError('elements nested too deep');
      levels.push({ end: header.end, sorted: header.tag === Tag.set, last: undefined });
      at = header.start;
    } else at = header.end;
    while (levels.at(-1)?.end === at) levels.pop();
  }
}
