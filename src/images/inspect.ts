import { printable } from '../base/printable.ts';
import { digestTitle, hashOf } from './algorithms/digests.ts';
import { type ImageFile, readImageParts } from './image-file.ts';
import { type EnvelopeSigner, readEnvelope } from './read-envelope.ts';
import type { DigestName, ImageType, SignerName } from './types.ts';
import { named } from './verified.ts';
import { checkSize } from './verify-file.ts';
import type { Certificate } from './x509/certificate.ts';

/** A certificate of an envelope, in plain data. Texts are printable, digests and times are text. */
export interface InspectedCertificate {
  readonly name: SignerName;
  readonly serialNumber: string;
  readonly signatureAlgorithm: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly certificateSha256: string;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly publicKeySha256: string;
}

export interface InspectedSigner extends InspectedCertificate {
  readonly keyVersion: string;
  readonly signingTime: string;
}

export interface InspectedKey extends InspectedCertificate {
  readonly type: string;
  readonly keyVersion: string;
}

/** What an envelope says, in plain data that goes into JSON. No signature was checked, no key looked up. */
export interface InspectedImage {
  readonly type: ImageType;
  readonly product: string;
  readonly name: string;
  readonly version: string;
  readonly counter: number;
  readonly size: number;
  readonly minLoader?: string;
  readonly digest: DigestName;
  readonly hashAlgorithm: string;
  readonly payloadDigest: string;
  readonly envelopeBytes: number;
  readonly signers: readonly InspectedSigner[];
  readonly bundledKeys: readonly InspectedKey[];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function inspectCertificate(certificate: Certificate): InspectedCertificate {
  const { name, publicKey } = certificate;
  return {
    name: {
      commonName: printable(name.commonName),
      organizationalUnit: printable(name.organizationalUnit),
      organization: printable(name.organization),
    },
    serialNumber: certificate.serialNumber,
    signatureAlgorithm: publicKey.title,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    certificateSha256: hex(certificate.sha256),
    publicKeySha256: hex(hashOf('sha256', publicKey.spki)),
  };
}

function inspectSigner({ certificate, info, signingTime }: EnvelopeSigner): InspectedSigner {
  return {
    ...inspectCertificate(certificate),
    keyVersion: info.keyVersion,
    signingTime: signingTime.toISOString(),
  };
}

/**
 * Says what is in an envelope, without deciding anything about trust.
 *
 * @throws {ImageError} where it breaks the format
 */
export function inspectEnvelope(cms: Uint8Array): InspectedImage {
  const envelope = readEnvelope(cms);
  const { info } = envelope.signers[0] as EnvelopeSigner;
  return {
    type: info.type,
    product: info.product,
    name: info.name,
    version: info.version,
    counter: info.counter,
    size: info.size,
    ...(info.minLoader === undefined ? {} : { minLoader: info.minLoader }),
    digest: envelope.digest,
    hashAlgorithm: digestTitle(envelope.digest),
    payloadDigest: hex(envelope.payloadDigest),
    envelopeBytes: cms.length,
    signers: envelope.signers.map(inspectSigner),
    bundledKeys: info.bundledKeys.map(({ type, version }, index) => ({
      type,
      keyVersion: version,
      ...inspectCertificate(envelope.bundledCertificates[index] as Certificate),
    })),
  };
}

/**
 * Says what is in the envelope of an image. Reads nothing of its payload.
 *
 * @param name how messages name it; default: the path of the file.
 * @throws {ImageError}
 * @throws {FileError}
 */
export async function inspectImageFile(file: ImageFile, name: string = file.path): Promise<InspectedImage> {
  try {
    const parts = await readImageParts(file);
    const inspected = inspectEnvelope(parts.envelope);
    checkSize(inspected.size, parts.payloadBytes);
    return inspected;
  } catch (error) {
    throw named(error, name);
  }
}
