import { ImageError } from '../base/errors.ts';
import { checkPeerName, MAX_NAME_BYTES } from '../base/peer-name.ts';
import { decodeUtf8 } from './der/primitives.ts';
import { isImageText, isKeyVersion } from './image-text.ts';
import { bundledKeyTypeFor, imageTypes } from './image-types.ts';
import type { BundledKey, ImageInfo, ImageType } from './types.ts';

/** Octets of the JSON in the attribute. */
export const MAX_IMAGE_INFO_BYTES = 4096;

/** New keys in one image. */
export const MAX_BUNDLED_KEYS = 8;

/** Octets of UTF-8 in `product`, `version` and `minLoader`. */
export const MAX_IMAGE_TEXT_BYTES = 64;

/** Stands for every product, in revocation images alone: one key may sign for many. */
export const ANY_PRODUCT = '*';

/** The largest security counter. */
export const MAX_COUNTER: number = 2 ** 32 - 1;

function refuse(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_INFO', `image information: ${reason}`);
}

function isWhole(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}

function checkText(value: unknown, field: string): string {
  if (typeof value !== 'string' || !isImageText(value, MAX_IMAGE_TEXT_BYTES)) {
    throw refuse(`${field} is not one line of 1 to ${MAX_IMAGE_TEXT_BYTES} octets`);
  }
  return value;
}

function checkName(value: unknown): string {
  try {
    // The same names everywhere, so not the rules of the system that this runs on.
    if (typeof value === 'string' && isImageText(value, MAX_NAME_BYTES)) return checkPeerName(value, 'linux');
  } catch {
    // Said below.
  }
  throw refuse('name is not the name of a file');
}

function checkVersion(value: unknown, field: string): string {
  if (typeof value !== 'string' || !isKeyVersion(value)) throw refuse(`${field} is not a letter from A to Z`);
  return value;
}

function checkBundledKey(value: unknown, type: ImageType): BundledKey {
  if (typeof value !== 'object' || value === null) throw refuse('a bundled key is not an object');
  const key = value as Readonly<Record<string, unknown>>;
  const allowed = bundledKeyTypeFor(type);
  if (allowed === undefined || key['type'] !== allowed) {
    throw refuse(`an image of type ${type} may bring ${allowed === undefined ? 'no keys' : `only ${allowed} keys`}`);
  }
  const version = checkVersion(key['version'], 'version of a bundled key');
  const sha256 = key['sha256'];
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw refuse('sha256 of a bundled key is no digest');
  return { type: allowed, version, sha256 };
}

function checkBundledKeys(value: unknown, type: ImageType): readonly BundledKey[] {
  if (!Array.isArray(value) || value.length > MAX_BUNDLED_KEYS) {
    throw refuse(`bundledKeys is not a list of up to ${MAX_BUNDLED_KEYS}`);
  }
  const keys = value.map((one: unknown) => checkBundledKey(one, type));
  if (new Set(keys.map(({ sha256 }) => sha256)).size < keys.length) throw refuse('a bundled key comes twice');
  if (new Set(keys.map(({ version }) => version)).size > 1) throw refuse('bundled keys of several versions');
  return keys;
}

/**
 * Holds a value against the schema and gives a copy whose fields stand in the order of the canonical form.
 *
 * @throws {ImageError} ERR_IMAGE_INFO
 */
export function checkImageInfo(value: unknown): ImageInfo {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('not an object');
  const info = value as Readonly<Record<string, unknown>>;
  if (info['fmt'] !== 1) throw refuse('fmt is not 1');
  const type = imageTypes.find((one) => one === info['type']);
  if (type === undefined) throw refuse('type is not one that there is');
  const { counter, size } = info;
  const keyVersion = checkVersion(info['keyVersion'], 'keyVersion');
  const product = checkText(info['product'], 'product');
  if (product === ANY_PRODUCT && type !== 'revocation')
    throw refuse('only a revocation image may be for every product');
  const name = checkName(info['name']);
  const version = checkText(info['version'], 'version');
  if (!isWhole(counter, MAX_COUNTER)) throw refuse('counter is not a number from 0 to 2^32-1');
  if (!isWhole(size, Number.MAX_SAFE_INTEGER)) throw refuse('size is not a number from 0 to 2^53-1');
  const bundledKeys = checkBundledKeys(info['bundledKeys'], type);
  const minLoader = info['minLoader'];
  const known = { fmt: 1, type, keyVersion, product, name, version, counter, size, bundledKeys } as const;
  return minLoader === undefined ? known : { ...known, minLoader: checkText(minLoader, 'minLoader') };
}

/**
 * The canonical JSON of it: the fields in the order of the schema, no white space, UTF-8, characters as they are.
 *
 * @throws {ImageError} ERR_IMAGE_INFO where it breaks the schema or is too large.
 */
export function encodeImageInfo(info: ImageInfo): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(checkImageInfo(info)), 'utf8');
  if (bytes.length > MAX_IMAGE_INFO_BYTES) throw refuse(`more than ${MAX_IMAGE_INFO_BYTES} octets`);
  return bytes;
}

/**
 * Reads it. The canonical form of what was read must be what was read: names that come twice or are not in the schema,
 * another order, white space and other ways to write a number or a character are refused that way.
 *
 * @throws {ImageError} ERR_IMAGE_INFO
 */
export function decodeImageInfo(bytes: Uint8Array): ImageInfo {
  if (bytes.length > MAX_IMAGE_INFO_BYTES) throw refuse(`more than ${MAX_IMAGE_INFO_BYTES} octets`);
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw Object.assign(refuse('not JSON'), { cause });
  }
  const info = checkImageInfo(value);
  if (Buffer.compare(encodeImageInfo(info), bytes) !== 0) throw refuse('not in the canonical form');
  return info;
}
