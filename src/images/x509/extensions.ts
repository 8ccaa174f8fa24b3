import { ImageError } from '../../base/errors.ts';
import { checkDer } from '../der/check.ts';
import { decodeUtf8 } from '../der/primitives.ts';
import { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { isKeyVersion } from '../image-text.ts';
import { keyTypes } from '../image-types.ts';
import { KEY_PURPOSE_OID, Oid } from '../oids.ts';
import type { KeyType } from '../types.ts';

/** Extensions that are told apart; more than this many are refused. */
const MAX_EXTENSIONS = 32;

/** What a certificate says its key is meant for. Who trusts the key decides what it is for, not the certificate. */
export interface KeyPurpose {
  readonly type: KeyType;
  readonly version: string;
}

/** What the extensions of a certificate say. Undefined: the extension is absent. */
export interface Extensions {
  readonly isAuthority: boolean | undefined;
  readonly mayMakeSignatures: boolean | undefined;
  readonly extendedUsages: readonly string[] | undefined;
  readonly purpose: KeyPurpose | undefined;
}

function refuse(reason: string): ImageError {
  return new ImageError('', 'ERR_IMAGE_CERTIFICATE', `certificate: ${reason}`);
}

function open(value: Uint8Array, name: string): DerReader {
  checkDer(value);
  return new DerReader(value, name, 'ERR_IMAGE_CERTIFICATE');
}

/** BasicConstraints (RFC 5280, 4.2.1.9). */
function readBasicConstraints(value: Uint8Array): boolean {
  const constraints = open(value, 'basicConstraints').enter(Tag.sequence);
  const isAuthority = constraints.nextTag === Tag.boolean ? constraints.boolean() : false;
  if (constraints.nextTag === Tag.integer) constraints.number();
  constraints.end();
  return isAuthority;
}

/** KeyUsage (RFC 5280, 4.2.1.3): bit 0 is digitalSignature. */
function readKeyUsage(value: Uint8Array): boolean {
  const bits = open(value, 'keyUsage').element(Tag.bitString).content;
  return ((bits[1] ?? 0) & 0x80) !== 0;
}

/** ExtKeyUsageSyntax (RFC 5280, 4.2.1.12). */
function readExtendedKeyUsage(value: Uint8Array): readonly string[] {
  const usages = open(value, 'extendedKeyUsage').enter(Tag.sequence);
  const oids: string[] = [];
  do oids.push(usages.oid());
  while (!usages.atEnd);
  return oids;
}

/** `KeyPurpose ::= SEQUENCE { type UTF8String, version UTF8String }`: an extension of this format. */
function readKeyPurpose(value: Uint8Array): KeyPurpose {
  const fields = open(value, 'key purpose').enter(Tag.sequence);
  const text = decodeUtf8(fields.element(Tag.utf8String).content);
  const version = decodeUtf8(fields.element(Tag.utf8String).content);
  fields.end();
  const type = keyTypes.find((one) => one === text);
  if (type === undefined || !isKeyVersion(version)) throw refuse('a key purpose that is none');
  return { type, version };
}

/**
 * Reads `Extensions` (RFC 5280, 4.1.2.9). What is critical and not known is refused, and what comes twice.
 *
 * @param list the SEQUENCE OF, as a reader of its content.
 * @throws {ImageError} ERR_IMAGE_CERTIFICATE, ERR_IMAGE_DER
 */
export function readExtensions(list: DerReader): Extensions {
  const values = new Map<string, Uint8Array>();
  const known: readonly string[] = [Oid.basicConstraints, Oid.keyUsage, Oid.extendedKeyUsage, Oid.subjectKeyIdentifier];
  do {
    const extension = list.enter(Tag.sequence);
    const oid = extension.oid();
    const isCritical = extension.nextTag === Tag.boolean;
    if (isCritical && !extension.boolean()) throw refuse('a default value that is written');
    const value = extension.octets();
    extension.end();
    if (values.has(oid)) throw refuse(`the extension ${oid} comes twice`);
    if (isCritical && !known.includes(oid) && oid !== KEY_PURPOSE_OID) {
      throw refuse(`the critical extension ${oid} is not known`);
    }
    values.set(oid, value);
    if (values.size > MAX_EXTENSIONS) throw refuse('too many extensions');
  } while (!list.atEnd);
  const read = <T>(oid: string, how: (value: Uint8Array) => T): T | undefined => {
    const value = values.get(oid);
    return value === undefined ? undefined : how(value);
  };
  return {
    isAuthority: read(Oid.basicConstraints, readBasicConstraints),
    mayMakeSignatures: read(Oid.keyUsage, readKeyUsage),
    extendedUsages: read(Oid.extendedKeyUsage, readExtendedKeyUsage),
    purpose: read(KEY_PURPOSE_OID, readKeyPurpose),
  };
}
