import { ImageError } from '../../base/errors.ts';
import { decodePrintableString, decodeUtf8 } from '../der/primitives.ts';
import { type DerElement, DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { objectIdentifier, sequence, setOf, utf8String } from '../der/writer.ts';
import { isImageText } from '../image-text.ts';
import { Oid } from '../oids.ts';
import type { SignerName } from '../types.ts';

/** Octets of CN, OU and O that are written, as many as RFC 5280, appendix A.1 allows characters. */
export const MAX_NAME_TEXT_BYTES = 64;

/** Octets of CN, OU and O that are read. */
const MAX_READ_TEXT_BYTES = 256;

const shown: ReadonlyMap<string, keyof SignerName> = new Map([
  [Oid.commonName, 'commonName'],
  [Oid.organizationalUnit, 'organizationalUnit'],
  [Oid.organization, 'organization'],
]);

function readText({ tag, content }: DerElement): string {
  if (content.length > MAX_READ_TEXT_BYTES) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'certificate: a name of more than 256 octets');
  }
  if (tag === Tag.utf8String) return decodeUtf8(content);
  if (tag === Tag.printableString) return decodePrintableString(content);
  throw new ImageError(
    '',
    'ERR_IMAGE_CERTIFICATE',
    'certificate: a name that is neither UTF8String nor PrintableString',
  );
}

/** Reads CN, OU and O of a Name (RFC 5280, 4.1.2.4): the first of each, empty where there is none. */
export function readName(name: DerElement): SignerName {
  const found = new Map<keyof SignerName, string>();
  const rdns = new DerReader(name.content, 'certificate name', 'ERR_IMAGE_CERTIFICATE');
  while (!rdns.atEnd) {
    const attributes = rdns.enter(Tag.set);
    do {
      const attribute = attributes.enter(Tag.sequence);
      const field = shown.get(attribute.oid());
      const value = attribute.any();
      attribute.end();
      if (field !== undefined && !found.has(field)) found.set(field, readText(value));
    } while (!attributes.atEnd);
  }
  return {
    commonName: found.get('commonName') ?? '',
    organizationalUnit: found.get('organizationalUnit') ?? '',
    organization: found.get('organization') ?? '',
  };
}

function rdn(oid: string, text: string, field: string): Uint8Array[] {
  if (text === '') return [];
  if (!isImageText(text, MAX_NAME_TEXT_BYTES)) {
    throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', `${field} is not one line of 1 to ${MAX_NAME_TEXT_BYTES} octets`);
  }
  return [setOf([sequence(objectIdentifier(oid), utf8String(text))])];
}

/** A Name of O, OU and CN, in that order; empty fields are left out. @throws {ImageError} ERR_IMAGE_CERTIFICATE */
export function writeName({ commonName, organizationalUnit, organization }: SignerName): Uint8Array {
  if (commonName === '') throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'the common name is empty');
  return sequence(
    ...rdn(Oid.organization, organization, 'organization'),
    ...rdn(Oid.organizationalUnit, organizationalUnit, 'organizational unit'),
    ...rdn(Oid.commonName, commonName, 'common name'),
  );
}
