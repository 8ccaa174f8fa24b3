import { constants, createPrivateKey, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestIdentifier, hashOf } from '../../src/images/algorithms/digests.ts';
import { type PublicKey, readPublicKey } from '../../src/images/algorithms/public-key.ts';
import {
  certificateSignatureIdentifier,
  signatureIdentifier,
  verifySignature,
} from '../../src/images/algorithms/signatures.ts';
import { isSmallOrder } from '../../src/images/algorithms/small-order.ts';
import {
  bitString,
  derNull,
  element,
  objectIdentifier,
  octetString,
  retagged,
  sequence,
  unsigned,
} from '../../src/images/der/writer.ts';
import { Oid } from '../../src/images/oids.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import { forge, type SignerForgery } from '../support/forged-image.ts';
import { lookupOf, makeSigner, trusted } from '../support/image-keys.ts';
import { expectRefused, imageErrorOf, verifyBytes } from '../support/image-refusal.ts';

const payload = Buffer.from('the payload of a small image\n');
let rsa: ImageSigner;
let ecdsa: ImageSigner;
let ed25519: ImageSigner;

beforeAll(async () => {
  rsa = await makeSigner('rsa-2048');
  ecdsa = await makeSigner('ecdsa-p256');
  ed25519 = await makeSigner('ed25519');
});

const identifier = (oid: string, ...parameters: Uint8Array[]): Uint8Array =>
  sequence(objectIdentifier(oid), ...parameters);
const spkiOf = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' });

describe('I12: the key decides the algorithm', () => {
  const refused = async (signer: ImageSigner, forged: SignerForgery, reason: RegExp): Promise<void> => {
    await expectRefused(forge(payload, signer, forged), lookupOf([trusted(signer)]), 'ERR_IMAGE_ALGORITHM', reason);
  };

  it('I12: identifiers of other kinds of keys', async () => {
    await refused(
      ecdsa,
      { signatureAlgorithm: identifier(Oid.rsaEncryption, derNull) },
      /not the one of the key \(ECDSA P-256\)/,
    );
    await refused(ecdsa, { signatureAlgorithm: identifier(Oid.ed25519) }, /not the one of the key/);
    await refused(
      rsa,
      { signatureAlgorithm: identifier(Oid.ecdsaWithSha512) },
      /not the one of the key \(2048-bit RSA\)/,
    );
    await refused(rsa, { signatureAlgorithm: identifier(Oid.rsaPss, sequence()) }, /not the one of the key/);
    await refused(ed25519, { signatureAlgorithm: identifier(Oid.mlDsa44) }, /not the one of the key/);
  });

  it('I12: a digest in the signature algorithm that is not the one of the payload', async () => {
    await refused(ecdsa, { signatureAlgorithm: identifier(Oid.ecdsaWithSha256) }, /not the one of the key/);
    await refused(rsa, { signatureAlgorithm: identifier(Oid.sha256WithRsa, derNull) }, /not the one of the key/);
    await refused(rsa, { signatureAlgorithm: identifier('1.2.840.113549.1.1.5', derNull) }, /not the one of the key/);
  });

  it('I12: parameters that are absent where NULL must be, and there where they must be absent', async () => {
    await refused(rsa, { signatureAlgorithm: identifier(Oid.rsaEncryption) }, /not the one of the key/);
    await refused(rsa, { signatureAlgorithm: identifier(Oid.sha512WithRsa) }, /not the one of the key/);
    await refused(ecdsa, { signatureAlgorithm: identifier(Oid.ecdsaWithSha512, derNull) }, /not the one of the key/);
    await refused(ed25519, { signatureAlgorithm: identifier(Oid.ed25519, derNull) }, /not the one of the key/);
    await refused(rsa, { digestAlgorithm: identifier(Oid.sha512, derNull) }, /sha512 with parameters/);
  });

  it('I12: Ed25519 signs with SHA-512 and no other digest', async () => {
    await refused(ed25519, { digest: 'sha256' }, /Ed25519 with sha256/);
    await refused(ed25519, { digest: 'sha384' }, /Ed25519 with sha384/);
  });

  it('I12: algorithms that are not those that were signed', async () => {
    const protection = (digest: Uint8Array, signature: Uint8Array): SignerForgery => ({
      values: { [Oid.algorithmProtection]: [sequence(digest, retagged(signature, 0xa1))] },
    });
    const { publicKey } = rsa.certificate;
    const right = signatureIdentifier(publicKey, 'sha512');
    await refused(rsa, protection(digestIdentifier('sha256'), right), /not those that were signed/);
    const named = certificateSignatureIdentifier(publicKey, 'sha512');
    await refused(rsa, protection(digestIdentifier('sha512'), named), /not those that were signed/);
    // The two ways to name RSA are both good where they are signed.
    await expect(
      verifyBytes(forge(payload, rsa, { signatureAlgorithm: named }), lookupOf([trusted(rsa)])),
    ).resolves.toBeDefined();
  });

  it('I12: a digest of the signers that is not the one of the envelope', async () => {
    const file = forge(payload, rsa, { digest: 'sha256' }, { digestAlgorithms: [digestIdentifier('sha512')] });
    await expectRefused(file, lookupOf([trusted(rsa)]), 'ERR_IMAGE_ALGORITHM', /digest of a signer/);
  });

  it.each(['sha256', 'sha384', 'sha512'] as const)('RSA and ECDSA sign with %s', async (digest) => {
    for (const signer of [rsa, ecdsa]) {
      const { signers } = await verifyBytes(forge(payload, signer, { digest }), lookupOf([trusted(signer)]));
      expect(signers[0]?.digest).toBe(digest);
    }
  });
});

describe('I12: keys that may not sign', () => {
  it.each<[string, () => KeyObject, RegExp]>([
    ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, /RSA key of 1024 bits/],
    ['RSA of 2040 bits', () => generateKeyPairSync('rsa', { modulusLength: 2040 }).publicKey, /RSA key of 2040 bits/],
    [
      'RSA with e = 3',
      () => generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey,
      /exponent 3/,
    ],
    ['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, /RSA-PSS/],
    [
      'secp256k1',
      () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
      /on the curve 1\.3\.132\.0\.10/,
    ],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey, /on the curve 1\.3\.132\.0\.35/],
    ['Ed448', () => generateKeyPairSync('ed448').publicKey, /of the algorithm 1\.3\.101\.113/],
    ['X25519', () => generateKeyPairSync('x25519').publicKey, /of the algorithm 1\.3\.101\.110/],
    [
      'DSA',
      () => generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).publicKey,
      /of the algorithm/,
    ],
  ])('I12: %s', async (_what, make, reason) => {
    const error = await imageErrorOf(() => readPublicKey(spkiOf(make())));
    expect(error).toMatchObject({ code: 'ERR_IMAGE_ALGORITHM', reason: expect.stringMatching(reason) });
    expect(error.cure).toContain('use RSA of 2048');
  });

  const rsaSpki = (n: Uint8Array, e: Uint8Array, parameters: Uint8Array[] = [derNull]): Uint8Array =>
    sequence(identifier(Oid.rsaEncryption, ...parameters), bitString(sequence(unsigned(n), unsigned(e))));
  const n = Buffer.alloc(256, 0xff);
  const e = Buffer.from('010001', 'hex');

  it.each<[string, () => Uint8Array, RegExp]>([
    [
      'RSA of 4097 bits',
      () => rsaSpki(Buffer.concat([Buffer.of(1), Buffer.alloc(512, 0xff)]), e),
      /RSA key of 4097 bits/,
    ],
    ['an even modulus', () => rsaSpki(Buffer.concat([n.subarray(1), Buffer.of(0xfe)]), e), /even modulus/],
    ['an even exponent', () => rsaSpki(n, Buffer.from('010002', 'hex')), /exponent 65538/],
    ['an exponent of 1', () => rsaSpki(n, Buffer.of(1)), /exponent 1/],
    ['an exponent of 2^64+1', () => rsaSpki(n, Buffer.from('010000000000000001', 'hex')), /too large/],
    ['RSA without NULL', () => rsaSpki(n, e, []), /NULL expected/],
    [
      'a third number',
      () =>
        sequence(identifier(Oid.rsaEncryption, derNull), bitString(sequence(unsigned(n), unsigned(e), unsigned(e)))),
      /the end expected/,
    ],
    [
      'a negative modulus',
      () => sequence(identifier(Oid.rsaEncryption, derNull), bitString(sequence(element(2, n), unsigned(e)))),
      /more octets|negative/,
    ],
    [
      'octets behind the numbers',
      () =>
        sequence(
          identifier(Oid.rsaEncryption, derNull),
          bitString(Buffer.concat([sequence(unsigned(n), unsigned(e)), Buffer.of(0)])),
        ),
      /behind the end/,
    ],
    [
      'a compressed point',
      () =>
        sequence(
          identifier(Oid.ecPublicKey, objectIdentifier(Oid.p256)),
          bitString(Buffer.concat([Buffer.of(2), Buffer.alloc(32, 1)])),
        ),
      /not uncompressed/,
    ],
    [
      'a point of another length',
      () =>
        sequence(
          identifier(Oid.ecPublicKey, objectIdentifier(Oid.p256)),
          bitString(Buffer.concat([Buffer.of(4), Buffer.alloc(63, 1)])),
        ),
      /not uncompressed/,
    ],
    [
      'a curve by its parameters',
      () => sequence(identifier(Oid.ecPublicKey, sequence()), bitString(Buffer.of(4))),
      /OBJECT IDENTIFIER expected/,
    ],
    [
      'Ed25519 with NULL',
      () => sequence(identifier(Oid.ed25519, derNull), bitString(Buffer.alloc(32, 9))),
      /the end expected/,
    ],
    ['Ed25519 of 33 octets', () => sequence(identifier(Oid.ed25519), bitString(Buffer.alloc(33, 9))), /of 33 octets/],
    [
      'Ed25519 with unused bits',
      () => sequence(identifier(Oid.ed25519), element(3, Buffer.of(1), Buffer.alloc(32, 2))),
      /not of whole octets/,
    ],
    ['ML-DSA-44 of 32 octets', () => sequence(identifier(Oid.mlDsa44), bitString(Buffer.alloc(32, 9))), /of 32 octets/],
  ])('I12: %s', async (_what, make, reason) => {
    const error = await imageErrorOf(() => readPublicKey(make()));
    expect(error.reason).toMatch(reason);
    expect(['ERR_IMAGE_ALGORITHM', 'ERR_IMAGE_DER']).toContain(error.code);
  });

  it('I12: a point that is not on its curve', async () => {
    const key = readPublicKey(
      sequence(
        identifier(Oid.ecPublicKey, objectIdentifier(Oid.p256)),
        bitString(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])),
      ),
    );
    const signature = sequence(unsigned(Buffer.of(1)), unsigned(Buffer.of(1)));
    const error = await imageErrorOf(() => verifySignature(key, 'sha512', payload, signature));
    expect(error.code).toBe('ERR_IMAGE_ALGORITHM');
  });
});

/** RSA without padding: what the private key makes of a block, so that any padding can be signed. */
function signBlock(key: KeyObject, block: Uint8Array): Buffer {
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
}

describe('I12: RSA padding that is not exactly that of PKCS #1 v1.5', () => {
  const digest = hashOf('sha512', payload);
  const info = (
    hash: Uint8Array,
    algorithm: Uint8Array = sequence(objectIdentifier(Oid.sha512), derNull),
  ): Uint8Array => sequence(algorithm, octetString(hash));
  const padded = (
    tail: Uint8Array,
    front: readonly number[] = [0, 1],
    fill = 0xff,
    separator: readonly number[] = [0],
  ): Buffer => {
    const length = 256 - front.length - separator.length - tail.length;
    return Buffer.concat([Buffer.from(front), Buffer.alloc(length, fill), Buffer.from(separator), tail]);
  };
  const garbage = (room: number): Buffer =>
    Buffer.concat([Buffer.of(0, 1), Buffer.alloc(8, 0xff), Buffer.of(0), info(digest), Buffer.alloc(room, 0xa5)]);

  it('the block as it should be is taken', () => {
    const { publicKey } = rsa.certificate;
    expect(verifySignature(publicKey, 'sha512', payload, signBlock(rsa.privateKey, padded(info(digest))))).toBe(true);
  });

  it.each<[string, () => Buffer]>([
    ['garbage behind the digest (Bleichenbacher, 2006)', () => garbage(256 - 11 - info(digest).length)],
    [
      'garbage inside the identifier',
      () => padded(info(digest, sequence(objectIdentifier(Oid.sha512), octetString(Buffer.alloc(20))))),
    ],
    ['no NULL in the identifier', () => padded(info(digest, sequence(objectIdentifier(Oid.sha512))))],
    [
      'a length in more octets than it needs',
      () => padded(Buffer.concat([Buffer.of(0x30, 0x81, 0x51), info(digest).subarray(2)])),
    ],
    ['the identifier of another digest', () => padded(info(digest, sequence(objectIdentifier(Oid.sha256), derNull)))],
    ['the digest of something else', () => padded(info(Buffer.alloc(64)))],
    ['the digest without DigestInfo', () => padded(digest)],
    ['block type 0', () => padded(info(digest), [0, 0], 0)],
    ['block type 2', () => padded(info(digest), [0, 2], 0x55)],
    ['no leading zero', () => padded(info(digest), [1, 1])],
    ['a zero in the padding', () => Buffer.from(padded(info(digest)).fill(0, 20, 21))],
    ['a padding of other octets', () => padded(info(digest), [0, 1], 0xfe)],
    ['no separator', () => padded(info(digest), [0, 1], 0xff, [])],
    ['two separators', () => padded(info(digest), [0, 1], 0xff, [0, 0])],
    ['zeros alone', () => Buffer.alloc(256)],
  ])('I12: %s', (_what, block) => {
    const bytes = block();
    expect(bytes).toHaveLength(256);
    const signature = signBlock(rsa.privateKey, bytes);
    expect(verifySignature(rsa.certificate.publicKey, 'sha512', payload, signature)).toBe(false);
  });

  it('I12: signatures of another length, 0, 1, the modulus, and the right one plus the modulus', () => {
    const { publicKey } = rsa.certificate;
    const right = sign('sha512', payload, rsa.privateKey);
    const modulus = publicKey.material.kind === 'rsa' ? publicKey.material.modulus : Buffer.alloc(0);
    const sum = BigInt(`0x${right.toString('hex')}`) + BigInt(`0x${Buffer.from(modulus).toString('hex')}`);
    const sumBytes = Buffer.from(sum.toString(16).padStart(514, '0'), 'hex');
    const wrong = [
      Buffer.alloc(0),
      right.subarray(1),
      right.subarray(0, 255),
      Buffer.concat([Buffer.of(0), right]),
      Buffer.concat([right, Buffer.of(0)]),
      Buffer.alloc(256),
      Buffer.concat([Buffer.alloc(255), Buffer.of(1)]),
      Buffer.from(modulus),
      sumBytes,
      sumBytes.subarray(1),
    ];
    expect(verifySignature(publicKey, 'sha512', payload, right)).toBe(true);
    expect(wrong.map((one) => verifySignature(publicKey, 'sha512', payload, one))).toEqual(wrong.map(() => false));
    expect(verifySignature(publicKey, 'sha256', payload, right)).toBe(false);
  });

  it('I12: PSS is not taken for PKCS #1 v1.5', () => {
    const pss = sign('sha512', payload, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING });
    expect(verifySignature(rsa.certificate.publicKey, 'sha512', payload, pss)).toBe(false);
  });
});

describe('I12: ECDSA', () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const octets = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
  const valueOf = (r: bigint, s: bigint): Uint8Array => sequence(unsigned(octets(r)), unsigned(octets(s)));

  it('I12: numbers out of range, other encodings, octets behind', () => {
    const { publicKey } = ecdsa.certificate;
    const right = sign('sha512', payload, ecdsa.privateKey);
    const raw = sign('sha512', payload, { key: ecdsa.privateKey, dsaEncoding: 'ieee-p1363' });
    const r = BigInt(`0x${raw.subarray(0, 32).toString('hex')}`);
    const s = BigInt(`0x${raw.subarray(32).toString('hex')}`);
    const wrong = [
      raw,
      valueOf(0n, s),
      valueOf(r, 0n),
      valueOf(0n, 0n),
      valueOf(1n, 1n),
      valueOf(order, s),
      valueOf(r, order),
      valueOf(r + order, s),
      valueOf(r, s + order),
      sequence(element(2, Buffer.of(0, 0), octets(r)), unsigned(octets(s))),
      sequence(unsigned(octets(r)), unsigned(octets(s)), derNull),
      Buffer.concat([valueOf(r, s), Buffer.of(0)]),
      Buffer.concat([Buffer.of(0x30, 0x81), valueOf(r, s).subarray(1)]),
      Buffer.alloc(0),
      Buffer.alloc(72),
    ];
    expect(verifySignature(publicKey, 'sha512', payload, right)).toBe(true);
    expect(verifySignature(publicKey, 'sha512', payload, valueOf(r, s))).toBe(true);
    expect(wrong.map((one) => verifySignature(publicKey, 'sha512', payload, one))).toEqual(wrong.map(() => false));
  });
});

describe('I12: Ed25519', () => {
  const prime = 2n ** 255n - 19n;
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const fromLittle = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const toLittle = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse();

  it('I12: S that is not below the order, other lengths, other points', () => {
    const { publicKey } = ed25519.certificate;
    const right = sign(null, payload, ed25519.privateKey);
    const s = fromLittle(right.subarray(32));
    const withS = (number: bigint): Buffer => Buffer.concat([right.subarray(0, 32), toLittle(number)]);
    const wrong = [
      withS(s + order),
      withS(s + 2n * order),
      withS(order),
      withS(0n),
      right.subarray(0, 63),
      Buffer.concat([right, Buffer.of(0)]),
      Buffer.concat([Buffer.alloc(32), right.subarray(32)]),
      Buffer.alloc(64),
    ];
    expect(verifySignature(publicKey, 'sha512', payload, withS(s))).toBe(true);
    expect(wrong.map((one) => verifySignature(publicKey, 'sha512', payload, one))).toEqual(wrong.map(() => false));
  });

  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n;
    for (let square = base % prime, left = exponent; left > 0n; left >>= 1n, square = (square * square) % prime) {
      if (left & 1n) result = (result * square) % prime;
    }
    return result;
  };
  const modulo = (number: bigint): bigint => ((number % prime) + prime) % prime;
  const inverse = (number: bigint): bigint => power(modulo(number), prime - 2n);
  const d = modulo(-121665n * inverse(121666n));
  type Point = readonly [x: bigint, y: bigint];
  /** RFC 8032, 5.1.3, without the checks. */
  const pointOf = (yBytes: Uint8Array): Point => {
    const y = modulo(fromLittle(yBytes));
    const square = modulo((y * y - 1n) * inverse(d * y * y + 1n));
    const candidate = power(square, (prime + 3n) / 8n);
    const x = modulo(candidate * candidate) === square ? candidate : modulo(candidate * power(2n, (prime - 1n) / 4n));
    expect(modulo(x * x)).toBe(square);
    return [x, y];
  };
  const double = ([x, y]: Point): Point => {
    const product = modulo(d * x * x * y * y);
    return [modulo(2n * x * y * inverse(1n + product)), modulo((y * y + x * x) * inverse(1n - product))];
  };

  it('I12: the keys of small order are all known, with either sign and in both encodings', () => {
    // Besides 0, 1 and -1 there are two y of order 8; 2^255-19 and 2^255-18 are 0 and 1 once more.
    const eight = [
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    ];
    const keys = [
      toLittle(0n),
      toLittle(1n),
      toLittle(prime - 1n),
      toLittle(prime),
      toLittle(prime + 1n),
      ...eight.map((hex) => Buffer.from(hex, 'hex')),
    ];
    for (const key of keys) {
      expect(double(double(double(pointOf(key))))).toEqual([0n, 1n]);
      const signed = Buffer.from(key);
      signed[31] = (signed[31] as number) | 0x80;
      for (const one of [key, signed]) {
        expect(isSmallOrder(one)).toBe(true);
        expect(() => readPublicKey(sequence(identifier(Oid.ed25519), bitString(one)))).toThrow(/small order/);
      }
    }
    expect(isSmallOrder(toLittle(prime - 2n))).toBe(false);
    expect(isSmallOrder(toLittle(2n))).toBe(false);
    const base = Buffer.from('5866666666666666666666666666666666666666666666666666666666666666', 'hex');
    expect(isSmallOrder(base)).toBe(false);
    expect(double(double(double(pointOf(base))))).not.toEqual([0n, 1n]);
  });
});

it('a signature by another key of the same kind is wrong', async () => {
  for (const { certificate } of [rsa, ecdsa, ed25519]) {
    const kind = certificate.publicKey.algorithm;
    const algorithm = kind === 'rsa' ? 'rsa-2048' : kind === 'ed25519' ? 'ed25519' : 'ecdsa-p256';
    const stranger = await makeSigner(algorithm);
    const key: PublicKey = certificate.publicKey;
    const signature = sign(
      kind === 'ed25519' ? null : 'sha512',
      payload,
      createPrivateKey(stranger.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    );
    expect(verifySignature(key, 'sha512', payload, signature)).toBe(false);
  }
});
