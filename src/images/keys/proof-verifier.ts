import type { ImageInfo, KeyLookup, TrustedKey } from '../types.ts';

/** What an envelope says once its signatures have been checked. */
export interface ProvenEnvelope {
  readonly info: ImageInfo;
  /** Those whose key is known and valid, and whose signature is right: one at least. */
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
}
