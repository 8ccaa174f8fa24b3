import { FileError } from '../../base/errors.ts';
import type { KeyLookup, TrustedKey } from '../../images/types.ts';
import type { Certificate } from '../../images/x509/certificate.ts';

/** A certificate whose key is trusted, and where it came from. */
export interface Pinned {
  readonly path: string;
  readonly certificate: Certificate;
}

/** Trusts the keys of certificates, each for its own type and version. @throws {FileError} a certificate that does not say them */
export function lookupOf(pinned: readonly Pinned[]): KeyLookup {
  const keys = pinned.map(({ path, certificate }): TrustedKey => {
    const { purpose, publicKey } = certificate;
    if (purpose === undefined)
      throw new FileError(path, 'read', 'ERR_CONFIG', {
        reason: 'the certificate does not say the type and version of its key',
        cure: 'make it with sealift image keygen, or put the key into a key storage',
      });
    return { ...purpose, spki: publicKey.spki, state: 'valid' };
  });
  return {
    keys: (type, version) => keys.filter((key) => key.type === type && key.version === version),
    floor: () => undefined,
  };
}
