import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { ImageError } from '../../base/errors.ts';
import { checkDer } from '../der/check.ts';
import { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { derNull, objectIdentifier, sequence } from '../der/writer.ts';
import { Oid } from '../oids.ts';
import type { DigestName } from '../types.ts';
import { digestsOf, namedCurves, plainKeys, signsWithoutHash } from './key-algorithms.ts';
import { importPublicKey, type PublicKey } from './public-key.ts';

const rsaWith: Readonly<Record<DigestName, string>> = {
  sha256: Oid.sha256WithRsa,
  sha384: Oid.sha384WithRsa,
  sha512: Oid.sha512WithRsa,
};

const ecdsaWith: Readonly<Record<DigestName, string>> = {
  sha256: Oid.ecdsaWithSha256,
  sha384: Oid.ecdsaWithSha384,
  sha512: Oid.ecdsaWithSha512,
};

function plainOid({ algorithm }: PublicKey): string {
  for (const [oid, plain] of plainKeys) if (plain.algorithm === algorithm) return oid;
  throw new TypeError(`${algorithm} has parameters`);
}

/**
 * The identifier of a signature that also names the digest, as certificates have it: RFC 4055, 5 and RFC 5754, 3.2
 * (NULL), RFC 5754, 3.3, RFC 8410, 3 and RFC 9881, 2 (absent).
 */
export function certificateSignatureIdentifier(key: PublicKey, digest: DigestName): Uint8Array {
  if (key.algorithm === 'rsa') return sequence(objectIdentifier(rsaWith[digest]), derNull);
  const isEcdsa = key.algorithm.startsWith('ecdsa-');
  return sequence(objectIdentifier(isEcdsa ? ecdsaWith[digest] : plainOid(key)));
}

/** The identifier that a signer of an envelope has: as in certificates, but for RSA rsaEncryption with NULL, which all must know (RFC 5754, 3.2). */
export function signatureIdentifier(key: PublicKey, digest: DigestName): Uint8Array {
  if (key.algorithm === 'rsa') return sequence(objectIdentifier(Oid.rsaEncryption), derNull);
  return certificateSignatureIdentifier(key, digest);
}

/**
 * Checks that the algorithms of a signer are those that its key decides.
 *
 * @throws {ImageError} ERR_IMAGE_ALGORITHM
 */
export function checkSignatureIdentifier(key: PublicKey, digest: DigestName, identifier: Uint8Array): void {
  if (!digestsOf(key.algorithm).includes(digest)) {
    throw new ImageError('', 'ERR_IMAGE_ALGORITHM', `${key.title} with ${digest}`, { cure: 'use SHA-512' });
  }
  const allowed = [signatureIdentifier(key, digest), certificateSignatureIdentifier(key, digest)];
  if (!allowed.some((one) => Buffer.compare(one, identifier) === 0)) {
    throw new ImageError('', 'ERR_IMAGE_ALGORITHM', `the signature algorithm is not the one of the key (${key.title})`);
  }
}

/** Ecdsa-Sig-Value (RFC 3279, 2.2.3): two numbers of the size of the curve's order, neither zero. */
function isEcdsaSignature(signature: Uint8Array, coordinateBytes: number): boolean {
  try {
    checkDer(signature);
    const reader = new DerReader(signature, 'ECDSA signature', 'ERR_IMAGE_SIGNATURE').enter(Tag.sequence);
    const numbers = [reader.unsigned(), reader.unsigned()];
    reader.end();
    return numbers.every(({ length }) => length > 0 && length <= coordinateBytes);
  } catch {
    return false;
  }
}

function hasForm({ algorithm, material }: PublicKey, signature: Uint8Array): boolean {
  if (material.kind === 'rsa') return signature.length === material.modulus.length;
  for (const curve of namedCurves.values()) {
    if (curve.algorithm === algorithm) return isEcdsaSignature(signature, curve.coordinateBytes);
  }
  for (const plain of plainKeys.values()) {
    if (plain.algorithm === algorithm) return signature.length === plain.signatureBytes;
  }
  return false;
}

function asCrypto(key: KeyObject, { algorithm }: PublicKey): { key: KeyObject; padding?: number; dsaEncoding?: 'der' } {
  if (algorithm === 'rsa') return { key, padding: constants.RSA_PKCS1_PADDING };
  return algorithm.startsWith('ecdsa-') ? { key, dsaEncoding: 'der' } : { key };
}

/**
 * Whether a signature is right: PKCS #1 v1.5 (RFC 8017, 8.2.2), ECDSA (FIPS 186-5), Ed25519 (RFC 8032) or ML-DSA
 * (FIPS 204, no context), as the key decides.
 *
 * @throws {ImageError} ERR_IMAGE_ALGORITHM where this Node cannot tell.
 */
export function verifySignature(key: PublicKey, digest: DigestName, data: Uint8Array, signature: Uint8Array): boolean {
  if (!hasForm(key, signature)) return false;
  const imported = importPublicKey(key);
  try {
    return verify(signsWithoutHash(key.algorithm) ? null : digest, data, asCrypto(imported, key), signature);
  } catch {
    return false;
  }
}

/** Signs with a private key that belongs to `key`. */
export function createSignature(
  key: PublicKey,
  privateKey: KeyObject,
  digest: DigestName,
  data: Uint8Array,
): Uint8Array {
  return sign(signsWithoutHash(key.algorithm) ? null : digest, data, asCrypto(privateKey, key));
}
