import { ImageError } from '../../base/errors.ts';
import { digestBytes, readDigestIdentifier } from '../algorithms/digests.ts';
import { checkDer, compareEncodings } from '../der/check.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, Tag } from '../der/tags.ts';
import { objectIdentifier, octetString, retagged, sequence, setOf, time, utf8String } from '../der/writer.ts';
import { decodeImageInfo, encodeImageInfo } from '../image-info.ts';
import { IMAGE_INFO_OID, Oid } from '../oids.ts';
import type { ImageInfo } from '../types.ts';
import type { Certificate } from '../x509/certificate.ts';
import { checkSigningCertificate, signingCertificate } from './signing-certificate.ts';

/** Octets of the signed attributes of one signer. */
export const MAX_ATTRIBUTES_BYTES = 8192;

/** What a signer has signed. */
export interface SignedAttributes {
  readonly payloadDigest: Uint8Array;
  readonly signingTime: Date;
  readonly info: ImageInfo;
}

/** What the attributes of a signer are held against. */
export interface SignerAlgorithms {
  /** AlgorithmIdentifiers, DER. */
  readonly digestAlgorithm: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
}

/** Each of them must be there once, with one value; no other may. */
const required: ReadonlyMap<string, string> = new Map([
  [Oid.contentType, 'contentType'],
  [Oid.messageDigest, 'messageDigest'],
  [Oid.signingTime, 'signingTime'],
  [Oid.signingCertificateV2, 'signingCertificateV2'],
  [Oid.algorithmProtection, 'CMSAlgorithmProtection'],
  [IMAGE_INFO_OID, 'imageInfo'],
]);

function refuse(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_ENVELOPE', `signed attributes: ${reason}`);
}

/** The value of each attribute (RFC 5652, 5.3 and 11), by the name of its type. */
function readValues(set: Uint8Array): ReadonlyMap<string, Uint8Array> {
  if (set.length > MAX_ATTRIBUTES_BYTES) throw refuse(`more than ${MAX_ATTRIBUTES_BYTES} octets`);
  // The order of the SET OF, which its tag in the envelope hides, is checked here.
  checkDer(set);
  const values = new Map<string, Uint8Array>();
  const attributes = new DerReader(set, 'signed attributes', 'ERR_IMAGE_ENVELOPE').enter(Tag.set);
  while (!attributes.atEnd) {
    const attribute = attributes.enter(Tag.sequence);
    const oid = attribute.oid();
    const name = required.get(oid);
    if (name === undefined) throw refuse(`${oid} is not allowed`);
    if (values.has(name)) throw refuse(`${name} comes twice`);
    const list = attribute.enter(Tag.set);
    attribute.end();
    values.set(name, list.any().bytes);
    if (!list.atEnd) throw refuse(`${name} has several values`);
  }
  return values;
}

/** CMSAlgorithmProtection (RFC 6211, 2): the algorithms once more, where they are signed. */
function algorithmProtection({ digestAlgorithm, signatureAlgorithm }: SignerAlgorithms): Uint8Array {
  return sequence(digestAlgorithm, retagged(signatureAlgorithm, contextConstructed(1)));
}

/** The algorithms that signed attributes say they are signed with. @throws {ImageError} ERR_IMAGE_ENVELOPE, ERR_IMAGE_DER */
export function readProtectedAlgorithms(set: Uint8Array): SignerAlgorithms {
  const value = readValues(set).get('CMSAlgorithmProtection');
  if (value === undefined) throw refuse('CMSAlgorithmProtection is missing');
  const fields = new DerReader(value, 'CMSAlgorithmProtection', 'ERR_IMAGE_ENVELOPE').enter(Tag.sequence);
  const digestAlgorithm = fields.element(Tag.sequence).bytes;
  const signatureAlgorithm = retagged(fields.element(contextConstructed(1)).bytes, Tag.sequence);
  fields.end();
  return { digestAlgorithm, signatureAlgorithm };
}

/**
 * Reads the signed attributes of a signer, and checks those that bind the certificate and the algorithms.
 *
 * @param set SET OF Attribute, DER.
 * @throws {ImageError} ERR_IMAGE_ENVELOPE, ERR_IMAGE_CERTIFICATE, ERR_IMAGE_ALGORITHM, ERR_IMAGE_INFO, ERR_IMAGE_DER
 */
export function readSignedAttributes(
  set: Uint8Array,
  algorithms: SignerAlgorithms,
  certificate: Certificate,
): SignedAttributes {
  const values = readValues(set);
  const read = (name: string, code: 'ERR_IMAGE_ENVELOPE' | 'ERR_IMAGE_CERTIFICATE' = 'ERR_IMAGE_ENVELOPE') => {
    const value = values.get(name);
    if (value === undefined) throw refuse(`${name} is missing`);
    return new DerReader(value, name, code);
  };
  if (read('contentType').oid() !== Oid.data) throw refuse('contentType is not data');
  const payloadDigest = read('messageDigest').octets();
  if (payloadDigest.length !== digestBytes(readDigestIdentifier(algorithms.digestAlgorithm))) {
    throw refuse('messageDigest is not as long as its algorithm says');
  }
  const signingTime = read('signingTime').time();
  checkSigningCertificate(read('signingCertificateV2', 'ERR_IMAGE_CERTIFICATE'), certificate);
  const protection = read('CMSAlgorithmProtection').element(Tag.sequence).bytes;
  if (compareEncodings(protection, algorithmProtection(algorithms)) !== 0) {
    throw new ImageError('', 'ERR_IMAGE_ALGORITHM', 'the algorithms are not those that were signed');
  }
  const info = decodeImageInfo(read('imageInfo').element(Tag.utf8String).content);
  return { payloadDigest, signingTime, info };
}

/** Writes them, sorted: SET OF Attribute, DER, which is what is signed. The inverse of {@link readSignedAttributes}. */
export function writeSignedAttributes(
  { payloadDigest, signingTime, info }: SignedAttributes,
  algorithms: SignerAlgorithms,
  certificate: Certificate,
): Uint8Array {
  const values: readonly [oid: string, value: Uint8Array][] = [
    [Oid.contentType, objectIdentifier(Oid.data)],
    [Oid.messageDigest, octetString(payloadDigest)],
    [Oid.signingTime, time(signingTime)],
    [Oid.signingCertificateV2, signingCertificate(certificate.bytes)],
    [Oid.algorithmProtection, algorithmProtection(algorithms)],
    [IMAGE_INFO_OID, utf8String(Buffer.from(encodeImageInfo(info)).toString('utf8'))],
  ];
  return setOf(values.map(([oid, value]) => sequence(objectIdentifier(oid), setOf([value]))));
}
