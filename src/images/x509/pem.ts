import { ImageError } from '../../base/errors.ts';
import { type Certificate, MAX_CERTIFICATE_BYTES, readCertificate } from './certificate.ts';

/** Characters of a file that holds one certificate, with some text around it. */
const MAX_PEM_CHARACTERS: number = 4 * MAX_CERTIFICATE_BYTES;

const block = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n?-----END CERTIFICATE-----/g;

/** A certificate in PEM (RFC 7468, 5). */
export function writeCertificatePem({ bytes }: Pick<Certificate, 'bytes'>): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/**
 * Reads the one certificate of a file: PEM, with text around it or none, or DER.
 *
 * @throws {ImageError} ERR_IMAGE_CERTIFICATE, ERR_IMAGE_DER, ERR_IMAGE_ALGORITHM
 */
export function readCertificateFile(content: Uint8Array): Certificate {
  if (content[0] === 0x30) return readCertificate(content);
  const refuse = (reason: string): ImageError => new ImageError('', 'ERR_IMAGE_CERTIFICATE', reason);
  if (content.length > MAX_PEM_CHARACTERS) throw refuse('too large for a certificate');
  const [first, second] = [...Buffer.from(content).toString('latin1').matchAll(block)];
  if (first === undefined) throw refuse('no certificate in it');
  if (second !== undefined) throw refuse('more than one certificate in it');
  return readCertificate(Buffer.from(first[1] ?? '', 'base64'));
}
