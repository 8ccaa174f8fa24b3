import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { BlobReader } from './blob-reader.ts';

/** Smaller RSA keys are refused, as RequiredRSASize of OpenSSH has it by default. */
export const MIN_RSA_BITS = 1024;
/** Larger ones only cost time. OpenSSH's limit. */
export const MAX_RSA_BITS = 16_384;

interface Curve {
  readonly name: string;
  readonly jwk: string;
  readonly bytes: number;
  readonly hash: string;
}

const curves: readonly Curve[] = [
  { name: 'nistp256', jwk: 'P-256', bytes: 32, hash: 'sha256' },
  { name: 'nistp384', jwk: 'P-384', bytes: 48, hash: 'sha384' },
  { name: 'nistp521', jwk: 'P-521', bytes: 66, hash: 'sha512' },
];

/** The fields of a public key behind its type name. */
export type PublicKey =
  /** RFC 8709 section 4 */
  | { readonly kind: 'ed25519'; readonly point: Buffer }
  /** RFC 5656 section 3.1; `point` is uncompressed, without the 4 in front. */
  | { readonly kind: 'ecdsa'; readonly curve: Curve; readonly point: Buffer }
  /** RFC 4253 section 6.6 */
  | { readonly kind: 'rsa'; readonly exponent: Buffer; readonly modulus: Buffer };

function readRsa(reader: BlobReader): PublicKey {
  const exponent = reader.positive();
  const modulus = reader.positive();
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) reader.fail(`an RSA key of ${bits} bits`);
  return { kind: 'rsa', exponent, modulus };
}

function readEcdsa(reader: BlobReader, curve: Curve): PublicKey {
  if (reader.string().toString('latin1') !== curve.name) reader.fail('a key on another curve than its type says');
  const point = reader.string();
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) reader.fail('a bad point on its curve');
  return { kind: 'ecdsa', curve, point: point.subarray(1) };
}

/**
 * Reads the fields of a public key of the given type; undefined for a type that is not spoken here, of which nothing is
 * read.
 *
 * @throws {ProtocolError} from the reader
 */
export function readPublicKey(type: string, reader: BlobReader): PublicKey | undefined {
  if (type === 'ssh-rsa') return readRsa(reader);
  if (type === 'ssh-ed25519') {
    const point = reader.string();
    if (point.length !== 32) reader.fail('a bad Ed25519 key');
    return { kind: 'ed25519', point };
  }
  const curve = curves.find(({ name }) => type === `ecdsa-sha2-${name}`);
  return curve && readEcdsa(reader, curve);
}

function keyObject(key: PublicKey): KeyObject {
  const text = (bytes: Buffer): string => bytes.toString('base64url');
  let jwk: JsonWebKey;
  if (key.kind === 'rsa') jwk = { kty: 'RSA', e: text(key.exponent), n: text(key.modulus) };
  else if (key.kind === 'ed25519') jwk = { kty: 'OKP', crv: 'Ed25519', x: text(key.point) };
  else {
    const { curve, point } = key;
    jwk = { kty: 'EC', crv: curve.jwk, x: text(point.subarray(0, curve.bytes)), y: text(point.subarray(curve.bytes)) };
  }
  return createPublicKey({ format: 'jwk', key: jwk });
}

/** The signature of RFC 5656 section 3.1.2, `mpint r, mpint s`, as two numbers of the curve's length. */
function ecdsaSignature(value: Buffer, curve: Curve): Buffer | undefined {
  const reader = new BlobReader(value, 'signature');
  const numbers = [reader.positive(), reader.positive()];
  reader.end();
  if (numbers.some((number) => number.length > curve.bytes)) return undefined;
  return Buffer.concat(numbers.flatMap((number) => [Buffer.alloc(curve.bytes - number.length), number]));
}

const rsaHashes: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/**
 * Whether `value`, the inner part of an SSH signature, is the signature of the data by the key. False for an algorithm
 * that does not belong to the key, and for SHA-1.
 *
 * @throws whatever a malformed signature or key is to node:crypto
 */
export function signatureHolds(key: PublicKey, algorithm: string, data: Buffer, value: Buffer): boolean {
  if (key.kind === 'rsa') {
    const hash = Object.hasOwn(rsaHashes, algorithm) ? rsaHashes[algorithm] : undefined;
    return hash !== undefined && verify(hash, data, keyObject(key), value);
  }
  if (key.kind === 'ed25519') return algorithm === 'ssh-ed25519' && verify(null, data, keyObject(key), value);
  if (algorithm !== `ecdsa-sha2-${key.curve.name}`) return false;
  const numbers = ecdsaSignature(value, key.curve);
  const options = { key: keyObject(key), dsaEncoding: 'ieee-p1363' as const };
  return numbers !== undefined && verify(key.curve.hash, data, options, numbers);
}
