import { hashOf, readDigestIdentifier } from '../algorithms/digests.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, Tag } from '../der/tags.ts';
import { octetString, sequence } from '../der/writer.ts';
import type { DigestName } from '../types.ts';
import type { Certificate } from '../x509/certificate.ts';

/** The digest that is meant where none is named (RFC 5035, 4). */
const DEFAULT_HASH: DigestName = 'sha256';

/**
 * Checks that SigningCertificateV2 (RFC 5035, 3) names one certificate, and that it is this one: its hash, and its issuer
 * and serial number where they are given. Without this the name and the serial number of a signer could be exchanged.
 *
 * @param reader at the value of the attribute.
 * @throws {ImageError} ERR_IMAGE_CERTIFICATE
 */
export function checkSigningCertificate(reader: DerReader, certificate: Certificate): void {
  const signingCertificate = reader.enter(Tag.sequence);
  const list = signingCertificate.enter(Tag.sequence);
  signingCertificate.end();
  const id = list.enter(Tag.sequence);
  list.end();
  const named = id.optional(Tag.sequence);
  const hash = named === undefined ? DEFAULT_HASH : readDigestIdentifier(named.bytes);
  if (named !== undefined && hash === DEFAULT_HASH) throw id.error('a default value that is written');
  const value = id.octets();
  const issuerSerial = id.optional(Tag.sequence);
  id.end();
  const isSame =
    Buffer.compare(value, hashOf(hash, certificate.bytes)) === 0 &&
    (issuerSerial === undefined || isIssuerSerial(issuerSerial.bytes, certificate));
  if (!isSame) throw id.error('the certificate is not the one that was signed with');
}

/** IssuerSerial (RFC 5035, 4): the issuer as the only GeneralName, a directoryName, and the serial number. */
function isIssuerSerial(bytes: Uint8Array, certificate: Certificate): boolean {
  const fields = new DerReader(bytes, 'issuer of a certificate', 'ERR_IMAGE_CERTIFICATE').enter(Tag.sequence);
  const names = fields.enter(Tag.sequence);
  const directoryName = names.enter(contextConstructed(4));
  const issuer = directoryName.element(Tag.sequence).bytes;
  directoryName.end();
  names.end();
  const serial = fields.element(Tag.integer).bytes;
  fields.end();
  return Buffer.compare(sequence(issuer, serial), certificate.issuerAndSerial) === 0;
}

/** SigningCertificateV2 with the SHA-256 of a certificate. */
export function signingCertificate(certificate: Uint8Array): Uint8Array {
  return sequence(sequence(sequence(octetString(hashOf(DEFAULT_HASH, certificate)))));
}
