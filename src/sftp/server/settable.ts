import { FileError } from '../../base/errors.ts';
import type { Attributes } from '../attributes.ts';

/**
 * Attributes that a client wants to set. A size above 2^53 - 1 comes as Infinity, which no file can get.
 *
 * @throws {FileError} EFBIG
 */
export function settable(attributes: Attributes, path: string): Attributes {
  if (attributes.size === Number.POSITIVE_INFINITY) throw new FileError(path, 'truncate', 'EFBIG');
  return attributes;
}
