import { createHash } from 'node:crypto';
import { ImageError } from '../../base/errors.ts';
import { type PublicKey, readPublicKey } from '../algorithms/public-key.ts';
import { checkDer } from '../der/check.ts';
import { decodeUnsigned } from '../der/primitives.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, Tag } from '../der/tags.ts';
import { sequence } from '../der/writer.ts';
import { Oid } from '../oids.ts';
import type { SignerName } from '../types.ts';
import { type KeyPurpose, readExtensions } from './extensions.ts';
import { readName } from './names.ts';

/** Octets of a certificate. One for ML-DSA-87 has about 7,500. */
export const MAX_CERTIFICATE_BYTES = 16384;

/** Octets of a serial number (RFC 5280, 4.1.2.2). */
const MAX_SERIAL_BYTES = 20;

/** What signed images need of a certificate. Nothing in it decides about trust. */
export interface Certificate {
  /** DER. */
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
  /** IssuerAndSerialNumber (RFC 5652, 10.2.4), DER. */
  readonly issuerAndSerial: Uint8Array;
  /** Upper-case hex without leading zero octets. */
  readonly serialNumber: string;
  /** CN, OU and O of the subject, not yet made printable. */
  readonly name: SignerName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKey;
  /** What the key is meant for, where the certificate says so. */
  readonly purpose: KeyPurpose | undefined;
}

function refuse(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_CERTIFICATE', `certificate: ${reason}`);
}

interface Tbs extends Omit<Certificate, 'bytes' | 'sha256'> {
  /** AlgorithmIdentifier of the issuer's signature, DER. */
  readonly signatureAlgorithm: Uint8Array;
}

/** TBSCertificate (RFC 5280, 4.1.2), version 3. */
function readTbs(tbs: DerReader): Tbs {
  const version = tbs.enter(contextConstructed(0));
  if (version.number() !== 2) throw refuse('not of version 3');
  version.end();
  const serial = tbs.element(Tag.integer);
  const serialOctets = decodeUnsigned(serial.content);
  if (serialOctets.length === 0 || serialOctets.length > MAX_SERIAL_BYTES) {
    throw refuse('a serial number that is not positive or has more than 20 octets');
  }
  const signatureAlgorithm = tbs.element(Tag.sequence).bytes;
  const issuer = tbs.element(Tag.sequence);
  const validity = tbs.enter(Tag.sequence);
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const name = readName(tbs.element(Tag.sequence));
  const publicKey = readPublicKey(tbs.element(Tag.sequence).bytes);
  const wrapper = tbs.enter(contextConstructed(3));
  const { mayMakeSignatures, extendedUsages, purpose } = readExtensions(wrapper.enter(Tag.sequence));
  wrapper.end();
  tbs.end();
  if (mayMakeSignatures === false) throw refuse('its key usage is not digital signature');
  const usages: readonly string[] = [Oid.codeSigning, Oid.anyExtendedKeyUsage];
  if (extendedUsages !== undefined && !extendedUsages.some((oid) => usages.includes(oid))) {
    throw refuse('its extended key usage is not code signing');
  }
  readName(issuer);
  return {
    signatureAlgorithm,
    issuerAndSerial: sequence(issuer.bytes, serial.bytes),
    serialNumber: Buffer.from(serialOctets).toString('hex').toUpperCase(),
    name,
    notBefore,
    notAfter,
    publicKey,
    purpose,
  };
}

/**
 * Reads a certificate (RFC 5280, 4.1). The issuer's signature is not looked at: a key is trusted because it is known,
 * whatever its certificate says.
 *
 * @throws {ImageError} ERR_IMAGE_DER, ERR_IMAGE_CERTIFICATE, ERR_IMAGE_ALGORITHM
 */
export function readCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) throw refuse(`more than ${MAX_CERTIFICATE_BYTES} octets`);
  checkDer(bytes);
  const certificate = new DerReader(bytes, 'certificate', 'ERR_IMAGE_CERTIFICATE').enter(Tag.sequence);
  const { signatureAlgorithm, ...fields } = readTbs(certificate.enter(Tag.sequence));
  if (Buffer.compare(certificate.element(Tag.sequence).bytes, signatureAlgorithm) !== 0) {
    throw refuse('two different signature algorithms');
  }
  certificate.bits();
  certificate.end();
  return { bytes, sha256: createHash('sha256').update(bytes).digest(), ...fields };
}
