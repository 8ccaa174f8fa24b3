import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import { publicKeyOf } from '../algorithms/private-key.ts';
import { certificateSignatureIdentifier, createSignature } from '../algorithms/signatures.ts';
import { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  objectIdentifier,
  octetString,
  sequence,
  time,
  unsigned,
  utf8String,
} from '../der/writer.ts';
import { KEY_PURPOSE_OID, Oid } from '../oids.ts';
import type { SignerName } from '../types.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import type { KeyPurpose } from './extensions.ts';
import { writeName } from './names.ts';

export interface NewCertificate {
  readonly privateKey: KeyObject;
  /** CN: who makes the software. OU: the hardware. O: the owner. Empty fields are left out; CN must not be empty. */
  readonly name: SignerName;
  readonly purpose: KeyPurpose;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Four octets. Default: random. */
  readonly serial?: Uint8Array | undefined;
}

/** A time that stands for "never" (RFC 5280, 4.1.2.5). */
export const NO_EXPIRY: Date = new Date('9999-12-31T23:59:59Z');

/** Four octets, of which the first is neither zero nor 80 or above: eight digits in displays. */
function randomSerial(): Uint8Array {
  const serial = randomBytes(4);
  serial[0] = ((serial[0] as number) % 0x7f) + 1;
  return serial;
}

function extension(oid: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

/** Of 160 bits of SHA-256 (RFC 7093, 2, method 1). */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const info = new DerReader(spki, 'public key', 'ERR_IMAGE_ALGORITHM').enter(Tag.sequence);
  info.element(Tag.sequence);
  return createHash('sha256').update(info.bits()).digest().subarray(0, 20);
}

function extensions(spki: Uint8Array, { type, version }: KeyPurpose): Uint8Array {
  // digitalSignature is the first bit of a named bit list without trailing zeros (X.690, 11.2.2).
  const digitalSignature = element(Tag.bitString, Uint8Array.of(7, 0x80));
  return sequence(
    extension(Oid.basicConstraints, true, sequence()),
    extension(Oid.keyUsage, true, digitalSignature),
    extension(Oid.extendedKeyUsage, false, sequence(objectIdentifier(Oid.codeSigning))),
    extension(Oid.subjectKeyIdentifier, false, octetString(keyIdentifier(spki))),
    extension(KEY_PURPOSE_OID, false, sequence(utf8String(type), utf8String(version))),
  );
}

/**
 * Makes a certificate for signing images (RFC 5280), signed by its own key.
 *
 * @throws {ImageError} ERR_IMAGE_CERTIFICATE where the name is not good, ERR_IMAGE_ALGORITHM where the key may not sign.
 */
export function makeCertificate(options: NewCertificate): Certificate {
  const { privateKey, purpose } = options;
  const publicKey = publicKeyOf(privateKey);
  const name = writeName(options.name);
  const algorithm = certificateSignatureIdentifier(publicKey, 'sha512');
  const tbs = sequence(
    explicit(0, unsigned(Uint8Array.of(2))),
    unsigned(options.serial ?? randomSerial()),
    algorithm,
    name,
    sequence(time(options.notBefore), time(options.notAfter)),
    name,
    publicKey.spki,
    explicit(3, extensions(publicKey.spki, purpose)),
  );
  const signature = createSignature(publicKey, privateKey, 'sha512', tbs);
  return readCertificate(sequence(tbs, algorithm, bitString(signature)));
}
