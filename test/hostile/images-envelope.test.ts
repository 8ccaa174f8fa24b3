import { beforeAll, describe, expect, it } from 'vitest';
import { hashOf } from '../../src/images/algorithms/digests.ts';
import { compareEncodings } from '../../src/images/der/check.ts';
import { DerReader } from '../../src/images/der/reader.ts';
import {
  element,
  explicit,
  objectIdentifier,
  octetString,
  sequence,
  time,
  unsigned,
  utf8String,
} from '../../src/images/der/writer.ts';
import { authenticityOfFile } from '../../src/images/display.ts';
import { inspectEnvelope } from '../../src/images/inspect.ts';
import { FORMAT_ARC, IMAGE_INFO_OID, Oid } from '../../src/images/oids.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import type { DigestName, KeyLookup } from '../../src/images/types.ts';
import { readCertificate } from '../../src/images/x509/certificate.ts';
import { makeCertificate, NO_EXPIRY } from '../../src/images/x509/make-certificate.ts';
import { asFile, type Forgery, forge, forgeEnvelope, infoOf, type SignerForgery } from '../support/forged-image.ts';
import { certificateFor, lookupOf, makeSigner, signed, signerName, testTime, trusted } from '../support/image-keys.ts';
import { expectRefused, verifyBytes } from '../support/image-refusal.ts';

const payload = Buffer.from('the payload of a small image\n');
let signer: ImageSigner;
let other: ImageSigner;
let lookup: KeyLookup;

beforeAll(async () => {
  signer = await makeSigner('ecdsa-p256');
  other = await makeSigner('ed25519');
  lookup = lookupOf([trusted(signer), trusted(other)]);
});

it('what the forger makes without a change is verified', async () => {
  await expect(verifyBytes(forge(payload, signer), lookup)).resolves.toMatchObject({ warnings: [] });
  expect(Buffer.from(forgeEnvelope(payload, [{ signer: other }]))).toEqual(
    Buffer.from((await signed(payload, [other])).envelope),
  );
});

const no = sequence();
const dataOid = objectIdentifier(Oid.data);

describe('I10: an envelope that is DER and not what the format allows', () => {
  it.each<[string, Forgery, RegExp]>([
    ['the content info is not signed data', { contentType: Oid.data }, /ENVELOPE: content info/],
    ['version 0', { version: unsigned(Uint8Array.of(0)) }, /ENVELOPE: signed data: the version/],
    ['version 3', { version: unsigned(Uint8Array.of(3)) }, /ENVELOPE: signed data: the version/],
    ['no digest algorithm', { digestAlgorithms: [] }, /ENVELOPE: signed data: SEQUENCE expected, the end found/],
    [
      'the content is not id-data',
      { content: sequence(objectIdentifier('1.2.840.113549.1.9.16.1.4')) },
      /ENVELOPE: encapsulated content: the type/,
    ],
    [
      'the content is inside',
      { content: sequence(dataOid, explicit(0, octetString(payload))) },
      /ENVELOPE: encapsulated content: \[0\]/,
    ],
    [
      'revocation lists',
      { parts: (all) => [...all.slice(0, 4), element(0xa1, no), ...all.slice(4)] },
      /ENVELOPE: signed data: SET expected, \[1\] found/,
    ],
    ['no certificates', { parts: (all) => all.filter((_, at) => at !== 3) }, /ENVELOPE: signed data: \[0\] expected/],
    ['something behind the signers', { parts: (all) => [...all, no] }, /ENVELOPE: signed data: SEQUENCE found/],
    [
      'a certificate of another kind',
      { parts: (all) => all.map((one, at) => (at === 3 ? element(0xa0, element(0xa1, no)) : one)) },
      /ENVELOPE: certificates: SEQUENCE expected/,
    ],
  ])('I10: %s', async (_what, forgery, reason) => {
    await expectRefused(forge(payload, signer, {}, forgery), lookup, 'ERR_IMAGE_ENVELOPE', reason);
  });

  it('I10: two digest algorithms', async () => {
    const identifiers = ['sha256', 'sha512'] as const;
    const digestAlgorithms = identifiers.map((name) => sequence(objectIdentifier(Oid[name])));
    await expectRefused(
      forge(payload, signer, {}, { digestAlgorithms }),
      lookup,
      'ERR_IMAGE_ENVELOPE',
      /SEQUENCE found/,
    );
  });

  it('I10: 17 certificates', async () => {
    const more = Array.from({ length: 16 }, () => certificateFor(other.privateKey, { type: 'special', version: 'A' }));
    const certificates = [signer, ...more.map((certificate) => ({ certificate }))].map((one) => one.certificate.bytes);
    const file = forge(payload, signer, {}, { certificates: certificates.sort(compareEncodings) });
    await expectRefused(file, lookup, 'ERR_IMAGE_ENVELOPE', /more than 16 certificates/);
  });

  it('I10: 9 signers', async () => {
    const signers = await Promise.all(Array.from({ length: 9 }, () => makeSigner('ed25519')));
    const envelope = forgeEnvelope(
      payload,
      signers.map((one) => ({ signer: one })),
    );
    await expectRefused(asFile(payload, envelope), lookup, 'ERR_IMAGE_ENVELOPE', /more than 8 signers/);
    const eight = forgeEnvelope(
      payload,
      [signer, ...signers.slice(0, 7)].map((one) => ({ signer: one })),
    );
    await expect(verifyBytes(asFile(payload, eight), lookup)).resolves.toMatchObject({
      signers: [{ key: { version: 'A' } }],
    });
  });

  it.each<[string, SignerForgery, RegExp]>([
    ['a signer of version 3', { version: unsigned(Uint8Array.of(3)) }, /ENVELOPE: signer: the version/],
    [
      'a signer by its key identifier',
      { sid: element(0x80, Buffer.alloc(20)) },
      /ENVELOPE: signer: SEQUENCE expected, \[0\]/,
    ],
    [
      'unsigned attributes',
      { extra: [element(0xa1, sequence(objectIdentifier(Oid.contentType), element(0x31, dataOid)))] },
      /ENVELOPE: signer: it has unsigned attributes/,
    ],
    ['something behind the signature', { extra: [no] }, /ENVELOPE: signer: SEQUENCE found/],
    [
      'contentType is something else',
      { values: { [Oid.contentType]: [objectIdentifier(Oid.signedData)] } },
      /ENVELOPE: signed attributes: contentType is not data/,
    ],
    ['no contentType', { values: { [Oid.contentType]: undefined } }, /contentType is missing/],
    ['no messageDigest', { values: { [Oid.messageDigest]: undefined } }, /messageDigest is missing/],
    ['no signingTime', { values: { [Oid.signingTime]: undefined } }, /signingTime is missing/],
    [
      'no signingCertificateV2',
      { values: { [Oid.signingCertificateV2]: undefined } },
      /signingCertificateV2 is missing/,
    ],
    [
      'no CMSAlgorithmProtection',
      { values: { [Oid.algorithmProtection]: undefined } },
      /CMSAlgorithmProtection is missing/,
    ],
    ['no imageInfo', { values: { [IMAGE_INFO_OID]: undefined } }, /imageInfo is missing/],
    ['an attribute twice', { attributes: (all) => [...all.slice(0, 1), ...all] }, /comes twice/],
    [
      'an attribute with two values',
      { values: { [Oid.signingTime]: [time(testTime), time(new Date(testTime.getTime() + 1000))] } },
      /signingTime has several values/,
    ],
    [
      'an attribute without a value',
      { values: { [Oid.signingTime]: [] } },
      /ENVELOPE: signed attributes: something is missing/,
    ],
    ['another attribute', { values: { [`${FORMAT_ARC}.99`]: [utf8String('x')] } }, /is not allowed/],
    [
      'a messageDigest that is too short',
      { values: { [Oid.messageDigest]: [octetString(Buffer.alloc(32))] } },
      /not as long/,
    ],
    ['a messageDigest that is a text', { values: { [Oid.messageDigest]: [utf8String('x')] } }, /OCTET STRING expected/],
    [
      'an imageInfo that is an OCTET STRING',
      { values: { [IMAGE_INFO_OID]: [octetString(Buffer.from(JSON.stringify(infoOf(payload))))] } },
      /UTF8String expected/,
    ],
  ])('I10: %s', async (_what, forged, reason) => {
    await expectRefused(forge(payload, signer, forged), lookup, 'ERR_IMAGE_ENVELOPE', reason);
  });

  it('I10: attributes out of order, though the signature is over them as they stand', async () => {
    const file = forge(payload, signer, { attributes: (all) => [...all].reverse() });
    await expectRefused(file, lookup, 'ERR_IMAGE_DER', /a SET OF out of order/);
  });

  it('I10: attributes of more than 8 KiB', async () => {
    const file = forge(payload, signer, { values: { [`${FORMAT_ARC}.99`]: [octetString(Buffer.alloc(9000))] } });
    await expectRefused(file, lookup, 'ERR_IMAGE_ENVELOPE', /more than 8192 octets/);
  });
});

describe('I10: something behind what is known, wherever that can be', () => {
  const signedData = (): Uint8Array => {
    const whole = forgeEnvelope(payload, [{ signer }]);
    return readElement(readElement(whole)[1] as Uint8Array)[0] as Uint8Array;
  };
  const oid = objectIdentifier(Oid.signedData);

  it('I10: behind the content of ContentInfo, and inside its wrapping', async () => {
    await expect(
      verifyBytes(asFile(payload, sequence(oid, element(0xa0, signedData()))), lookup),
    ).resolves.toBeDefined();
    const behind = sequence(oid, element(0xa0, signedData()), no);
    await expectRefused(asFile(payload, behind), lookup, 'ERR_IMAGE_ENVELOPE', /content info: SEQUENCE found, the end/);
    const inside = sequence(oid, element(0xa0, signedData(), no));
    await expectRefused(asFile(payload, inside), lookup, 'ERR_IMAGE_ENVELOPE', /signed data: SEQUENCE found, the end/);
  });

  it('I10: behind the values of an attribute', async () => {
    const attribute = sequence(objectIdentifier(Oid.contentType), element(0x31, dataOid), no);
    const attributes = (all: readonly Uint8Array[]): Uint8Array[] =>
      [...all.filter((one) => !Buffer.from(one).includes(Buffer.from(dataOid))), attribute].sort(compareEncodings);
    await expectRefused(
      forge(payload, signer, { attributes }),
      lookup,
      'ERR_IMAGE_ENVELOPE',
      /signed attributes: SEQUENCE found/,
    );
  });
});

/** The elements in a constructed one. */
function readElement(bytes: Uint8Array): Uint8Array[] {
  const reader = new DerReader(
    new DerReader(bytes, 'test', 'ERR_IMAGE_ENVELOPE').any().content,
    'test',
    'ERR_IMAGE_ENVELOPE',
  );
  const found: Uint8Array[] = [];
  while (!reader.atEnd) found.push(reader.any().bytes);
  return found;
}

describe('I13: signingCertificateV2', () => {
  const value = (...parts: Uint8Array[]): SignerForgery => ({ values: { [Oid.signingCertificateV2]: parts } });
  const hash = (digest: DigestName, of: ImageSigner = signer): Uint8Array =>
    octetString(hashOf(digest, of.certificate.bytes));
  const algorithm = (digest: DigestName): Uint8Array => sequence(objectIdentifier(Oid[digest]));
  const issuerSerial = (of: ImageSigner, tag = 0xa4): Uint8Array => {
    const [issuer, serial] = readElement(of.certificate.issuerAndSerial) as [Uint8Array, Uint8Array];
    return sequence(sequence(element(tag, issuer)), serial);
  };

  it('I13: may name another hash, and issuer and serial number', async () => {
    for (const id of [
      sequence(hash('sha256')),
      sequence(algorithm('sha384'), hash('sha384')),
      sequence(algorithm('sha512'), hash('sha512')),
      sequence(hash('sha256'), issuerSerial(signer)),
      sequence(algorithm('sha512'), hash('sha512'), issuerSerial(signer)),
    ]) {
      await expect(verifyBytes(forge(payload, signer, value(sequence(sequence(id)))), lookup)).resolves.toBeDefined();
    }
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    [
      'the default hash, written',
      () => sequence(sequence(sequence(algorithm('sha256'), hash('sha256')))),
      /a default value that is written/,
    ],
    ['the hash of another certificate', () => sequence(sequence(sequence(hash('sha256', other)))), /not the one/],
    [
      'another hash than it says',
      () => sequence(sequence(sequence(algorithm('sha512'), hash('sha384')))),
      /not the one/,
    ],
    [
      'the issuer and serial number of another',
      () => sequence(sequence(sequence(hash('sha256'), issuerSerial(other)))),
      /not the one/,
    ],
    [
      'an issuer of another kind',
      () => sequence(sequence(sequence(hash('sha256'), issuerSerial(signer, 0xa5)))),
      /\[4\] expected/,
    ],
    [
      'two certificates',
      () => sequence(sequence(sequence(hash('sha256')), sequence(hash('sha256', other)))),
      /SEQUENCE found, the end/,
    ],
    ['policies', () => sequence(sequence(sequence(hash('sha256'))), no), /SEQUENCE found, the end/],
    [
      'something behind',
      () => sequence(sequence(sequence(hash('sha256'), issuerSerial(signer), no))),
      /SEQUENCE found, the end/,
    ],
    ['no certificate', () => sequence(sequence()), /SEQUENCE expected/],
  ])('I13: %s', async (_what, build, reason) => {
    await expectRefused(forge(payload, signer, value(build())), lookup, 'ERR_IMAGE_CERTIFICATE', reason);
  });

  it('I13: a hash that is not allowed', async () => {
    const sha1 = sequence(objectIdentifier('1.3.14.3.2.26'));
    const file = forge(payload, signer, value(sequence(sequence(sequence(sha1, octetString(Buffer.alloc(20)))))));
    await expectRefused(file, lookup, 'ERR_IMAGE_ALGORITHM', /digest algorithm 1\.3\.14\.3\.2\.26 is not allowed/);
  });
});

describe('I11: signers that are not there, or not several', () => {
  it('I11: no signer', async () => {
    await expectRefused(
      asFile(
        payload,
        forgeEnvelope(payload, [], {
          certificates: [signer.certificate.bytes],
          digestAlgorithms: [sequence(objectIdentifier(Oid.sha512))],
        }),
      ),
      lookup,
      'ERR_IMAGE_SIGNERS',
      /no signer/,
    );
  });

  it('I11: two signers whose keys are known, one signature wrong', async () => {
    const broken = { signer: other, sign: () => Buffer.alloc(64, 1) };
    const file = asFile(payload, forgeEnvelope(payload, [{ signer }, broken]));
    await expectRefused(file, lookup, 'ERR_IMAGE_SIGNATURE', /is wrong/);
  });

  it('I11: the same key twice, by one certificate and by two', async () => {
    const twice = forgeEnvelope(payload, [{ signer }, { signer }], { certificates: [signer.certificate.bytes] });
    await expectRefused(asFile(payload, twice), lookup, 'ERR_IMAGE_SIGNERS', /same key/, { minSigners: 2 });
    const second = { ...signer, certificate: certificateFor(signer.privateKey, { type: 'production', version: 'A' }) };
    const again = forgeEnvelope(payload, [{ signer }, { signer: second }]);
    await expectRefused(asFile(payload, again), lookup, 'ERR_IMAGE_SIGNERS', /same key/, { minSigners: 2 });
  });

  it('I11: one signer where two are asked for; two that are known are taken', async () => {
    await expectRefused(forge(payload, signer), lookup, 'ERR_IMAGE_SIGNERS', /1 of the 2 signers/, { minSigners: 2 });
    const both = forgeEnvelope(payload, [{ signer }, { signer: other }]);
    const { signers } = await verifyBytes(asFile(payload, both), lookup, { minSigners: 2 });
    expect(signers.map(({ signatureAlgorithm }) => signatureAlgorithm).sort()).toEqual(['ECDSA P-256', 'Ed25519']);
    await expectRefused(asFile(payload, both), lookupOf([trusted(signer)]), 'ERR_IMAGE_SIGNERS', /1 of the 2/, {
      minSigners: 2,
    });
  });

  it('I11: two signers who do not say the same', async () => {
    const info = infoOf(payload, { counter: 2 });
    const file = asFile(payload, forgeEnvelope(payload, [{ signer }, { signer: other, info }]));
    await expectRefused(file, lookup, 'ERR_IMAGE_SIGNERS', /not signed the same/);
    const values = { [Oid.messageDigest]: [octetString(Buffer.alloc(64))] };
    const digests = asFile(payload, forgeEnvelope(payload, [{ signer }, { signer: other, values }]));
    await expectRefused(digests, lookup, 'ERR_IMAGE_SIGNERS', /not signed the same/);
  });
});

describe('I13: a certificate exchanged for one with the same key and another name or number', () => {
  it('I13: another name, another serial number', async () => {
    for (const name of [{ commonName: 'Somebody Else' }, {}]) {
      const replaced = certificateFor(signer.privateKey, { type: 'production', version: 'A' }, name);
      const file = forge(payload, signer, { sid: replaced.issuerAndSerial }, { certificates: [replaced.bytes] });
      await expectRefused(
        file,
        lookup,
        'ERR_IMAGE_CERTIFICATE',
        /signingCertificateV2: the certificate is not the one/,
      );
    }
  });
});

describe('I14: certificates of new keys', () => {
  const bundled = (...certificates: ImageSigner['certificate'][]) =>
    infoOf(payload, {
      bundledKeys: certificates.map(({ sha256 }) => ({
        type: 'special',
        version: 'B',
        sha256: Buffer.from(sha256).toString('hex'),
      })),
    });
  const sorted = (...certificates: ImageSigner['certificate'][]): Uint8Array[] =>
    certificates.map(({ bytes }) => bytes).sort(compareEncodings);

  it('I14: one that is missing, and one of a key that comes twice', async () => {
    const first = certificateFor(other.privateKey, { type: 'special', version: 'B' });
    const second = certificateFor(other.privateKey, { type: 'special', version: 'B' });
    const own = signer.certificate;
    const good = forge(payload, signer, { info: bundled(first) }, { certificates: sorted(own, first) });
    await expect(verifyBytes(good, lookup)).resolves.toMatchObject({ info: { bundledKeys: [{ version: 'B' }] } });
    const missing = forge(payload, signer, { info: bundled(first) }, { certificates: sorted(own) });
    await expectRefused(missing, lookup, 'ERR_IMAGE_CERTIFICATE', /certificate of a bundled key is missing/);
    const twice = forge(
      payload,
      signer,
      { info: bundled(first, second) },
      { certificates: sorted(own, first, second) },
    );
    await expectRefused(twice, lookup, 'ERR_IMAGE_CERTIFICATE', /a bundled key comes twice/);
  });

  it('I14: one that says another type or version', async () => {
    for (const purpose of [
      { type: 'production', version: 'B' },
      { type: 'special', version: 'C' },
    ] as const) {
      const wrong = certificateFor(other.privateKey, purpose);
      const file = forge(
        payload,
        signer,
        { info: bundled(wrong) },
        { certificates: sorted(signer.certificate, wrong) },
      );
      await expectRefused(file, lookup, 'ERR_IMAGE_CERTIFICATE', /for another type or version/);
    }
  });

  it('I14: the one of the signer', async () => {
    const certificate = certificateFor(signer.privateKey, { type: 'special', version: 'B' });
    const file = forge(payload, { ...signer, certificate }, { info: bundled(certificate) });
    await expectRefused(file, lookup, 'ERR_IMAGE_CERTIFICATE', /of a signer is the one of a bundled key/);
  });
});

describe('I14: certificates that are missing, too many, or try to act on a terminal', () => {
  it('I14: the certificate of the signer is missing', async () => {
    const file = forge(payload, signer, {}, { certificates: [other.certificate.bytes] });
    await expectRefused(file, lookup, 'ERR_IMAGE_CERTIFICATE', /certificate of a signer is missing/);
  });

  it('I14: it is there twice, or not alone, or out of order', async () => {
    const { bytes } = signer.certificate;
    await expectRefused(
      forge(payload, signer, {}, { certificates: [bytes, bytes] }),
      lookup,
      'ERR_IMAGE_ENVELOPE',
      /one twice/,
    );
    const both = [bytes, other.certificate.bytes].sort(compareEncodings);
    await expectRefused(
      forge(payload, signer, {}, { certificates: both }),
      lookup,
      'ERR_IMAGE_CERTIFICATE',
      /belongs to no signer/,
    );
    await expectRefused(
      forge(payload, signer, {}, { certificates: both.reverse() }),
      lookup,
      'ERR_IMAGE_ENVELOPE',
      /out of order/,
    );
  });

  it('I14: a certificate of another key under the same issuer and number', async () => {
    const serial = Buffer.from(signer.certificate.serialNumber, 'hex');
    const twin = makeCertificate({
      privateKey: other.privateKey,
      name: signerName,
      purpose: { type: 'production', version: 'A' },
      notBefore: testTime,
      notAfter: NO_EXPIRY,
      serial,
    });
    expect(Buffer.from(twin.issuerAndSerial)).toEqual(Buffer.from(signer.certificate.issuerAndSerial));
    await expectRefused(
      forge(payload, signer, {}, { certificates: [twin.bytes] }),
      lookup,
      'ERR_IMAGE_ALGORITHM',
      /not the one of the key/,
    );
  });

  it('I14: two certificates under the same issuer and number', async () => {
    const twin = makeCertificate({
      privateKey: other.privateKey,
      name: signerName,
      purpose: { type: 'production', version: 'A' },
      notBefore: testTime,
      notAfter: NO_EXPIRY,
      serial: Buffer.from(signer.certificate.serialNumber, 'hex'),
    });
    const envelope = forgeEnvelope(payload, [{ signer }, { signer: { ...other, certificate: twin } }]);
    await expectRefused(asFile(payload, envelope), lookup, 'ERR_IMAGE_CERTIFICATE', /two certificates with one issuer/);
  });

  it('I14: line ends, escapes and bidirectional marks in a name are shown as octal and begin no line', async () => {
    // Written past our own maker, which refuses such names.
    const mark = 'x'.repeat(60);
    const evil = '\n    Key Version           : Z\r\u001b[2J\u202e\u2028\u0085'.padEnd(60, '.').slice(0, 51);
    const plainOne = makeCertificate({
      privateKey: other.privateKey,
      name: { commonName: mark, organizationalUnit: 'o', organization: 'o' },
      purpose: { type: 'production', version: 'A' },
      notBefore: testTime,
      notAfter: NO_EXPIRY,
    });
    const evilBytes = Buffer.from(evil);
    const bytes = Buffer.from(plainOne.bytes);
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark))
      bytes.set(Buffer.concat([evilBytes, Buffer.alloc(60, '.')]).subarray(0, 60), at);
    const certificate = readCertificate(bytes);
    expect(certificate.name.commonName).toContain('\u001b[2J\u202e');
    const { envelope, file } = await signed(payload, [{ ...other, certificate }]);
    const verified = await verifyBytes(file, lookup);
    for (const text of [
      authenticityOfFile('flash0:app.SPA', verified),
      authenticityOfFile('flash0:app.SPA', inspectEnvelope(envelope)),
    ]) {
      expect(text.split('\n')).toHaveLength(11);
      expect(text).toMatch(/^ {8}Common Name {11}: \\012 {4}Key Version {11}: Z\\015\\033\[2J\\342\\200\\256/m);
      expect(text).not.toMatch(/[^\n -~]/);
    }
    expect(JSON.stringify(inspectEnvelope(envelope))).not.toMatch(/[^ -~]/);
  });
});

describe('I15: a description that breaks its schema, rightly signed', () => {
  const changed = (changes: Record<string, unknown>): string => JSON.stringify(infoOf(payload, changes));
  const usual = JSON.stringify(infoOf(payload));

  it.each<[string, string | Uint8Array, RegExp]>([
    ['an unknown type', changed({ type: 'beta' }), /type is not one/],
    ['a type of the prototype', changed({ type: 'toString' }), /type is not one/],
    ['version "a"', changed({ keyVersion: 'a' }), /keyVersion is not a letter/],
    ['version "AA"', changed({ keyVersion: 'AA' }), /keyVersion is not a letter/],
    ['version ""', changed({ keyVersion: '' }), /keyVersion is not a letter/],
    ['version "É"', changed({ keyVersion: 'É' }), /keyVersion is not a letter/],
    ['a 27th version behind Z', changed({ keyVersion: '[' }), /keyVersion is not a letter/],
    ['a version with a line feed', changed({ keyVersion: 'A\n' }), /keyVersion is not a letter/],
    ['another format', changed({ fmt: 2 }), /fmt is not 1/],
    ['a size that is a text', changed({ size: '29' }), /size is not a number/],
    ['a size with a fraction', changed({ size: 28.5 }), /size is not a number/],
    ['a size of 2^53', usual.replace('"size":29', '"size":9007199254740992'), /size is not a number/],
    ['a negative counter', changed({ counter: -1 }), /counter is not a number/],
    ['a counter of 2^32', changed({ counter: 2 ** 32 }), /counter is not a number/],
    ['-0', usual.replace('"counter":1', '"counter":-0'), /canonical/],
    ['1e0', usual.replace('"counter":1', '"counter":1e0'), /canonical/],
    ['a name that comes twice', usual.replace('"counter":1', '"counter":9,"counter":1'), /canonical/],
    ['__proto__', usual.replace('"counter":1', '"__proto__":{"type":"special"},"counter":1'), /canonical/],
    ['a field that is not known', changed({ more: 1 }), /canonical/],
    ['another order', JSON.stringify({ size: payload.length, ...infoOf(payload) }), /canonical/],
    ['white space', `${usual} `, /canonical/],
    ['a character as an escape', usual.replace('NX3900', '\\u004eX3900'), /canonical/],
    ['every product in a production image', changed({ product: '*' }), /only a revocation image/],
    ['a product with a line end', changed({ product: 'NX\n3900' }), /product is not one line/],
    ['an empty product', changed({ product: '' }), /product is not one line/],
    ['a product of 65 octets', changed({ product: 'x'.repeat(65) }), /product is not one line/],
    ['a version with an escape', changed({ version: '1\u001b[2J' }), /version is not one line/],
    ['a version of half a character', usual.replace('1.0.0', '\\ud800'), /version is not one line/],
    ['a name with a slash', changed({ name: '../app.SPA' }), /name is not the name/],
    ['the name ..', changed({ name: '..' }), /name is not the name/],
    ['bundled keys that are no list', changed({ bundledKeys: {} }), /bundledKeys is not a list/],
    ['no bundled keys', usual.replace(',"bundledKeys":[]', ''), /bundledKeys is not a list/],
    [
      'a bundled production key in a production image',
      changed({ bundledKeys: [{ type: 'production', version: 'B', sha256: '0'.repeat(64) }] }),
      /may bring only special keys/,
    ],
    [
      'a bundled rollover key',
      changed({ bundledKeys: [{ type: 'rollover', version: 'B', sha256: '0'.repeat(64) }] }),
      /may bring only special keys/,
    ],
    [
      'a bundled key without a digest',
      changed({ bundledKeys: [{ type: 'special', version: 'B', sha256: '0' }] }),
      /is no digest/,
    ],
    [
      'nine bundled keys',
      changed({
        bundledKeys: Array.from({ length: 9 }, (_, at) => ({
          type: 'special',
          version: 'B',
          sha256: `${at}`.repeat(64),
        })),
      }),
      /up to 8/,
    ],
    ['minLoader null', usual.replace(/}$/, ',"minLoader":null}'), /minLoader is not one line/],
    ['a list', '[]', /not an object/],
    ['null', 'null', /not an object/],
    ['no JSON', '{', /not JSON/],
    ['deep JSON', `${'['.repeat(2000)}${']'.repeat(2000)}`, /not an object/],
    ['huge JSON', changed({ version: 'x'.repeat(4096) }), /more than 4096 octets/],
  ])('I15: %s', async (_what, info, reason) => {
    await expectRefused(forge(payload, signer, { info }), lookup, 'ERR_IMAGE_INFO', reason);
  });

  it('I15: octets that are not UTF-8', async () => {
    const file = forge(payload, signer, { info: Buffer.concat([Buffer.from(usual), Buffer.of(0xff)]) });
    await expectRefused(file, lookup, 'ERR_IMAGE_DER', /not UTF-8/);
  });

  it('I15: Z is taken', async () => {
    const file = forge(payload, signer, { info: infoOf(payload, { keyVersion: 'Z' }) });
    await expect(verifyBytes(file, lookupOf([trusted(signer, { version: 'Z' })]))).resolves.toMatchObject({
      info: { keyVersion: 'Z' },
    });
  });
});
