import { Oid } from '../oids.ts';
import type { DigestName } from '../types.ts';

/** What kind of key it is. The kind decides how it signs. */
export type KeyAlgorithm = 'rsa' | 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87';

/** The object identifiers by which a curve of RFC 5480 or an algorithm without parameters is known. */
export const namedCurves: ReadonlyMap<string, { readonly algorithm: KeyAlgorithm; readonly coordinateBytes: number }> =
  new Map([
    [Oid.p256, { algorithm: 'ecdsa-p256', coordinateBytes: 32 }],
    [Oid.p384, { algorithm: 'ecdsa-p384', coordinateBytes: 48 }],
  ]);

/** Keys that are a string of octets and whose identifier has no parameters: RFC 8410, 3; RFC 9881, 2 and 4. */
export const plainKeys: ReadonlyMap<
  string,
  {
    readonly algorithm: KeyAlgorithm;
    readonly keyBytes: number;
    readonly signatureBytes: number;
    readonly title: string;
  }
> = new Map([
  [Oid.ed25519, { algorithm: 'ed25519', keyBytes: 32, signatureBytes: 64, title: 'Ed25519' }],
  [Oid.mlDsa44, { algorithm: 'ml-dsa-44', keyBytes: 1312, signatureBytes: 2420, title: 'ML-DSA-44' }],
  [Oid.mlDsa65, { algorithm: 'ml-dsa-65', keyBytes: 1952, signatureBytes: 3309, title: 'ML-DSA-65' }],
  [Oid.mlDsa87, { algorithm: 'ml-dsa-87', keyBytes: 2592, signatureBytes: 4627, title: 'ML-DSA-87' }],
]);

/** Whether keys of this kind sign the attributes themselves and not a hash of them: then the digest of the payload must be SHA-512 (RFC 8419, 3.1; RFC 9882, 3.3). */
export function signsWithoutHash(algorithm: KeyAlgorithm): boolean {
  return algorithm === 'ed25519' || algorithm.startsWith('ml-dsa-');
}

/** The digests of a payload that go with a kind of key. */
export function digestsOf(algorithm: KeyAlgorithm): readonly DigestName[] {
  return signsWithoutHash(algorithm) ? ['sha512'] : ['sha512', 'sha384', 'sha256'];
}
