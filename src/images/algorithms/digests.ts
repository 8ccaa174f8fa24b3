import { createHash, type Hash } from 'node:crypto';
import { ImageError } from '../../base/errors.ts';
import { DerReader } from '../der/reader.ts';
import { objectIdentifier, sequence } from '../der/writer.ts';
import { Oid } from '../oids.ts';
import type { DigestName } from '../types.ts';

/** The digest that is taken where nobody says otherwise. */
export const DEFAULT_DIGEST: DigestName = 'sha512';

const digests: Readonly<Record<DigestName, { readonly oid: string; readonly bytes: number; readonly title: string }>> =
  {
    sha256: { oid: Oid.sha256, bytes: 32, title: 'SHA256' },
    sha384: { oid: Oid.sha384, bytes: 48, title: 'SHA384' },
    sha512: { oid: Oid.sha512, bytes: 64, title: 'SHA512' },
  };

/** The names of all digests that an envelope may have. */
export const digestNames: readonly DigestName[] = ['sha256', 'sha384', 'sha512'];

/** How many octets a digest has. */
export function digestBytes(digest: DigestName): number {
  return digests[digest].bytes;
}

/** How displays name a digest: `SHA512`. */
export function digestTitle(digest: DigestName): string {
  return digests[digest].title;
}

export function newHash(digest: DigestName): Hash {
  return createHash(digest);
}

export function hashOf(digest: DigestName, bytes: Uint8Array): Uint8Array {
  return createHash(digest).update(bytes).digest();
}

/** The AlgorithmIdentifier of a digest: parameters are absent (RFC 5754, 2). */
export function digestIdentifier(digest: DigestName): Uint8Array {
  return sequence(objectIdentifier(digests[digest].oid));
}

/** Which digest an AlgorithmIdentifier names. @throws {ImageError} ERR_IMAGE_ALGORITHM */
export function readDigestIdentifier(identifier: Uint8Array): DigestName {
  const found = digestNames.find((name) => Buffer.compare(digestIdentifier(name), identifier) === 0);
  if (found !== undefined) return found;
  const oid = new DerReader(identifier, 'digest algorithm', 'ERR_IMAGE_ALGORITHM').enter(0x30).oid();
  const known = digestNames.find((name) => digests[name].oid === oid);
  const reason = known === undefined ? `digest algorithm ${oid} is not allowed` : `${known} with parameters`;
  throw new ImageError('', 'ERR_IMAGE_ALGORITHM', reason, {
    cure: 'use SHA-512, SHA-384 or SHA-256 without parameters',
  });
}
