import { ImageError } from '../base/errors.ts';
import { readDigestIdentifier } from './algorithms/digests.ts';
import { checkSignatureIdentifier } from './algorithms/signatures.ts';
import { readSignedAttributes, type SignedAttributes } from './cms/attributes.ts';
import { readSignedData } from './cms/signed-data.ts';
import type { SignerInfo } from './cms/signer-info.ts';
import { MAX_ENVELOPE_BYTES } from './footer.ts';
import type { BundledKey, DigestName, ImageInfo } from './types.ts';
import { type Certificate, readCertificate } from './x509/certificate.ts';

/** A signer as the envelope shows it. Nothing of it is trusted. */
export interface EnvelopeSigner extends SignedAttributes {
  readonly certificate: Certificate;
  readonly signerInfo: SignerInfo;
}

/** An envelope that keeps to the format. Nothing of it is trusted: no signature was checked. */
export interface Envelope {
  readonly bytes: Uint8Array;
  readonly digest: DigestName;
  /** As all signers have it. */
  readonly payloadDigest: Uint8Array;
  /** In the order in which they stand; at least one. Their imageInfo differs in the key version at most. */
  readonly signers: readonly EnvelopeSigner[];
  /** In the order of `bundledKeys`. */
  readonly bundledCertificates: readonly Certificate[];
}

function readSigner(signerInfo: SignerInfo, certificates: readonly Certificate[]): EnvelopeSigner {
  const [certificate, another] = certificates.filter(
    ({ issuerAndSerial }) => Buffer.compare(issuerAndSerial, signerInfo.issuerAndSerial) === 0,
  );
  if (certificate === undefined) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the certificate of a signer is missing');
  }
  if (another !== undefined) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'two certificates with one issuer and serial number', {
      cure: 'make the key and its certificate anew',
    });
  }
  const digest = readDigestIdentifier(signerInfo.digestAlgorithm);
  checkSignatureIdentifier(certificate.publicKey, digest, signerInfo.signatureAlgorithm);
  const attributes = readSignedAttributes(signerInfo.signedAttributes, signerInfo, certificate);
  return { ...attributes, certificate, signerInfo };
}

/** Whoever counts signers counts keys. @throws {ImageError} ERR_IMAGE_SIGNERS */
export function checkDistinctKeys(certificates: readonly Certificate[]): void {
  const keys = new Set(certificates.map(({ publicKey }) => Buffer.from(publicKey.spki).toString('hex')));
  if (keys.size < certificates.length) {
    throw new ImageError('', 'ERR_IMAGE_SIGNERS', 'the same key has signed twice');
  }
}

/** All of it but the key version: what signers must agree in. */
function common(info: ImageInfo): string {
  return JSON.stringify({ ...info, keyVersion: '' });
}

function checkAgreement(signers: readonly EnvelopeSigner[], digestAlgorithm: Uint8Array): EnvelopeSigner {
  const [first, ...others] = signers;
  if (first === undefined) throw new ImageError('', 'ERR_IMAGE_SIGNERS', 'no signer');
  for (const { signerInfo } of signers) {
    if (Buffer.compare(signerInfo.digestAlgorithm, digestAlgorithm) !== 0) {
      throw new ImageError('', 'ERR_IMAGE_ALGORITHM', 'the digest of a signer is not that of the envelope');
    }
  }
  for (const { info, payloadDigest } of others) {
    if (common(info) !== common(first.info) || Buffer.compare(payloadDigest, first.payloadDigest) !== 0) {
      throw new ImageError('', 'ERR_IMAGE_SIGNERS', 'the signers have not signed the same');
    }
  }
  checkDistinctKeys(signers.map(({ certificate }) => certificate));
  return first;
}

function findBundledKey({ sha256, type, version }: BundledKey, certificates: readonly Certificate[]): Certificate {
  const found = certificates.find((certificate) => Buffer.from(certificate.sha256).toString('hex') === sha256);
  if (found === undefined) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the certificate of a bundled key is missing');
  }
  const { purpose } = found;
  if (purpose !== undefined && (purpose.type !== type || purpose.version !== version)) {
    throw new ImageError(
      '',
      'ERR_IMAGE_CERTIFICATE',
      'the certificate of a bundled key is for another type or version',
    );
  }
  return found;
}

/** Finds the certificate of each new key, and checks that what it says about the key is what was signed. */
function findBundled({ bundledKeys }: ImageInfo, certificates: readonly Certificate[]): Certificate[] {
  const found = bundledKeys.map((key) => findBundledKey(key, certificates));
  const keys = new Set(found.map(({ publicKey }) => Buffer.from(publicKey.spki).toString('hex')));
  if (keys.size < found.length) throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'a bundled key comes twice');
  return found;
}

/**
 * Reads an envelope and holds it against the format: everything but whether a signature is right and a key is known.
 * Each certificate in it must be that of a signer or that of a bundled key.
 *
 * @throws {ImageError} with the code of what is wrong
 */
export function readEnvelope(cms: Uint8Array): Envelope {
  // What is given back lies in these octets: they must stay as they are, whatever becomes of the caller's.
  const bytes = Uint8Array.from(cms.subarray(0, MAX_ENVELOPE_BYTES + 1));
  const signedData = readSignedData(bytes);
  const digest = readDigestIdentifier(signedData.digestAlgorithm);
  const certificates = signedData.certificates.map(readCertificate);
  const signers = signedData.signers.map((signer) => readSigner(signer, certificates));
  const { info, payloadDigest } = checkAgreement(signers, signedData.digestAlgorithm);
  const bundledCertificates = findBundled(info, certificates);
  const used = new Set([...signers.map(({ certificate }) => certificate), ...bundledCertificates]);
  if (used.size !== signers.length + bundledCertificates.length) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the certificate of a signer is the one of a bundled key too');
  }
  if (used.size !== certificates.length) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'a certificate that belongs to no signer and no bundled key');
  }
  return { bytes, digest, payloadDigest, signers, bundledCertificates };
}
