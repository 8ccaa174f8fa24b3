import { ImageError } from '../../base/errors.ts';

/** How deep elements may be nested. What the format needs is about fifteen. */
export const MAX_DER_DEPTH = 24;

/** How many elements one structure may have. An envelope with eight signers has about a thousand. */
export const MAX_DER_ELEMENTS = 8192;

/** Octets of an object identifier's content. */
export const MAX_OID_BYTES = 64;

/** Octets of one arc of an object identifier: enough for 128 bits, which arcs below 2.25 have (X.667). */
export const MAX_ARC_BYTES = 19;

/** What is not DER. */
export function derError(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_DER', `not DER: ${reason}`);
}
