import { ImageError } from '../../base/errors.ts';
import { isPublishedKey } from '../algorithms/published-keys.ts';
import type { ImageInfo, KeyLookup, KeyType, TrustedKey } from '../types.ts';
import { verifyEnvelope } from '../verify-envelope.ts';
import { readCertificate } from '../x509/certificate.ts';

/** What an envelope says once its signatures have been checked. */
export interface ProvenEnvelope {
  readonly info: ImageInfo;
  /** Those whose key is known and valid, and whose signature is right: one at least, those of the newest version that has enough of them in front. */
  readonly signers: readonly { readonly key: TrustedKey }[];
}

/** What a key storage needs to know of envelopes and certificates. */
export interface ProofVerifier {
  /**
   * Verifies an envelope (CMS, DER) by these keys. Its payload is not needed.
   *
   * @throws {ImageError}
   */
  verifyEnvelope(envelope: Uint8Array, keys: KeyLookup): ProvenEnvelope | Promise<ProvenEnvelope>;
  /**
   * The SubjectPublicKeyInfo (DER) of a certificate whose key may sign images.
   *
   * @throws {ImageError}
   */
  publicKeyOf(certificate: Uint8Array): Uint8Array;
  /** What a certificate says its key is for, where it does. */
  purposeOf(certificate: Uint8Array): { readonly type: KeyType; readonly version: string } | undefined;
}

/** Verifies what images have. */
export const envelopeProofs: ProofVerifier = {
  verifyEnvelope: (envelope, keys) => verifyEnvelope(envelope, keys, {}),
  publicKeyOf: (certificate) => readCertificate(certificate).publicKey.spki,
  purposeOf: (certificate) => readCertificate(certificate).purpose,
};

/** @throws {ImageError} ERR_KEY_VERSION where a certificate says that its key is for something else */
export function checkPurpose(
  certificate: Uint8Array,
  { type, version }: { readonly type: KeyType; readonly version: string },
  verifier: ProofVerifier,
): void {
  const purpose = verifier.purposeOf(certificate);
  if (purpose === undefined || (purpose.type === type && purpose.version === version)) return;
  const own = `${purpose.type} key version ${purpose.version}`;
  throw new ImageError('', 'ERR_KEY_VERSION', `${type} key version ${version}: its certificate says that it is ${own}`);
}

/** @throws {ImageError} ERR_KEY_VERSION for a key that anybody can sign with: what it has signed would be refused anyway */
export function refusePublished(
  spki: Uint8Array,
  { type, version }: { readonly type: KeyType; readonly version: string },
): void {
  if (!isPublishedKey(spki)) return;
  throw new ImageError('', 'ERR_KEY_VERSION', `${type} key version ${version}: its private half is published`, {
    cure: 'make a key of your own: sealift image keygen',
  });
}
