import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  generatePrivateKey,
  isEncrypted,
  readPrivateKey,
  writePrivateKey,
} from '../../src/images/algorithms/private-key.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  unsigned,
  utf8String,
} from '../../src/images/der/writer.ts';
import { KEY_PURPOSE_OID, Oid } from '../../src/images/oids.ts';
import { readCertificate } from '../../src/images/x509/certificate.ts';
import { makeCertificate, NO_EXPIRY } from '../../src/images/x509/make-certificate.ts';
import { readCertificateFile, writeCertificatePem } from '../../src/images/x509/pem.ts';
import { signerName, testTime } from '../support/image-keys.ts';
import { imageErrorOf } from '../support/image-refusal.ts';
import { hasMlDsa } from '../support/ml-dsa.ts';

let key: KeyObject;
let spki: Uint8Array;
beforeAll(async () => {
  key = await generatePrivateKey('ed25519');
  spki = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
});

const algorithm = sequence(objectIdentifier(Oid.ed25519));
const rdn = (oid: string, value: Uint8Array): Uint8Array => setOf([sequence(objectIdentifier(oid), value)]);
const extension = (oid: string, value: Uint8Array, critical = false): Uint8Array =>
  sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));

interface Parts {
  version?: Uint8Array;
  serial?: Uint8Array;
  algorithm?: Uint8Array;
  issuer?: Uint8Array;
  notBefore?: Uint8Array;
  notAfter?: Uint8Array;
  subject?: Uint8Array;
  extensions?: Uint8Array[];
  more?: Uint8Array[];
  outer?: Uint8Array;
  /** Behind the times. */
  validity?: Uint8Array[];
  key?: Uint8Array;
  /** In the wrapping of the extensions, behind them; at the end of what is signed; at the end. */
  behind?: { wrapper?: Uint8Array; tbs?: Uint8Array; certificate?: Uint8Array };
}

const list = (one: Uint8Array | undefined): Uint8Array[] => (one === undefined ? [] : [one]);

/** A certificate with a part that differs. Its own signature is nothing: nobody looks at it. */
function build(parts: Parts = {}): Uint8Array {
  const name = sequence(rdn(Oid.commonName, utf8String('Somebody')));
  const tbs = sequence(
    parts.version ?? explicit(0, unsigned(Uint8Array.of(2))),
    parts.serial ?? unsigned(Uint8Array.of(1)),
    parts.algorithm ?? algorithm,
    parts.issuer ?? name,
    sequence(parts.notBefore ?? time(testTime), parts.notAfter ?? time(NO_EXPIRY), ...(parts.validity ?? [])),
    parts.subject ?? name,
    parts.key ?? spki,
    ...(parts.more ?? []),
    element(
      0xa3,
      sequence(...(parts.extensions ?? [extension(Oid.subjectKeyIdentifier, octetString(Buffer.alloc(20)))])),
      ...list(parts.behind?.wrapper),
    ),
    ...list(parts.behind?.tbs),
  );
  return sequence(tbs, parts.outer ?? algorithm, bitString(Buffer.alloc(64)), ...list(parts.behind?.certificate));
}

describe('a certificate', () => {
  it('is made and read with its name, dates, number and purpose', () => {
    const made = makeCertificate({
      privateKey: key,
      name: { ...signerName, commonName: 'Größe ⛵' },
      purpose: { type: 'rollover', version: 'Z' },
      notBefore: new Date('2049-12-31T23:59:59Z'),
      notAfter: new Date('2050-01-01T00:00:00Z'),
      serial: Buffer.from('0badcafe', 'hex'),
    });
    expect(readCertificate(made.bytes)).toEqual(made);
    expect(made).toMatchObject({
      name: { ...signerName, commonName: 'Größe ⛵' },
      purpose: { type: 'rollover', version: 'Z' },
      notBefore: new Date('2049-12-31T23:59:59Z'),
      notAfter: new Date('2050-01-01T00:00:00Z'),
      serialNumber: '0BADCAFE',
    });
    expect(Buffer.from(made.bytes).includes('491231235959Z')).toBe(true);
    expect(Buffer.from(made.bytes).includes('20500101000000Z')).toBe(true);
  });

  it('gets a random number of eight digits that is positive', () => {
    const options = { privateKey: key, name: signerName, notBefore: testTime, notAfter: NO_EXPIRY };
    const numbers = Array.from(
      { length: 50 },
      () => makeCertificate({ ...options, purpose: { type: 'production', version: 'A' } }).serialNumber,
    );
    for (const number of numbers) expect(number).toMatch(/^[0-7][0-9A-F]{7}$/);
    expect(new Set(numbers).size).toBeGreaterThan(45);
  });

  it('is not made with a name that would be refused', async () => {
    const make = (name: Partial<typeof signerName> | Record<string, string>) => () =>
      makeCertificate({
        privateKey: key,
        name: { ...signerName, ...name },
        purpose: { type: 'production', version: 'A' },
        notBefore: testTime,
        notAfter: NO_EXPIRY,
      });
    for (const name of [
      { commonName: '' },
      { commonName: 'a\nb' },
      { organization: 'x'.repeat(65) },
      { organizationalUnit: '\u202e' },
      { organization: ' ' },
    ]) {
      expect((await imageErrorOf(make(name))).code).toBe('ERR_IMAGE_CERTIFICATE');
    }
    expect(make({ organization: '', organizationalUnit: '' })().name).toEqual({
      commonName: signerName.commonName,
      organization: '',
      organizationalUnit: '',
    });
  });

  it('may have other fields, of which the first CN, OU and O count', () => {
    const subject = sequence(
      rdn('2.5.4.6', element(0x13, Buffer.from('DE'))),
      rdn(Oid.organization, element(0x13, Buffer.from('First & second'.replace('&', '+')))),
      rdn(Oid.organization, utf8String('second')),
      setOf([
        sequence(objectIdentifier(Oid.commonName), utf8String('cn')),
        sequence(objectIdentifier(Oid.organizationalUnit), utf8String('ou')),
      ]),
      rdn('2.5.4.20', element(0x14, Buffer.from('teletex'))),
    );
    expect(readCertificate(build({ subject })).name).toEqual({
      commonName: 'cn',
      organizationalUnit: 'ou',
      organization: 'First + second',
    });
  });

  it.each<[string, () => Parts, RegExp]>([
    [
      'something behind the end',
      () => ({ behind: { certificate: sequence() } }),
      /certificate: SEQUENCE found, the end/,
    ],
    [
      'something behind the extensions',
      () => ({ behind: { tbs: sequence() } }),
      /certificate: SEQUENCE found, the end/,
    ],
    [
      'something with the extensions',
      () => ({ behind: { wrapper: sequence() } }),
      /certificate: SEQUENCE found, the end/,
    ],
    [
      'two versions',
      () => ({ version: element(0xa0, unsigned(Uint8Array.of(2)), unsigned(Uint8Array.of(2))) }),
      /certificate: INTEGER found, the end/,
    ],
    ['a third time', () => ({ validity: [time(testTime)] }), /certificate: UTCTime found, the end/],
    [
      'something in the key',
      () => ({ key: sequence(algorithm, bitString(Buffer.alloc(32, 9)), sequence()) }),
      /public key: SEQUENCE found, the end/,
    ],
    [
      'something in an extension',
      () => ({ extensions: [sequence(objectIdentifier('1.2.3'), octetString(sequence()), sequence())] }),
      /certificate: SEQUENCE found, the end/,
    ],
    [
      'something in the constraints',
      () => ({
        extensions: [extension(Oid.basicConstraints, sequence(boolean(true), unsigned(Uint8Array.of(1)), sequence()))],
      }),
      /basicConstraints: SEQUENCE found, the end/,
    ],
    [
      'something in the purpose',
      () => ({
        extensions: [extension(KEY_PURPOSE_OID, sequence(utf8String('special'), utf8String('A'), utf8String('B')))],
      }),
      /key purpose: UTF8String found, the end/,
    ],
    [
      'something in a name',
      () => ({
        subject: sequence(setOf([sequence(objectIdentifier(Oid.commonName), utf8String('a'), utf8String('b'))])),
      }),
      /certificate name: UTF8String found, the end/,
    ],
    ['version 1', () => ({ version: explicit(0, unsigned(Uint8Array.of(0))) }), /not of version 3/],
    ['the version left out', () => ({ version: unsigned(Uint8Array.of(1)), serial: algorithm }), /\[0\] expected/],
    ['serial number 0', () => ({ serial: unsigned(Uint8Array.of(0)) }), /serial number/],
    ['a serial number of 21 octets', () => ({ serial: unsigned(Buffer.alloc(21, 1)) }), /serial number/],
    ['a negative serial number', () => ({ serial: Buffer.of(2, 1, 0x80) }), /negative/],
    [
      'two algorithms',
      () => ({ outer: sequence(objectIdentifier(Oid.sha512WithRsa)) }),
      /two different signature algorithms/,
    ],
    [
      'a GeneralizedTime before 2050',
      () => ({ notBefore: element(0x18, Buffer.from('20260101000000Z')) }),
      /before the year 2050/,
    ],
    [
      'a GeneralizedTime before 1950',
      () => ({ notBefore: element(0x18, Buffer.from('19490101000000Z')) }),
      /before the year 2050/,
    ],
    ['a time without seconds', () => ({ notAfter: element(0x17, Buffer.from('2601010000Z')) }), /time of another form/],
    ['the 31st of April', () => ({ notAfter: element(0x17, Buffer.from('260431000000Z')) }), /does not exist/],
    ['an issuer identifier', () => ({ more: [element(0x81, Buffer.of(0, 1))] }), /\[3\] expected/],
    [
      'a name of another string',
      () => ({ subject: sequence(rdn(Oid.commonName, element(0x1e, Buffer.from('\0a')))) }),
      /neither UTF8String nor/,
    ],
    [
      'a name of 257 octets',
      () => ({ subject: sequence(rdn(Oid.commonName, utf8String('x'.repeat(257)))) }),
      /more than 256 octets/,
    ],
    [
      'a PrintableString with @',
      () => ({ subject: sequence(rdn(Oid.commonName, element(0x13, Buffer.from('a@b')))) }),
      /PrintableString with other/,
    ],
    ['an empty part of a name', () => ({ subject: sequence(setOf([])) }), /SEQUENCE expected/],
    [
      'a part of an issuer without a value',
      () => ({ issuer: sequence(setOf([sequence(objectIdentifier(Oid.commonName))])) }),
      /missing/,
    ],
    [
      'an unknown critical extension',
      () => ({ extensions: [extension('2.5.29.36', sequence(), true)] }),
      /critical extension 2\.5\.29\.36/,
    ],
    [
      'an extension twice',
      () => ({ extensions: [extension('1.2.3', sequence()), extension('1.2.3', sequence())] }),
      /comes twice/,
    ],
    [
      'a default that is written',
      () => ({ extensions: [sequence(objectIdentifier('1.2.3'), boolean(false), octetString(sequence()))] }),
      /default value/,
    ],
    [
      '33 extensions',
      () => ({ extensions: Array.from({ length: 33 }, (_, at) => extension(`1.2.${at}`, sequence())) }),
      /too many extensions/,
    ],
    [
      'no extensions in the list',
      () => ({ extensions: [extension(Oid.extendedKeyUsage, sequence())] }),
      /OBJECT IDENTIFIER expected/,
    ],
    [
      'a key usage without digital signature',
      () => ({ extensions: [extension(Oid.keyUsage, element(3, Buffer.of(2, 4)), true)] }),
      /not digital signature/,
    ],
    [
      'another extended usage',
      () => ({ extensions: [extension(Oid.extendedKeyUsage, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1')))] }),
      /not code signing/,
    ],
    [
      'a purpose that is none',
      () => ({ extensions: [extension(KEY_PURPOSE_OID, sequence(utf8String('root'), utf8String('A')))] }),
      /key purpose that is none/,
    ],
    [
      'a purpose of no version',
      () => ({ extensions: [extension(KEY_PURPOSE_OID, sequence(utf8String('special'), utf8String('a')))] }),
      /key purpose that is none/,
    ],
    [
      'an extension that is not DER',
      () => ({ extensions: [extension(Oid.basicConstraints, Buffer.of(0x30, 0x80))] }),
      /indefinite/,
    ],
  ])('is refused with %s', async (_what, parts, reason) => {
    const error = await imageErrorOf(() => readCertificate(build(parts())));
    expect(error.reason).toMatch(reason);
    expect(['ERR_IMAGE_CERTIFICATE', 'ERR_IMAGE_DER', 'ERR_IMAGE_ALGORITHM']).toContain(error.code);
  });

  it('is read with what differs in nothing', () => {
    expect(readCertificate(build())).toMatchObject({
      serialNumber: '01',
      purpose: undefined,
      name: { commonName: 'Somebody' },
    });
    const constraints = extension(Oid.basicConstraints, sequence(boolean(true), unsigned(Uint8Array.of(3))), true);
    expect(() => readCertificate(build({ extensions: [constraints] }))).not.toThrow();
    const any = extension(Oid.extendedKeyUsage, sequence(objectIdentifier(Oid.anyExtendedKeyUsage)));
    expect(() => readCertificate(build({ extensions: [any] }))).not.toThrow();
    expect(() => readCertificate(build({ serial: unsigned(Buffer.alloc(20, 0xff)) }))).not.toThrow();
  });

  it('is refused when it is larger than 16 KiB', async () => {
    const extensions = [extension('1.2.3', octetString(Buffer.alloc(17_000)))];
    expect((await imageErrorOf(() => readCertificate(build({ extensions })))).reason).toMatch(/more than 16384 octets/);
  });
});

describe('the file of a certificate', () => {
  it('is PEM, with text around it or CR LF, or DER', () => {
    const bytes = build();
    const pem = writeCertificatePem({ bytes });
    expect(pem.split('\n').every((line) => line.length <= 64)).toBe(true);
    for (const content of [pem, `Certificate:\n  text\n${pem}`, pem.replaceAll('\n', '\r\n'), pem.trimEnd()]) {
      expect(Buffer.from(readCertificateFile(Buffer.from(content)).bytes)).toEqual(Buffer.from(bytes));
    }
    expect(readCertificateFile(bytes).serialNumber).toBe('01');
  });

  it.each<[string, () => string, RegExp]>([
    ['nothing', () => '', /no certificate in it/],
    ['a private key', () => writePrivateKey(key), /no certificate in it/],
    ['two certificates', () => writeCertificatePem({ bytes: build() }).repeat(2), /more than one/],
    ['a certificate without content', () => '-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n', /cut off/],
    ['65,537 characters', () => 'x'.repeat(65_537), /too large/],
  ])('is refused: %s', async (_what, content, reason) => {
    expect((await imageErrorOf(() => readCertificateFile(Buffer.from(content())))).reason).toMatch(reason);
  });
});

describe('a private key', () => {
  it('is written and read, with a passphrase and without', async () => {
    const open = writePrivateKey(key);
    const locked = writePrivateKey(key, 'a pass phrase');
    expect([isEncrypted(open), isEncrypted(locked)]).toEqual([false, true]);
    const same = (one: KeyObject): boolean => one.equals(key);
    expect(same(readPrivateKey(open))).toBe(true);
    expect(same(readPrivateKey(locked, 'a pass phrase'))).toBe(true);
    expect(await imageErrorOf(() => readPrivateKey(locked))).toMatchObject({
      code: 'ERR_IMAGE_CERTIFICATE',
      cure: 'give its passphrase',
    });
    expect(await imageErrorOf(() => readPrivateKey(locked, 'another'))).toMatchObject({ cure: 'check the passphrase' });
    expect((await imageErrorOf(() => readPrivateKey('x'))).reason).toBe('not a private key in PEM');
    expect(
      (await imageErrorOf(() => readPrivateKey('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')))
        .reason,
    ).toBe('the private key cannot be read');
  });

  it('that may not sign images is not read', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect((await imageErrorOf(() => readPrivateKey(writePrivateKey(privateKey)))).code).toBe('ERR_IMAGE_ALGORITHM');
  });

  it.skipIf(hasMlDsa)('for ML-DSA cannot be made with a Node that does not have it', async () => {
    expect(await imageErrorOf(() => generatePrivateKey('ml-dsa-65'))).toMatchObject({
      code: 'ERR_IMAGE_ALGORITHM',
      message: 'this Node.js has no ML-DSA-65',
      cure: 'use Node.js 24 or newer',
    });
  });
});
