import { createPublicKey, type KeyObject } from 'node:crypto';
import { ImageError } from '../../base/errors.ts';
import { checkDer } from '../der/check.ts';
import { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { Oid } from '../oids.ts';
import { type KeyAlgorithm, namedCurves, plainKeys } from './key-algorithms.ts';
import { isSmallOrder } from './small-order.ts';

/** Bits of an RSA modulus. */
export const MIN_RSA_BITS = 2048;
export const MAX_RSA_BITS = 4096;

/** The least public exponent: with 3 a sloppy verifier takes forged padding (Bleichenbacher, 2006). */
const MIN_RSA_EXPONENT = 65537;

/** What a public key is, as its SubjectPublicKeyInfo says. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** As displays name what it signs with: `2048-bit RSA`, `ECDSA P-256`, `Ed25519`. */
  readonly title: string;
  /** RSA: the numbers, without leading zeros. Others: the key as a string of octets. */
  readonly material:
    | { readonly kind: 'rsa'; readonly modulus: Uint8Array; readonly exponent: number }
    | { readonly kind: 'octets'; readonly octets: Uint8Array };
}

function refuse(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_ALGORITHM', reason, {
    cure: 'use RSA of 2048 to 4096 bits, ECDSA on P-256 or P-384, Ed25519 or ML-DSA',
  });
}

function bitLength(octets: Uint8Array): number {
  return octets.length === 0 ? 0 : (octets.length - 1) * 8 + (32 - Math.clz32(octets[0] as number));
}

/** RSAPublicKey (RFC 8017, A.1.1) in its identifier with NULL (RFC 3279, 2.3.1). */
function readRsa(parameters: DerReader, key: Uint8Array, spki: Uint8Array): PublicKey {
  parameters.element(Tag.null);
  parameters.end();
  checkDer(key);
  const numbers = new DerReader(key, 'RSA key', 'ERR_IMAGE_ALGORITHM').enter(Tag.sequence);
  const modulus = numbers.unsigned();
  const exponent = numbers.number();
  numbers.end();
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) throw refuse(`an RSA key of ${bits} bits`);
  if (exponent < MIN_RSA_EXPONENT || exponent % 2 === 0) throw refuse(`an RSA key with the exponent ${exponent}`);
  if ((modulus.at(-1) as number) % 2 === 0) throw refuse('an RSA key with an even modulus');
  return { algorithm: 'rsa', spki, title: `${bits}-bit RSA`, material: { kind: 'rsa', modulus, exponent } };
}

/** ECPoint, uncompressed, in its identifier with the name of the curve (RFC 5480, 2.1.1 and 2.2). */
function readEc(parameters: DerReader, key: Uint8Array, spki: Uint8Array): PublicKey {
  const curve = parameters.oid();
  parameters.end();
  const named = namedCurves.get(curve);
  if (named === undefined) throw refuse(`an ECDSA key on the curve ${curve}`);
  if (key[0] !== 4 || key.length !== 1 + 2 * named.coordinateBytes) throw refuse('a point that is not uncompressed');
  const title = named.algorithm === 'ecdsa-p256' ? 'ECDSA P-256' : 'ECDSA P-384';
  return { algorithm: named.algorithm, spki, title, material: { kind: 'octets', octets: key } };
}

/**
 * Reads a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) and refuses what may not sign images. Works for every algorithm on
 * every Node, also where Node could not verify with it.
 *
 * @throws {ImageError} ERR_IMAGE_ALGORITHM, ERR_IMAGE_DER
 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  checkDer(spki);
  const info = new DerReader(spki, 'public key', 'ERR_IMAGE_ALGORITHM').enter(Tag.sequence);
  const parameters = info.enter(Tag.sequence);
  const oid = parameters.oid();
  const key = info.bits();
  info.end();
  if (oid === Oid.rsaEncryption) return readRsa(parameters, key, spki);
  if (oid === Oid.ecPublicKey) return readEc(parameters, key, spki);
  const plain = plainKeys.get(oid);
  if (plain === undefined) throw refuse(oid === Oid.rsaPss ? 'an RSA-PSS key' : `a key of the algorithm ${oid}`);
  parameters.end();
  if (key.length !== plain.keyBytes) throw refuse(`an ${plain.title} key of ${key.length} octets`);
  if (plain.algorithm === 'ed25519' && isSmallOrder(key)) throw refuse('an Ed25519 key of small order');
  return { algorithm: plain.algorithm, spki, title: plain.title, material: { kind: 'octets', octets: key } };
}

/**
 * The key as node:crypto takes it.
 *
 * @throws {ImageError} ERR_IMAGE_ALGORITHM where this Node cannot use it, or the point is not on its curve.
 */
export function importPublicKey({ spki, algorithm, title }: PublicKey): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    if (algorithm.startsWith('ml-dsa-')) throw unsupported(title, cause);
    throw new ImageError('', 'ERR_IMAGE_ALGORITHM', `a key for ${title} that is none`, { cause });
  }
  // A Node that does not know ML-DSA may still read the key, when its OpenSSL does.
  if (algorithm.startsWith('ml-dsa-') && String(key.asymmetricKeyType) !== algorithm) throw unsupported(title);
  return key;
}

/** What to say where Node lacks an algorithm. */
export function unsupported(title: string, cause?: unknown): ImageError {
  return new ImageError('', 'ERR_IMAGE_ALGORITHM', `this Node.js has no ${title}`, {
    cause,
    cure: 'use Node.js 24 or newer',
  });
}
