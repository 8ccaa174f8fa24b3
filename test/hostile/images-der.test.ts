import { describe, expect, it } from 'vitest';
import { checkDer } from '../../src/images/der/check.ts';
import { DerReader } from '../../src/images/der/reader.ts';
import { element, objectIdentifier, octetString, sequence, unsigned } from '../../src/images/der/writer.ts';
import { forge } from '../support/forged-image.ts';
import { lookupOf, makeSigner, trusted } from '../support/image-keys.ts';
import { expectRefused, imageErrorOf } from '../support/image-refusal.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('I9: what is not DER', () => {
  it.each<[string, string, RegExp]>([
    ['nothing', '', /cut off/],
    ['an identifier alone', '30', /cut off/],
    ['an indefinite length', '30 80 00 00', /indefinite/],
    ['an indefinite length inside', '30 04 30 80 00 00', /indefinite/],
    ['a length in more octets than it needs', '30 81 02 05 00', /more octets than it needs/],
    ['a length of 127 in two octets', `04 81 7f ${'00'.repeat(127)}`, /more octets than it needs/],
    ['a length with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`, /more octets than it needs/],
    ['a length of 2^32', '30 85 01 00 00 00 00', /too large/],
    ['a length of 2^32-1', '30 84 ff ff ff ff', /too large/],
    ['a length of 126 octets', '30 fe 00', /too large/],
    ['a length that is cut off', '30 82 01', /cut off/],
    ['an element longer than the bytes', '30 03 05 00', /longer than what it is in/],
    ['an element longer than its parent', '30 02 04 01 00', /longer than what it is in|behind the end/],
    ['octets behind the end', '05 00 00', /behind the end/],
    ['a tag of several octets', '1f 81 01 00', /a tag of several octets/],
    ['a tag of several octets in a context', 'bf 1f 00', /a tag of several octets/],
    ['class application', '60 00', /class application or private/],
    ['class private', 'e0 00', /class application or private/],
    ['an end of contents', '30 02 00 00', /end-of-contents/],
    ['a constructed OCTET STRING', '24 03 04 01 00', /a constructed/],
    ['a constructed INTEGER', '22 03 02 01 00', /a constructed INTEGER|a constructed/],
    ['a primitive SEQUENCE', '10 00', /a primitive/],
    ['a primitive SET', '11 00', /a primitive/],
    ['a BOOLEAN of 1', '01 01 01', /a BOOLEAN/],
    ['a BOOLEAN of two octets', '01 02 ff ff', /a BOOLEAN/],
    ['an INTEGER without octets', '02 00', /an INTEGER without/],
    ['an INTEGER with a zero octet too many', '02 02 00 7f', /an INTEGER in more/],
    ['a negative INTEGER with an octet too many', '02 02 ff 80', /an INTEGER in more/],
    ['a NULL with content', '05 01 00', /a NULL with content/],
    ['a BIT STRING without octets', '03 00', /unused bits/],
    ['a BIT STRING with 8 unused bits', '03 02 08 00', /unused bits/],
    ['a BIT STRING of nothing with unused bits', '03 01 01', /unused bits/],
    ['a BIT STRING whose unused bits are set', '03 02 04 08', /unused bits are set/],
    ['an OBJECT IDENTIFIER without octets', '06 00', /wrong length/],
    ['an OBJECT IDENTIFIER that is cut off', '06 02 2a 86', /cut off/],
    ['an arc with a leading zero', '06 03 2a 80 01', /arc in more octets/],
    ['a first arc with a leading zero', '06 02 80 01', /arc in more octets/],
    ['an arc of 2^133 and more', `06 15 2a ${'81'.repeat(19)} 01`, /arc that is too large/],
    ['an OBJECT IDENTIFIER of 65 octets', `06 41 ${'01'.repeat(65)}`, /wrong length/],
    ['a text that is not UTF-8', '0c 01 ff', /not UTF-8/],
    ['a text with an overlong slash', '0c 02 c0 af', /not UTF-8/],
    ['a text with half of a pair', '0c 03 ed a0 80', /not UTF-8/],
    ['a SET OF out of order', '31 06 02 01 02 02 01 01', /out of order/],
    ['a SET OF with the longer one first', '31 07 04 02 00 00 04 01 ff', /out of order/],
  ])('I9: %s', async (_what, bytes, reason) => {
    const error = await imageErrorOf(() => checkDer(hex(bytes)));
    expect(error).toMatchObject({ code: 'ERR_IMAGE_DER', reason: expect.stringMatching(reason) });
  });

  it.each<[string, string]>([
    ['a long length that is needed', `04 81 80 ${'00'.repeat(128)}`],
    ['an INTEGER of 128', '02 02 00 80'],
    ['an INTEGER of -128', '02 01 80'],
    ['a SET OF in order, with one twice', '31 09 02 01 01 02 01 01 02 01 02'],
    ['an empty SEQUENCE', '30 00'],
    ['unused bits', '03 02 07 80'],
    ['a text of four octets a character', '0c 04 f0 9f 9a a2'],
  ])('%s is DER', (_what, bytes) => {
    expect(() => checkDer(hex(bytes))).not.toThrow();
  });

  it('I9: 3000 levels, as SEQUENCE, as SET and in contexts, in no time', async () => {
    for (const tag of [0x30, 0x31, 0xa0]) {
      let nested: Uint8Array = Buffer.alloc(0);
      for (let level = 0; level < 3000; level++) nested = element(tag, nested);
      const error = await imageErrorOf(() => checkDer(nested));
      expect(error).toMatchObject({ code: 'ERR_IMAGE_DER', reason: expect.stringMatching(/nested too deep/) });
    }
    let deepest: Uint8Array = element(5);
    for (let level = 0; level < 24; level++) deepest = sequence(deepest);
    expect(() => checkDer(deepest)).not.toThrow();
    expect(() => checkDer(sequence(deepest))).toThrow(/nested too deep/);
  });

  it('I9: a million elements, at one level and in pairs', async () => {
    const flat = element(0x30, Buffer.alloc(2_000_000, Buffer.of(5, 0)));
    expect((await imageErrorOf(() => checkDer(flat))).reason).toMatch(/too many elements/);
    const pairs = element(0x30, Buffer.alloc(2_000_000, Buffer.of(0x30, 2, 5, 0)));
    expect((await imageErrorOf(() => checkDer(pairs))).reason).toMatch(/too many elements/);
    expect(() => checkDer(element(0x30, Buffer.alloc(2 * 8191, Buffer.of(5, 0))))).not.toThrow();
    expect(() => checkDer(element(0x30, Buffer.alloc(2 * 8192, Buffer.of(5, 0))))).toThrow(/too many elements/);
  });

  it('I9: is refused where no reader looks: in an attribute that the format does not know, in the parameters of a name', async () => {
    const signer = await makeSigner('ed25519');
    const lookup = lookupOf([trusted(signer)]);
    const file = forge(Buffer.from('x'), signer, { extra: [element(0xa1, Buffer.of(0x30, 0x80, 0, 0))] });
    await expectRefused(file, lookup, 'ERR_IMAGE_DER', /indefinite/);
    const negative = forge(Buffer.from('x'), signer, { version: Buffer.of(2, 1, 0xff) });
    await expectRefused(negative, lookup, 'ERR_IMAGE_DER', /negative/);
    const padded = forge(Buffer.from('x'), signer, { version: Buffer.of(2, 2, 0, 1) });
    await expectRefused(padded, lookup, 'ERR_IMAGE_DER', /INTEGER in more/);
  });
});

describe('the reader', () => {
  const reader = (bytes: Uint8Array): DerReader => new DerReader(bytes, 'thing', 'ERR_IMAGE_ENVELOPE');

  it('names what it expected, what it found and where', () => {
    expect(() => reader(octetString(Buffer.of(1))).oid()).toThrow(
      'thing: OBJECT IDENTIFIER expected, OCTET STRING found',
    );
    expect(() => reader(Buffer.alloc(0)).octets()).toThrow('thing: OCTET STRING expected, the end found');
    expect(() => reader(Buffer.of(0x9f)).octets()).toThrow('[31] found');
    expect(() => reader(sequence()).end()).toThrow('thing: SEQUENCE found, the end expected');
    expect(() => reader(Buffer.alloc(0)).any()).toThrow('thing: something is missing at the end');
  });

  it('reads numbers up to 2^48-1', () => {
    expect(reader(unsigned(hex('ffffffffffff'))).number()).toBe(2 ** 48 - 1);
    expect(reader(unsigned(Buffer.of(0))).number()).toBe(0);
    expect(() => reader(unsigned(hex('01000000000000'))).number()).toThrow(/too large/);
    expect(() => reader(Buffer.of(2, 1, 0x80)).number()).toThrow(/negative/);
  });
});

describe('object identifiers', () => {
  it.each([
    ['2.5.4.3', '06 03 55 04 03'],
    ['1.2.840.113549.1.7.2', '06 09 2a 86 48 86 f7 0d 01 07 02'],
    ['0.39', '06 01 27'],
    ['1.0', '06 01 28'],
    ['2.0', '06 01 50'],
    ['2.999', '06 02 88 37'],
    // The example of X.667, 7.3, and the largest UUID there is.
    [
      '2.25.329800735698586629295641978511506172918',
      '06 14 69 83 f0 9d a7 eb cf de e0 c7 a1 a7 b2 c0 94 8c c8 f9 d7 76',
    ],
    [
      '2.25.340282366920938463463374607431768211455',
      '06 14 69 83 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 7f',
    ],
  ])('%s is read and written', (dotted, bytes) => {
    const encoded = hex(bytes);
    expect(Buffer.from(objectIdentifier(dotted))).toEqual(encoded);
    expect(() => checkDer(encoded)).not.toThrow();
    expect(new DerReader(encoded, 'oid', 'ERR_IMAGE_ENVELOPE').oid()).toBe(dotted);
  });
});
