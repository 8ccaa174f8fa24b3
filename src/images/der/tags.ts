/** Identifier octets (X.690, 8.1.2) of the types that the structures here use. All are single octets: numbers up to 30. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier of `[number] EXPLICIT`, and of `[number] IMPLICIT` over a constructed type. */
export function contextConstructed(number: number): number {
  return 0xa0 | number;
}

const names: ReadonlyMap<number, string> = new Map([
  [Tag.boolean, 'BOOLEAN'],
  [Tag.integer, 'INTEGER'],
  [Tag.bitString, 'BIT STRING'],
  [Tag.octetString, 'OCTET STRING'],
  [Tag.null, 'NULL'],
  [Tag.objectIdentifier, 'OBJECT IDENTIFIER'],
  [Tag.utf8String, 'UTF8String'],
  [Tag.printableString, 'PrintableString'],
  [Tag.utcTime, 'UTCTime'],
  [Tag.generalizedTime, 'GeneralizedTime'],
  [Tag.sequence, 'SEQUENCE'],
  [Tag.set, 'SET'],
]);

/** How messages name a tag. */
export function tagName(tag: number): string {
  if ((tag & 0xc0) === 0x80) return `[${tag & 0x1f}]`;
  return names.get(tag) ?? `tag ${tag.toString(16).padStart(2, '0')}`;
}
