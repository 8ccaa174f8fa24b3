import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { ByteReader } from '../wire/byte-reader.ts';

/** Types that can verify a signature without SHA-1. */
export const keyTypes: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
]);

/** Shorter RSA keys can be broken. Bits. */
const SMALLEST_RSA_BITS = 2048;

/** Longer RSA keys would let anybody make the server work. Bits. */
const LARGEST_RSA_BITS = 16_384;

/** The longest blob that is looked at, in bytes. */
const MAX_BLOB_BYTES = 16 * 1024;

const curves: Readonly<Record<string, readonly [curve: string, bytes: number]>> = {
  nistp256: ['P-256', 32],
  nistp384: ['P-384', 48],
  nistp521: ['P-521', 66],
};

/**
 * Checks that a blob (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4) holds a key of this type that can be used.
 *
 * @throws {RangeError} where it does not
 */
export function checkPublicKey(type: string, blob: Buffer): void {
  let key: KeyObject;
  try {
    if (blob.length > MAX_BLOB_BYTES) throw new RangeError('too long');
    key = createPublicKey({ key: toJwk(type, blob), format: 'jwk' });
  } catch {
    throw new RangeError('the key is malformed');
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined) return;
  if (bits < SMALLEST_RSA_BITS)
    throw new RangeError(`an RSA key of ${bits} bits is too short (${SMALLEST_RSA_BITS} at least)`);
  if (bits > LARGEST_RSA_BITS)
    throw new RangeError(`an RSA key of ${bits} bits is too long (${LARGEST_RSA_BITS} at most)`);
}

function toJwk(type: string, blob: Buffer): JsonWebKey {
  const reader = new ByteReader(blob, 'a public key');
  if (reader.string(64).toString('latin1') !== type) throw new RangeError('another type');
  const jwk = readParts(type, reader);
  if (reader.remaining > 0) throw new RangeError('bytes behind the key');
  return jwk;
}

function readParts(type: string, reader: ByteReader): JsonWebKey {
  if (type === 'ssh-ed25519') return { kty: 'OKP', crv: 'Ed25519', x: base64url(reader.string(32)) };
  if (type === 'ssh-rsa') {
    const e = reader.string(MAX_BLOB_BYTES);
    return { kty: 'RSA', e: base64url(e), n: base64url(withoutZeros(reader.string(MAX_BLOB_BYTES))) };
  }
  const name = reader.string(64).toString('latin1');
  const [crv, bytes] = curves[name] ?? [];
  const point = reader.string(MAX_BLOB_BYTES);
  if (crv === undefined || bytes === undefined || type !== `ecdsa-sha2-${name}`) throw new RangeError('another curve');
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) throw new RangeError('not an uncompressed point');
  return { kty: 'EC', crv, x: base64url(point.subarray(1, 1 + bytes)), y: base64url(point.subarray(1 + bytes)) };
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function withoutZeros(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(Math.max(first, 0));
}

/** The fingerprint of a public key blob as OpenSSH shows it: `SHA256:` and base64 without padding. */
export function keyFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
