import { derError } from './limits.ts';

/** Where an element of DER stands: `start` to `end` is its content, `at` is its identifier. */
export interface DerHeader {
  readonly tag: number;
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the identifier and the length at `at`, which must lead to no more than `limit`.
 * Identifiers of one octet (X.690, 8.1.2.2), definite lengths (10.1) in the fewest octets.
 *
 * @throws {ImageError} ERR_IMAGE_DER
 */
export function readHeader(bytes: Uint8Array, at: number, limit: number = bytes.length): DerHeader {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit) throw derError('an element is cut off');
  if ((tag & 0x1f) === 0x1f) throw derError('a tag of several octets');
  if ((tag & 0x40) !== 0) throw derError('a tag of class application or private');
  if (tag === 0) throw derError('an end-of-contents octet');
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0) throw derError('an indefinite length');
    // Nothing here is as long as 2^24.
    if (octets > 3) throw derError('a length that is too large');
    if (start + octets > limit) throw derError('a length is cut off');
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] as number);
    if (length < 0x80 || length < 256 ** (octets - 1)) throw derError('a length in more octets than it needs');
    start += octets;
  }
  const end = start + length;
  if (end > limit) throw derError('an element is longer than what it is in');
  return { tag, at, start, end };
}
