import { ImageError } from '../base/errors.ts';
import { isPublishedKey } from './algorithms/published-keys.ts';
import { verifySignature } from './algorithms/signatures.ts';
import { ANY_PRODUCT } from './image-info.ts';
import { keyTypeFor, keyTypes } from './image-types.ts';
import { type Envelope, type EnvelopeSigner, readEnvelope } from './read-envelope.ts';
import type {
  ImageInfo,
  ImagePolicy,
  KeyLookup,
  KeyType,
  TrustedKey,
  VerifiedEnvelope,
  VerifiedSigner,
} from './types.ts';

/** What became of a signer: it counts, or why it does not. */
type Standing =
  | { readonly counts: true; readonly key: TrustedKey }
  | { readonly counts: false; readonly revoked: boolean };

/** The record of a signer's key as one of a type and of the version that was signed. Of several records the one that revokes it. */
function findKey({ certificate, info }: EnvelopeSigner, type: KeyType, lookup: KeyLookup): TrustedKey | undefined {
  const records = lookup
    .keys(type, info.keyVersion)
    .filter(
      (key) =>
        key.type === type &&
        key.version === info.keyVersion &&
        Buffer.compare(certificate.publicKey.spki, key.spki) === 0,
    );
  return records.find(({ state }) => state !== 'valid') ?? records[0];
}

/** A key that is known for other images only must not have signed this one. */
function refuseOtherType(signer: EnvelopeSigner, lookup: KeyLookup): void {
  const { type } = signer.info;
  const allowed = keyTypeFor(type);
  for (const other of keyTypes) {
    if (other === allowed) continue;
    if (findKey(signer, other, lookup) !== undefined) {
      throw new ImageError('', 'ERR_IMAGE_KEY_TYPE', `a key of type ${other} may not sign an image of type ${type}`);
    }
  }
}

/**
 * Looks up the key that a signer claims to have, and checks the signature with it.
 *
 * @throws {ImageError} where the key is known and the signature is wrong, or the key is known for another type, or to everybody
 */
function judge(signer: EnvelopeSigner, digest: Envelope['digest'], lookup: KeyLookup): Standing {
  const { type, keyVersion } = signer.info;
  const keyType = keyTypeFor(type);
  const key = findKey(signer, keyType, lookup);
  if (key === undefined) {
    refuseOtherType(signer, lookup);
    return { counts: false, revoked: false };
  }
  const floor = lookup.floor(keyType);
  if (key.state !== 'valid' || (floor !== undefined && keyVersion < floor)) return { counts: false, revoked: true };
  if (isPublishedKey(key.spki)) {
    throw new ImageError('', 'ERR_IMAGE_UNKNOWN_KEY', 'it is signed with a key that is published: anybody has it', {
      cure: 'revoke the key, and sign with one of your own',
    });
  }
  const { signedAttributes, signature } = signer.signerInfo;
  if (!verifySignature(signer.certificate.publicKey, digest, signedAttributes, signature)) {
    throw new ImageError('', 'ERR_IMAGE_SIGNATURE', `the signature of ${keyType} key version ${keyVersion} is wrong`, {
      cure: 'get the file once more',
    });
  }
  return { counts: true, key };
}

interface Counted {
  readonly signer: EnvelopeSigner;
  readonly verified: VerifiedSigner;
}

function describe(signer: EnvelopeSigner, key: TrustedKey, digest: Envelope['digest']): VerifiedSigner {
  const { name, serialNumber, publicKey, notBefore, notAfter } = signer.certificate;
  return { key, name, serialNumber, digest, signatureAlgorithm: publicKey.title, notBefore, notAfter };
}

function refuseUnknown({ type, keyVersion }: ImageInfo): ImageError {
  const reason = `it is signed with a ${keyTypeFor(type)} key version ${keyVersion} that is not known here`;
  return new ImageError('', 'ERR_IMAGE_UNKNOWN_KEY', reason, {
    cure: 'get the image from who signs for this device, or add the key to the key storage',
  });
}

function refuseRevoked({ type, keyVersion }: ImageInfo): ImageError {
  const reason = `it is signed with ${keyTypeFor(type)} key version ${keyVersion}, which is revoked`;
  return new ImageError('', 'ERR_IMAGE_REVOKED_KEY', reason, { cure: 'get an image that is signed with a newer key' });
}

/**
 * Those that count, the newest key version with enough of them in front. Keys are distinct already: no key may sign twice.
 *
 * @throws {ImageError} ERR_IMAGE_UNKNOWN_KEY, ERR_IMAGE_REVOKED_KEY, ERR_IMAGE_SIGNERS
 */
function countSigners(envelope: Envelope, lookup: KeyLookup, minSigners: number): readonly Counted[] {
  const standings = envelope.signers.map((signer) => ({ signer, standing: judge(signer, envelope.digest, lookup) }));
  const counted = standings.flatMap(({ signer, standing }) =>
    standing.counts ? [{ signer, verified: describe(signer, standing.key, envelope.digest) }] : [],
  );
  if (counted.length === 0) {
    const revoked = standings.find(({ standing }) => !standing.counts && standing.revoked);
    throw revoked === undefined
      ? refuseUnknown((envelope.signers[0] as EnvelopeSigner).info)
      : refuseRevoked(revoked.signer.info);
  }
  const versions = [...new Set(counted.map(({ verified }) => verified.key.version))].sort().reverse();
  const of = (version: string): Counted[] => counted.filter(({ verified }) => verified.key.version === version);
  const enough = versions.find((version) => of(version).length >= minSigners);
  if (enough === undefined) {
    const most = Math.max(...versions.map((version) => of(version).length));
    throw new ImageError(
      '',
      'ERR_IMAGE_SIGNERS',
      `${most} of the ${minSigners} signers of one key version that it needs`,
    );
  }
  return [...of(enough), ...counted.filter(({ verified }) => verified.key.version !== enough)];
}

/** @throws {ImageError} ERR_IMAGE_PRODUCT, ERR_IMAGE_POLICY, ERR_IMAGE_COUNTER */
function checkPolicy(info: ImageInfo, { product, types, minCounter, maxSize }: ImagePolicy): void {
  if (product !== undefined && info.product !== product && info.product !== ANY_PRODUCT) {
    throw new ImageError('', 'ERR_IMAGE_PRODUCT', `it is for ${info.product}, not for ${product}`);
  }
  if (types !== undefined && !types.includes(info.type)) {
    throw new ImageError('', 'ERR_IMAGE_POLICY', `images of type ${info.type} are not taken here`);
  }
  if (maxSize !== undefined && info.size > maxSize) {
    throw new ImageError(
      '',
      'ERR_IMAGE_POLICY',
      `its ${info.size} bytes are more than the ${maxSize} that are taken here`,
    );
  }
  const least = minCounter?.(info.type, info.keyVersion) ?? 0;
  if (info.counter < least) {
    throw new ImageError('', 'ERR_IMAGE_COUNTER', `its security counter ${info.counter} is lower than ${least}`, {
      cure: 'get a newer image',
    });
  }
}

/**
 * Verifies everything but the payload: that the envelope keeps to the format, that enough keys of one version that are
 * known and valid have signed it, and that the policy takes what they signed. Looks at no clock.
 *
 * @param cms ContentInfo, DER: an envelope as it stands in an image.
 * @throws {ImageError} with the code of what is wrong
 * @throws {RangeError} where the policy asks for no signer
 */
export function verifyEnvelope(cms: Uint8Array, lookup: KeyLookup, policy: ImagePolicy): VerifiedEnvelope {
  const minSigners = policy.minSigners ?? 1;
  if (!(minSigners >= 1)) throw new RangeError('minSigners: at least one signer is needed');
  const envelope = readEnvelope(cms);
  const keyType = keyTypeFor((envelope.signers[0] as EnvelopeSigner).info.type);
  const counted = countSigners(envelope, lookup, Math.max(minSigners, lookup.minSigners?.(keyType) ?? 1));
  const { info } = (counted[0] as Counted).signer;
  checkPolicy(info, policy);
  return {
    info,
    signers: counted.map(({ verified }) => verified),
    signedDigest: envelope.payloadDigest,
    digest: envelope.digest,
    envelope: envelope.bytes,
    bundledCertificates: envelope.bundledCertificates.map(({ bytes }) => bytes),
    warnings: [],
  };
}
