import type { KeyObject } from 'node:crypto';
import { ImageError } from '../base/errors.ts';
import { DEFAULT_DIGEST, digestIdentifier, newHash, readDigestIdentifier } from './algorithms/digests.ts';
import { publicKeyOf } from './algorithms/private-key.ts';
import { checkSignatureIdentifier, createSignature, signatureIdentifier } from './algorithms/signatures.ts';
import { readProtectedAlgorithms, readSignedAttributes, writeSignedAttributes } from './cms/attributes.ts';
import { writeSignedData } from './cms/signed-data.ts';
import { writeSignerInfo } from './cms/signer-info.ts';
import { encodeFooter } from './footer.ts';
import { keyTypeFor, nameWarning } from './image-types.ts';
import { checkDistinctKeys } from './read-envelope.ts';
import type { DigestName, ImageInfo, KeyLookup, VerifiedEnvelope } from './types.ts';
import { dateWarnings } from './verified.ts';
import { verifyEnvelope } from './verify-envelope.ts';
import type { Certificate } from './x509/certificate.ts';
import type { KeyPurpose } from './x509/extensions.ts';

/** What the signers say about an image; what follows from payload, certificates and keys is not asked for. */
export type ImageDescription = Omit<ImageInfo, 'fmt' | 'keyVersion' | 'size' | 'bundledKeys'>;

/** A new key that comes with an image. */
export interface NewKey {
  readonly certificate: Certificate;
  /** Needed where the certificate does not say it. */
  readonly purpose?: KeyPurpose | undefined;
}

/** A payload, hashed. */
export interface PayloadDigest {
  readonly digest: DigestName;
  readonly value: Uint8Array;
  readonly size: number;
}

/** What is about to be signed. */
export interface SigningRequest {
  readonly payload: PayloadDigest;
  readonly description: ImageDescription;
  readonly newKeys?: readonly NewKey[] | undefined;
  /** Default: now. For information only. */
  readonly signingTime?: Date | undefined;
}

/** Who signs: the key is not needed to say what is signed. */
export interface SigningCertificate {
  readonly certificate: Certificate;
  /** Needed where the certificate does not say it. */
  readonly keyVersion?: string | undefined;
}

/** What one signer has signed, and how. */
export interface SignedPart {
  readonly certificate: Certificate;
  /** SET OF Attribute, DER. */
  readonly attributes: Uint8Array;
  readonly signature: Uint8Array;
}

/** An image is its payload, then the envelope, then the footer. */
export interface SignedImage {
  readonly envelope: Uint8Array;
  readonly footer: Uint8Array;
  readonly info: ImageInfo;
  readonly digest: DigestName;
  readonly payloadDigest: Uint8Array;
  /** What is worth saying and was no reason not to sign. */
  readonly warnings: readonly string[];
}

/** Hashes a payload, so that it can be signed. @throws what the source throws */
export async function digestPayload(
  payload: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  digest: DigestName = DEFAULT_DIGEST,
): Promise<PayloadDigest> {
  const hash = newHash(digest);
  let size = 0;
  for await (const chunk of payload) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest, value: hash.digest(), size };
}

function purposeOf({ certificate, purpose = certificate.purpose }: NewKey): KeyPurpose {
  if (purpose !== undefined) return purpose;
  throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the certificate of a new key does not say its type and version', {
    cure: 'say them',
  });
}

function versionOf({ certificate, keyVersion }: SigningCertificate, description: ImageDescription): string {
  const { purpose } = certificate;
  const needed = keyTypeFor(description.type);
  if (purpose !== undefined && purpose.type !== needed) {
    const reason = `a key of type ${purpose.type} may not sign an image of type ${description.type}`;
    throw new ImageError('', 'ERR_IMAGE_KEY_TYPE', reason, { cure: `sign with a ${needed} key` });
  }
  if (purpose !== undefined && keyVersion !== undefined && purpose.version !== keyVersion) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', `the certificate is for key version ${purpose.version}`);
  }
  const version = keyVersion ?? purpose?.version;
  if (version !== undefined) return version;
  throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the certificate does not say its key version', { cure: 'say it' });
}

/**
 * Makes what a signer signs: SET OF Attribute, DER. An HSM or a signing room signs these octets, with the digest of the
 * request (RSA, ECDSA) or as they are (Ed25519, ML-DSA).
 *
 * @throws {ImageError} where such an image would be refused: a key of the wrong type, an algorithm, the description
 */
export function exportAttributes(request: SigningRequest, signer: SigningCertificate): Uint8Array {
  const { payload, description, newKeys = [], signingTime = new Date() } = request;
  const { publicKey } = signer.certificate;
  const algorithms = {
    digestAlgorithm: digestIdentifier(payload.digest),
    signatureAlgorithm: signatureIdentifier(publicKey, payload.digest),
  };
  checkSignatureIdentifier(publicKey, payload.digest, algorithms.signatureAlgorithm);
  const info = {
    ...description,
    fmt: 1,
    keyVersion: versionOf(signer, description),
    size: payload.size,
    bundledKeys: newKeys.map((key) => {
      const { type, version } = purposeOf(key);
      return { type, version, sha256: Buffer.from(key.certificate.sha256).toString('hex') };
    }),
  } as ImageInfo;
  return writeSignedAttributes({ payloadDigest: payload.value, signingTime, info }, algorithms, signer.certificate);
}

/** What attributes say that were exported before. @throws {ImageError} where they are not for this certificate, or broken */
export function readExportedAttributes(
  attributes: Uint8Array,
  certificate: Certificate,
): { readonly info: ImageInfo; readonly payload: PayloadDigest } {
  const algorithms = readProtectedAlgorithms(attributes);
  const { info, payloadDigest } = readSignedAttributes(attributes, algorithms, certificate);
  const digest = readDigestIdentifier(algorithms.digestAlgorithm);
  return { info, payload: { digest, value: payloadDigest, size: info.size } };
}

/** The envelope is verified with the keys of its own certificates: what would be refused is not given out. */
function verifyOwn(envelope: Uint8Array, parts: readonly SignedPart[]): VerifiedEnvelope {
  const spkis = parts.map(({ certificate }) => certificate.publicKey.spki);
  const lookup: KeyLookup = {
    keys: (type, version) => spkis.map((spki) => ({ type, version, spki, state: 'valid' as const })),
    floor: () => undefined,
  };
  return verifyEnvelope(envelope, lookup, {});
}

/**
 * Puts an image together from what its signers have signed, and verifies it.
 *
 * @param payload what the image is going to have as its payload.
 * @param newKeys certificates of the keys that the attributes bundle.
 * @throws {ImageError} with the code of what is wrong: a signature, the payload, a certificate
 */
export function attachSignatures(
  payload: PayloadDigest,
  parts: readonly SignedPart[],
  newKeys: readonly Certificate[] = [],
): SignedImage {
  checkDistinctKeys(parts.map(({ certificate }) => certificate));
  const signers = parts.map(({ certificate, attributes, signature }) =>
    writeSignerInfo({
      ...readProtectedAlgorithms(attributes),
      issuerAndSerial: certificate.issuerAndSerial,
      signedAttributes: attributes,
      signature,
    }),
  );
  const certificates = [...parts.map(({ certificate }) => certificate), ...newKeys].map(({ bytes }) => bytes);
  const envelope = writeSignedData(digestIdentifier(payload.digest), certificates, signers);
  const verified = verifyOwn(envelope, parts);
  const { info, digest, signedDigest } = verified;
  if (info.size !== payload.size || Buffer.compare(signedDigest, payload.value) !== 0) {
    throw new ImageError('', 'ERR_IMAGE_DIGEST', 'the payload is not the one whose attributes were signed');
  }
  const aboutName = nameWarning(
    info.name,
    info.type,
    verified.signers.map(({ key }) => key.version),
  );
  return {
    envelope,
    footer: encodeFooter({ payloadBytes: payload.size, envelopeBytes: envelope.length }),
    info,
    digest,
    payloadDigest: payload.value,
    warnings: aboutName === undefined ? [] : [aboutName],
  };
}

/** Who signs, with the key at hand. */
export interface ImageSigner extends SigningCertificate {
  readonly privateKey: KeyObject;
}

/** Signs attributes with a key that must be the one of the certificate. @throws {ImageError} ERR_IMAGE_CERTIFICATE */
export function signAttributes(attributes: Uint8Array, { certificate, privateKey }: ImageSigner): SignedPart {
  if (Buffer.compare(publicKeyOf(privateKey).spki, certificate.publicKey.spki) !== 0) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the private key is not the one of the certificate');
  }
  const digest = readDigestIdentifier(readProtectedAlgorithms(attributes).digestAlgorithm);
  const signature = createSignature(certificate.publicKey, privateKey, digest, attributes);
  return { certificate, attributes, signature };
}

/**
 * Signs a payload that was hashed with {@link digestPayload}, with one key or several.
 *
 * @example
 * const payload = await digestPayload(createReadStream('app.js'));
 * const image = signImage({ payload, description }, [{ certificate, privateKey }]);
 * // app.SPA is the payload, image.envelope, image.footer
 * @throws {ImageError} where such an image would be refused. An expired certificate is a warning.
 */
export function signImage(request: SigningRequest, signers: readonly ImageSigner[]): SignedImage {
  const { signingTime = new Date() } = request;
  const parts = signers.map((signer) => signAttributes(exportAttributes({ ...request, signingTime }, signer), signer));
  const newKeys = (request.newKeys ?? []).map(({ certificate }) => certificate);
  const image = attachSignatures(request.payload, parts, newKeys);
  const certificates = signers.map(({ certificate }) => certificate);
  return { ...image, warnings: [...image.warnings, ...dateWarnings(certificates, signingTime)] };
}
