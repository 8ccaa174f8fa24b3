import { beforeAll, describe, expect, it } from 'vitest';
import { element, time } from '../../src/images/der/writer.ts';
import { keyTypeFor } from '../../src/images/image-types.ts';
import { Oid } from '../../src/images/oids.ts';
import { readEnvelope } from '../../src/images/read-envelope.ts';
import { attachSignatures, type ImageSigner } from '../../src/images/sign.ts';
import type { ImageType, KeyType } from '../../src/images/types.ts';
import { verifyEnvelope } from '../../src/images/verify-envelope.ts';
import { verifyImageFile } from '../../src/images/verify-file.ts';
import { makeCertificate } from '../../src/images/x509/make-certificate.ts';
import { asFile, forge, forgeEnvelope, infoOf } from '../support/forged-image.ts';
import { describedAs, lookupOf, makeSigner, signed, signerName, testTime, trusted } from '../support/image-keys.ts';
import { expectRefused, verifyBytes } from '../support/image-refusal.ts';
import { memoryImage } from '../support/memory-image.ts';
import { plain } from '../support/plain.ts';

const payload = Buffer.from('the payload of a small image\n');
let production: ImageSigner;
let productionB: ImageSigner;
let special: ImageSigner;
let rollover: ImageSigner;

beforeAll(async () => {
  production = await makeSigner('ed25519');
  productionB = await makeSigner('ed25519', 'production', 'B');
  special = await makeSigner('ed25519', 'special');
  rollover = await makeSigner('ed25519', 'rollover');
});

const all = () => lookupOf([production, productionB, special, rollover].map((signer) => trusted(signer)));

/** An image of a type, signed by whoever, as a key of version A. */
function signedAs(type: ImageType, signer: ImageSigner, changes: Record<string, unknown> = {}): Buffer {
  return forge(payload, signer, { info: infoOf(payload, { type, ...changes }) });
}

describe('I16: the right signature, for another product', () => {
  it('I16: is refused by who has a product, and told apart from what differs in case', async () => {
    const { file } = await signed(payload, [production]);
    await expectRefused(file, all(), 'ERR_IMAGE_PRODUCT', /for NX3900, not for NX7000/, { product: 'NX7000' });
    await expectRefused(file, all(), 'ERR_IMAGE_PRODUCT', /for NX3900, not for nx3900/, { product: 'nx3900' });
    await expect(verifyBytes(file, all(), { product: 'NX3900' })).resolves.toMatchObject({
      info: { product: 'NX3900' },
    });
  });
});

it('I16: a revocation image may be for every product', async () => {
  const file = signedAs('revocation', rollover, { product: '*' });
  await expect(verifyBytes(file, all(), { product: 'NX3900' })).resolves.toMatchObject({ info: { product: '*' } });
  await expectRefused(
    signedAs('production', production, { product: '*' }),
    all(),
    'ERR_IMAGE_INFO',
    /only a revocation/,
  );
});

describe('I17: type confusion', () => {
  const types: readonly ImageType[] = ['production', 'special', 'revocation', 'rommon.production', 'rommon.special'];
  const keyTypes: readonly KeyType[] = ['production', 'special', 'rollover'];
  const pairs = types.flatMap((type) => keyTypes.map((keyType) => [keyType, type] as const));

  it.each(pairs)('I17: a %s key that signs an image of type %s', async (keyType, type) => {
    const signer = { production, special, rollover }[keyType];
    const file = signedAs(type, signer);
    if (keyTypeFor(type) === keyType) {
      await expect(verifyBytes(file, all())).resolves.toMatchObject({
        info: { type },
        signers: [{ key: { type: keyType } }],
      });
      return;
    }
    await expectRefused(
      file,
      all(),
      'ERR_IMAGE_KEY_TYPE',
      new RegExp(`type ${keyType} may not sign an image of type ${type}`),
    );
  });

  it('I17: a key is known only under the version that was signed', async () => {
    const file = signedAs('production', production, { keyVersion: 'B' });
    await expectRefused(file, all(), 'ERR_IMAGE_UNKNOWN_KEY', /production key version B that is not known/);
  });

  it('I17: a lookup that gives more than it was asked for is not believed', async () => {
    const everything = { keys: () => [special, rollover].map((signer) => trusted(signer)), floor: () => undefined };
    await expectRefused(signedAs('production', special), everything, 'ERR_IMAGE_KEY_TYPE', /may not sign/);
    const versions = { keys: () => [trusted(productionB)], floor: () => undefined };
    await expectRefused(
      signedAs('production', productionB),
      versions,
      'ERR_IMAGE_UNKNOWN_KEY',
      /version A that is not known/,
    );
  });

  it('I17: a name that says something else is a warning, and only that', async () => {
    const { file } = await signed(payload, [special], { description: describedAs('special', { name: 'app.SSA' }) });
    const verify = (name: string) => verifyImageFile(memoryImage(file), { lookup: all(), name, now: testTime });
    for (const name of ['app.SPA', 'app.SSB', 'app.SRA']) {
      const warning = `the name ends in .${name.slice(4)}, the image is signed as .SSA`;
      expect((await verify(name)).warnings).toEqual([warning]);
    }
    for (const name of ['app.SSA', 'app.bin', 'app', '', 'app.spa']) expect((await verify(name)).warnings).toEqual([]);
  });

  it('I17: a policy that takes some types refuses others', async () => {
    await expectRefused(signedAs('special', special), all(), 'ERR_IMAGE_POLICY', /type special are not taken/, {
      types: ['production'],
    });
  });
});

describe('I18: a rollover key signs revocation images and nothing else', () => {
  it('I18: a revocation image signed with a production key, a production image signed with a rollover key', async () => {
    await expectRefused(
      signedAs('revocation', production),
      all(),
      'ERR_IMAGE_KEY_TYPE',
      /production may not sign .* revocation/,
    );
    await expectRefused(
      signedAs('production', rollover),
      all(),
      'ERR_IMAGE_KEY_TYPE',
      /rollover may not sign .* production/,
    );
  });

  it('I18: a production image that a rollover key has signed too', async () => {
    const info = infoOf(payload);
    const file = asFile(
      payload,
      forgeEnvelope(payload, [
        { signer: production, info },
        { signer: rollover, info },
      ]),
    );
    await expectRefused(file, all(), 'ERR_IMAGE_KEY_TYPE', /rollover may not sign/);
  });
});

describe('I20: a key of somebody else', () => {
  it('I20: with the same names and the same serial number', async () => {
    const { privateKey } = await makeSigner('ed25519');
    const certificate = makeCertificate({
      privateKey,
      name: signerName,
      purpose: { type: 'production', version: 'A' },
      notBefore: testTime,
      notAfter: production.certificate.notAfter,
      serial: Buffer.from(production.certificate.serialNumber, 'hex'),
    });
    const { file } = await signed(payload, [{ privateKey, certificate }]);
    await expectRefused(file, all(), 'ERR_IMAGE_UNKNOWN_KEY', /production key version A that is not known/);
  });

  it('I20: with the certificate of the real one: the signature is wrong', async () => {
    const { privateKey } = await makeSigner('ed25519');
    const file = forge(payload, { ...production, privateKey });
    await expectRefused(file, all(), 'ERR_IMAGE_SIGNATURE', /signature of production key version A is wrong/);
  });

  it('I20: beside a known one it does not count', async () => {
    const stranger = await makeSigner('ed25519');
    const { file } = await signed(payload, [production, stranger]);
    const { signers } = await verifyBytes(file, all());
    expect(signers.map(({ serialNumber }) => serialNumber)).toEqual([production.certificate.serialNumber]);
    await expectRefused(file, all(), 'ERR_IMAGE_SIGNERS', /1 of the 2/, { minSigners: 2 });
  });
});

describe('keys that are revoked', () => {
  it('do not count, and an image that has no other is refused', async () => {
    const { file } = await signed(payload, [production]);
    await expectRefused(
      file,
      lookupOf([trusted(production, { state: 'revoked' })]),
      'ERR_IMAGE_REVOKED_KEY',
      /version A, which is revoked/,
    );
    await expectRefused(
      file,
      lookupOf([trusted(production)], { production: 'B' }),
      'ERR_IMAGE_REVOKED_KEY',
      /which is revoked/,
    );
    await expect(
      verifyBytes(file, lookupOf([trusted(production)], { production: 'A', special: 'Z' })),
    ).resolves.toBeDefined();
  });

  it('stay revoked where another record of the same key says that it is valid', async () => {
    const { file } = await signed(payload, [production]);
    const records = [trusted(production), trusted(production, { state: 'revoked' })];
    for (const order of [records, [...records].reverse()]) {
      await expectRefused(file, lookupOf(order), 'ERR_IMAGE_REVOKED_KEY', /which is revoked/);
    }
  });

  it('an image of an old and a new version lives on when the old one is revoked, and is of the new one before', async () => {
    const { file } = await signed(payload, [production, productionB]);
    const both = await verifyBytes(file, all());
    expect(both.info.keyVersion).toBe('B');
    expect(both.signers.map(({ key }) => key.version)).toEqual(['B', 'A']);
    const revoked = lookupOf([trusted(production, { state: 'revoked' }), trusted(productionB)], { production: 'B' });
    expect((await verifyBytes(file, revoked)).signers.map(({ key }) => key.version)).toEqual(['B']);
    const old = await verifyBytes(file, lookupOf([trusted(production)]));
    expect(old.info.keyVersion).toBe('A');
  });

  it('the revoked one is named, also beside one that is not known', async () => {
    const { file } = await signed(payload, [production, productionB]);
    for (const revoked of [production, productionB]) {
      const lookup = lookupOf([trusted(revoked, { state: 'revoked' })]);
      const version = revoked.certificate.purpose?.version;
      await expectRefused(file, lookup, 'ERR_IMAGE_REVOKED_KEY', new RegExp(`version ${version}, which is revoked`));
    }
  });

  it('one signer can be taken away: what is left is an image with the others', async () => {
    const { file, envelope, payloadDigest } = await signed(payload, [production, productionB]);
    expect((await verifyBytes(file, all())).signers).toHaveLength(2);
    const parts = readEnvelope(envelope).signers.map(({ certificate, signerInfo }) => ({
      certificate,
      attributes: signerInfo.signedAttributes,
      signature: signerInfo.signature,
    }));
    const digest = { digest: 'sha512', value: payloadDigest, size: payload.length } as const;
    for (const part of parts) {
      const left = attachSignatures(digest, [part]);
      const { signers } = await verifyBytes(asFile(payload, left.envelope), all());
      expect(signers.map(({ serialNumber }) => serialNumber)).toEqual([part.certificate.serialNumber]);
    }
  });

  it('two signers of two versions are not two of one', async () => {
    const { file } = await signed(payload, [production, productionB]);
    await expectRefused(file, all(), 'ERR_IMAGE_SIGNERS', /1 of the 2 signers of one key version/, { minSigners: 2 });
  });
});

describe('I21: times decide nothing', () => {
  it.each(['1970-01-01T00:00:00Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])(
    'I21: signed in %s',
    async (signingTime) => {
      const file = forge(payload, production, { values: { [Oid.signingTime]: [time(new Date(signingTime))] } });
      await expect(verifyBytes(file, all())).resolves.toMatchObject({ warnings: [] });
    },
  );

  it('I21: a time that is none is refused', async () => {
    for (const text of ['260230000000Z', '2603010000Z', '260301000000+0000', '26030100000aZ']) {
      const file = forge(payload, production, { values: { [Oid.signingTime]: [element(0x17, Buffer.from(text))] } });
      await expectRefused(file, all(), 'ERR_IMAGE_DER', /not DER: a time/);
    }
  });

  it('I21: a certificate out of its dates is a warning', async () => {
    const certificate = makeCertificate({
      privateKey: production.privateKey,
      name: signerName,
      purpose: { type: 'production', version: 'A' },
      notBefore: new Date('2030-01-01T00:00:00Z'),
      notAfter: new Date('2031-01-01T00:00:00Z'),
    });
    const { file } = await signed(payload, [{ ...production, certificate }]);
    const warnings = async (now: string): Promise<readonly string[]> =>
      (await verifyImageFile(memoryImage(file), { lookup: all(), now: new Date(now) })).warnings;
    const { serialNumber } = certificate;
    expect(await warnings('1970-01-01')).toEqual([`the certificate ${serialNumber} is valid only from 2030-01-01`]);
    expect(await warnings('2030-06-01')).toEqual([]);
    expect(await warnings('2100-01-01')).toEqual([`the certificate ${serialNumber} has expired on 2031-01-01`]);
  });
});

describe('the security counter', () => {
  it('is held against the least one of the type and the key version that counts', async () => {
    const { file } = await signed(payload, [production, productionB], {
      description: describedAs('production', { counter: 5 }),
    });
    const asked: unknown[] = [];
    const minCounter = (type: ImageType, version: string): number => {
      asked.push([type, version]);
      return version === 'B' ? 6 : 0;
    };
    await expectRefused(file, all(), 'ERR_IMAGE_COUNTER', /counter 5 is lower than 6/, { minCounter });
    expect(asked[0]).toEqual(['production', 'B']);
    await expect(verifyBytes(file, lookupOf([trusted(production)]), { minCounter })).resolves.toBeDefined();
    await expect(verifyBytes(file, all(), { minCounter: () => 5 })).resolves.toBeDefined();
  });
});

it('a policy that asks for no signer is a mistake of the caller', async () => {
  const { file } = await signed(payload, [production]);
  for (const minSigners of [0, -1, Number.NaN]) {
    await expect(verifyBytes(file, all(), { minSigners })).rejects.toThrow(RangeError);
  }
});

it('the signature is checked before the payload is read', async () => {
  const long = Buffer.alloc(300_000, 'x');
  const read = async (file: Buffer): Promise<{ positions: number[]; outcome: unknown }> => {
    const positions: number[] = [];
    const image = memoryImage(file);
    const watched = {
      ...image,
      read(buffer: Uint8Array, position: number): Promise<number> {
        positions.push(position);
        return image.read(buffer, position);
      },
    };
    const outcome = await verifyImageFile(watched, { lookup: all() }).catch((error: { code: string }) => error.code);
    return { positions, outcome };
  };
  const bad = await read(forge(long, production, { sign: () => Buffer.alloc(64) }));
  expect(bad).toEqual({ positions: [expect.any(Number)], outcome: 'ERR_IMAGE_SIGNATURE' });
  expect(bad.positions[0]).toBeGreaterThan(200_000);
  expect((await read(forge(long, production))).positions).toContain(0);
});

it('what was verified does not change with the octets that it was read from', async () => {
  const { envelope } = await signed(payload, [production], { newKeys: [special] });
  const bytes = Buffer.from(envelope);
  const verified = verifyEnvelope(bytes, all(), {});
  const before = plain(verified);
  bytes.fill(0);
  expect(plain(verified)).toEqual(before);
  expect(Buffer.from(verified.envelope)).toEqual(Buffer.from(envelope));
});
