import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageErrorCode } from '../../src/base/errors.ts';
import {
  attachSignatures,
  digestPayload,
  exportAttributes,
  type ImageSigner,
  readExportedAttributes,
  type SigningRequest,
  signAttributes,
  signImage,
} from '../../src/images/sign.ts';
import { verifyEnvelope } from '../../src/images/verify-envelope.ts';
import { makeCertificate } from '../../src/images/x509/make-certificate.ts';
import { describedAs, lookupOf, makeSigner, signed, signerName, testTime, trusted } from '../support/image-keys.ts';
import { imageErrorOf, verifyBytes } from '../support/image-refusal.ts';

const payload = Buffer.from('the payload of a small image\n');
let production: ImageSigner;
let special: ImageSigner;
let rollover: ImageSigner;
let rsa: ImageSigner;

beforeAll(async () => {
  production = await makeSigner('ed25519');
  special = await makeSigner('ed25519', 'special');
  rollover = await makeSigner('ecdsa-p256', 'rollover');
  rsa = await makeSigner('rsa-2048');
});

async function request(changes: Partial<SigningRequest> = {}): Promise<SigningRequest> {
  return { payload: await digestPayload([payload]), description: describedAs(), signingTime: testTime, ...changes };
}

describe('signing refuses what verifying would refuse', () => {
  const expectRefusal = async (run: () => unknown, code: ImageErrorCode, reason: RegExp): Promise<void> => {
    expect(await imageErrorOf(run)).toMatchObject({ code, reason: expect.stringMatching(reason) });
  };

  it('a key of another type than the image needs, and says which', async () => {
    const asked = await request();
    await expectRefusal(
      () => signImage(asked, [special]),
      'ERR_IMAGE_KEY_TYPE',
      /type special may not sign .* production/,
    );
    await expectRefusal(() => signImage(asked, [rollover]), 'ERR_IMAGE_KEY_TYPE', /type rollover may not/);
    expect(await imageErrorOf(() => signImage(asked, [special]))).toMatchObject({ cure: 'sign with a production key' });
  });

  it('a key version that is not the one of the certificate', async () => {
    const asked = await request();
    const signer = { ...production, keyVersion: 'B' };
    await expectRefusal(() => signImage(asked, [signer]), 'ERR_IMAGE_CERTIFICATE', /is for key version A/);
  });

  it('a certificate that does not say its version, until it is told', async () => {
    const certificate = { ...production.certificate, purpose: undefined };
    const asked = await request();
    await expectRefusal(
      () => signImage(asked, [{ ...production, certificate }]),
      'ERR_IMAGE_CERTIFICATE',
      /does not say its key version/,
    );
    expect(signImage(asked, [{ ...production, certificate, keyVersion: 'C' }]).info.keyVersion).toBe('C');
  });

  it('a private key of another certificate', async () => {
    const signer = { ...production, privateKey: special.privateKey };
    const asked = await request();
    await expectRefusal(() => signImage(asked, [signer]), 'ERR_IMAGE_CERTIFICATE', /not the one of the certificate/);
  });

  it('Ed25519 over another digest than SHA-512', async () => {
    const asked = await request({ payload: await digestPayload([payload], 'sha256') });
    await expectRefusal(() => signImage(asked, [production]), 'ERR_IMAGE_ALGORITHM', /Ed25519 with sha256/);
    expect(signImage(asked, [rsa]).digest).toBe('sha256');
  });

  it('no signer, the same key twice, nine signers', async () => {
    const asked = await request();
    await expectRefusal(() => signImage(asked, []), 'ERR_IMAGE_SIGNERS', /no signer/);
    await expectRefusal(
      () => signImage(asked, [production, production]),
      'ERR_IMAGE_SIGNERS',
      /same key has signed twice/,
    );
    const nine = await Promise.all(Array.from({ length: 9 }, () => makeSigner('ed25519')));
    await expectRefusal(() => signImage(asked, nine), 'ERR_IMAGE_ENVELOPE', /more than 8 signers/);
  });

  it('a description that breaks the schema', async () => {
    for (const changes of [{ product: '' }, { counter: -1 }, { name: 'a/b' }, { version: 'x\n' }]) {
      const asked = await request({ description: describedAs('production', changes) });
      await expectRefusal(() => signImage(asked, [production]), 'ERR_IMAGE_INFO', /image information/);
    }
  });

  it('new keys that the type may not bring, of two versions, or without a purpose', async () => {
    const other = await makeSigner('ed25519', 'special', 'B');
    const sign = async (newKeys: SigningRequest['newKeys'], signer = production) => {
      const asked = await request({ newKeys });
      return () => signImage(asked, [signer]);
    };
    await expectRefusal(await sign([rollover]), 'ERR_IMAGE_INFO', /may bring only special keys/);
    await expectRefusal(await sign([special, other]), 'ERR_IMAGE_INFO', /several versions/);
    await expectRefusal(await sign([special, special]), 'ERR_IMAGE_INFO', /comes twice/);
    const certificate = { ...special.certificate, purpose: undefined };
    await expectRefusal(await sign([{ certificate }]), 'ERR_IMAGE_CERTIFICATE', /does not say its type and version/);
    const purpose = { type: 'special', version: 'C' } as const;
    await expectRefusal(await sign([{ ...special, purpose }]), 'ERR_IMAGE_CERTIFICATE', /for another type or version/);
  });
});

it('an expired certificate and a name that says something else are warnings', async () => {
  const certificate = makeCertificate({
    privateKey: production.privateKey,
    name: signerName,
    purpose: { type: 'production', version: 'A' },
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2021-01-01'),
  });
  const asked = await request({ description: describedAs('production', { name: 'app.SSB' }) });
  expect(signImage(asked, [{ ...production, certificate }]).warnings).toEqual([
    'the name ends in .SSB, the image is signed as .SPA',
    `the certificate ${certificate.serialNumber} has expired on 2021-01-01`,
  ]);
});

it('a revocation image needs no payload, and brings keys in the order in which they were given', async () => {
  const newKeys = [
    await makeSigner('rsa-2048', 'production', 'B'),
    await makeSigner('ed25519', 'production', 'B'),
    await makeSigner('ecdsa-p256', 'production', 'B'),
  ];
  for (const order of [newKeys, [...newKeys].reverse()]) {
    const { file, envelope } = await signed(Buffer.alloc(0), [rollover], {
      newKeys: order,
      description: describedAs('revocation', { name: 'rev.SRA' }),
    });
    const lookup = lookupOf([trusted(rollover)]);
    expect((await verifyBytes(file, lookup)).info.size).toBe(0);
    const { bundledCertificates, info } = verifyEnvelope(envelope, lookup, {});
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect(bundledCertificates.map(hex)).toEqual(order.map(({ certificate }) => hex(certificate.bytes)));
    expect(info.bundledKeys.map(({ sha256 }) => sha256)).toEqual(
      order.map(({ certificate }) => hex(certificate.sha256)),
    );
  }
});

describe('attributes that are signed elsewhere', () => {
  it('say what they are for', async () => {
    const asked = await request();
    const attributes = exportAttributes(asked, production);
    const { info, payload: signedPayload } = readExportedAttributes(attributes, production.certificate);
    expect(info).toMatchObject({ ...describedAs(), keyVersion: 'A', size: payload.length });
    expect(Buffer.from(signedPayload.value)).toEqual(Buffer.from(asked.payload.value));
    expect({ ...signedPayload, value: 0 }).toEqual({ ...asked.payload, value: 0 });
    const error = await imageErrorOf(() => readExportedAttributes(attributes, special.certificate));
    expect(error.code).toBe('ERR_IMAGE_CERTIFICATE');
  });

  it('are put together with those of others, and the order does not matter', async () => {
    const asked = await request();
    const parts = [production, rsa].map((signer) => signAttributes(exportAttributes(asked, signer), signer));
    const one = attachSignatures(asked.payload, parts);
    const other = attachSignatures(asked.payload, [...parts].reverse());
    expect(Buffer.from(one.envelope)).toEqual(Buffer.from(other.envelope));
    const file = Buffer.concat([payload, one.envelope, one.footer]);
    const lookup = lookupOf([trusted(production), trusted(rsa)]);
    expect((await verifyBytes(file, lookup, { minSigners: 2 })).signers).toHaveLength(2);
  });

  it('are refused with a wrong signature, another payload, another certificate, or a new key that is missing', async () => {
    const asked = await request();
    const part = signAttributes(exportAttributes(asked, production), production);
    const broken = { ...part, signature: Buffer.alloc(64) };
    expect((await imageErrorOf(() => attachSignatures(asked.payload, [broken]))).code).toBe('ERR_IMAGE_SIGNATURE');
    const other = await digestPayload([Buffer.from('something else')]);
    expect((await imageErrorOf(() => attachSignatures(other, [part]))).code).toBe('ERR_IMAGE_DIGEST');
    const longer = { ...asked.payload, size: payload.length + 1 };
    expect((await imageErrorOf(() => attachSignatures(longer, [part]))).code).toBe('ERR_IMAGE_DIGEST');
    const otherwise = { ...asked.payload, digest: 'sha384' } as const;
    expect((await imageErrorOf(() => attachSignatures(otherwise, [part]))).code).toBe('ERR_IMAGE_ALGORITHM');
    const { certificate } = special;
    expect((await imageErrorOf(() => attachSignatures(asked.payload, [{ ...part, certificate }]))).code).toBe(
      'ERR_IMAGE_CERTIFICATE',
    );
    const bringing = signAttributes(exportAttributes(await request({ newKeys: [special] }), production), production);
    expect(await imageErrorOf(() => attachSignatures(asked.payload, [bringing]))).toMatchObject({
      code: 'ERR_IMAGE_CERTIFICATE',
      reason: 'the certificate of a bundled key is missing',
    });
    expect(attachSignatures(asked.payload, [bringing], [special.certificate]).info.bundledKeys).toHaveLength(1);
  });
});

it('a payload is hashed from pieces of any kind', async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield payload.subarray(0, 5);
    yield payload.subarray(5);
  }
  const whole = await digestPayload([payload]);
  const inPieces = await digestPayload(pieces());
  expect(Buffer.from(inPieces.value)).toEqual(Buffer.from(whole.value));
  expect(inPieces.size).toBe(payload.length);
});
