import type { KeyLookup, TrustedKey } from '../../images/types.ts';
import type { Certificate } from '../../images/x509/certificate.ts';
import { noPurpose } from './description.ts';

/** A certificate whose key is trusted, and where it came from. */
export interface Pinned {
  readonly path: string;
  readonly certificate: Certificate;
}

/** Trusts the keys of certificates, each for its own type and version. @throws {FileError} a certificate that does not say them */
export function lookupOf(pinned: readonly Pinned[]): KeyLookup {
  const keys = pinned.map(({ path, certificate }): TrustedKey => {
    const { purpose, publicKey } = certificate;
    if (purpose === undefined) throw noPurpose(path);
    return { ...purpose, spki: publicKey.spki, state: 'valid' };
  });
  return {
    keys: (type, version) => keys.filter((key) => key.type === type && key.version === version),
    floor: () => undefined,
  };
}
