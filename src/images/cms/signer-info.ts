import { DerReader } from '../der/reader.ts';
import { contextConstructed, Tag } from '../der/tags.ts';
import { octetString, retagged, sequence, unsigned } from '../der/writer.ts';

/** SignerInfo as the format allows it (RFC 5652, 5.3), cut into its parts. */
export interface SignerInfo {
  /** IssuerAndSerialNumber, DER. */
  readonly issuerAndSerial: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly digestAlgorithm: Uint8Array;
  /** SET OF Attribute, DER, with the tag of a SET: what is signed (RFC 5652, 5.4). */
  readonly signedAttributes: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Reads a SignerInfo: version 1, so with issuer and serial number, with signed attributes and without others.
 * The attributes are taken as they stand; only their tag changes, as RFC 5652, 5.4 says.
 *
 * @throws {ImageError} ERR_IMAGE_ENVELOPE
 */
export function readSignerInfo(bytes: Uint8Array): SignerInfo {
  const signer = new DerReader(bytes, 'signer', 'ERR_IMAGE_ENVELOPE').enter(Tag.sequence);
  if (signer.number() !== 1) throw signer.error('the version is not 1');
  const issuerAndSerial = signer.element(Tag.sequence).bytes;
  const digestAlgorithm = signer.element(Tag.sequence).bytes;
  const signedAttributes = retagged(signer.element(contextConstructed(0)).bytes, Tag.set);
  const signatureAlgorithm = signer.element(Tag.sequence).bytes;
  const signature = signer.octets();
  if (signer.nextTag === contextConstructed(1)) throw signer.error('it has unsigned attributes');
  signer.end();
  return { issuerAndSerial, digestAlgorithm, signedAttributes, signatureAlgorithm, signature };
}

/** Writes a SignerInfo. The inverse of {@link readSignerInfo}. */
export function writeSignerInfo(signer: SignerInfo): Uint8Array {
  return sequence(
    unsigned(Uint8Array.of(1)),
    signer.issuerAndSerial,
    signer.digestAlgorithm,
    retagged(signer.signedAttributes, contextConstructed(0)),
    signer.signatureAlgorithm,
    octetString(signer.signature),
  );
}
