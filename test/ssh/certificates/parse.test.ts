import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/base/errors.ts';
import {
  isSignedByItsAuthority,
  MAX_CERTIFICATE_BYTES,
  MAX_NAME_LENGTH,
  MAX_OPTIONS,
  MAX_PRINCIPALS,
  parseCertificate,
} from '../../../src/ssh/certificates/parse.ts';
import { publicKeyBlob } from '../../../src/ssh/identities/key-blob.ts';
import {
  makeCertificate,
  makeKey,
  mpint,
  string,
  type TestFields,
  type TestKey,
  type TestKeyType,
  uint64,
  unsignedCertificate,
} from './make-certificate.ts';

const types: readonly TestKeyType[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];
const keys = new Map(types.map((type) => [type, { host: makeKey(type), authority: makeKey(type) }]));
const { host, authority } = keys.get('ssh-ed25519')!;
const certificate = makeCertificate(host, authority);

const accepted = (blob: Buffer): boolean => {
  try {
    return isSignedByItsAuthority(parseCertificate(blob));
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return false;
  }
};
const signedWith = (key: TestKey, fields: TestFields = {}): boolean => accepted(makeCertificate(host, key, fields));

describe('a certificate', () => {
  it.each(types)('of a %s key and an authority of each type is read and its signature checked', (type) => {
    for (const key of keys.values()) {
      const { host: certified } = keys.get(type)!;
      const parsed = parseCertificate(makeCertificate(certified, key.authority));
      expect(parsed.key).toEqual(publicKeyBlob(certified.privateKey)?.blob);
      expect(parsed.authority.blob).toEqual(key.authority.blob);
      expect(isSignedByItsAuthority(parsed)).toBe(true);
      expect(isSignedByItsAuthority({ ...parsed, signed: Buffer.concat([parsed.signed, Buffer.of(0)]) })).toBe(false);
    }
  });

  it('is read field by field', () => {
    const fields = {
      serial: 2n ** 64n - 1n,
      role: 1,
      keyId: 'näme',
      principals: ['a', 'b*'],
      validAfter: 0n,
      validBefore: 2n ** 64n - 1n,
      criticalOptions: ['force-command'],
      extensions: ['permit-pty', 'x@y'],
    };
    expect(parseCertificate(makeCertificate(host, authority, fields))).toMatchObject({
      ...fields,
      role: 'user',
      type: 'ssh-ed25519-cert-v01@openssh.com',
    });
    expect(parseCertificate(certificate).role).toBe('host');
  });

  it('without principals is read; it is judged elsewhere', () => {
    expect(parseCertificate(makeCertificate(host, authority, { principals: [] })).principals).toEqual([]);
  });
});

describe('what is no certificate is refused:', () => {
  it.each(types)('one of a %s key that ends anywhere too early', (type) => {
    const whole = makeCertificate(keys.get(type)!.host, authority);
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseCertificate(whole.subarray(0, length))).toThrow(ProtocolError);
    }
  });

  it('one with bytes behind its end, at any level', () => {
    const extra = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.of(0)]);
    const data = unsignedCertificate(host, authority);
    expect(() => parseCertificate(extra(certificate))).toThrow(/behind its end/);
    const signature = extra(authority.sign(data));
    expect(() => parseCertificate(makeCertificate(host, authority, { signature }))).toThrow(/behind its end/);
    const signatureKey = extra(authority.blob);
    expect(() => parseCertificate(makeCertificate(host, authority, { signatureKey }))).toThrow(/behind its end/);
  });

  it.each([
    ['a plain key', host.blob],
    ['nothing', Buffer.alloc(0)],
    ['a type of version 00', makeCertificate(host, authority, { type: 'ssh-rsa-cert-v00@openssh.com' })],
    ['a type that is not spoken', makeCertificate(host, authority, { type: 'ssh-dss-cert-v01@openssh.com' })],
    ['a security key', makeCertificate(host, authority, { type: 'sk-ssh-ed25519-cert-v01@openssh.com' })],
    ['the algorithm for the type', makeCertificate(host, authority, { type: 'rsa-sha2-512-cert-v01@openssh.com' })],
    ['the suffix alone', makeCertificate(host, authority, { type: '-cert-v01@openssh.com' })],
    ['another role', makeCertificate(host, authority, { role: 3 })],
    ['no role', makeCertificate(host, authority, { role: 0 })],
    ['a NUL in the key id', makeCertificate(host, authority, { keyId: 'a\0b' })],
    ['a NUL in a principal', makeCertificate(host, authority, { principals: ['example.org\0.evil'] })],
    ['an authority that is certified itself', makeCertificate(host, authority, { signatureKey: certificate })],
    ['an Ed25519 key that is too short', makeCertificate(host, authority, { keyFields: string(Buffer.alloc(31)) })],
  ])('one with %s', (_, blob) => {
    expect(() => parseCertificate(blob)).toThrow(ProtocolError);
  });

  it.each([
    ['a curve that is not its type', Buffer.concat([string('nistp384'), string(Buffer.alloc(65, 4))])],
    ['a compressed point', Buffer.concat([string('nistp256'), string(Buffer.alloc(33, 2))])],
    ['a point that is too long', Buffer.concat([string('nistp256'), string(Buffer.alloc(66, 4))])],
  ])('an ECDSA key with %s', (_, keyFields) => {
    const type = 'ecdsa-sha2-nistp256-cert-v01@openssh.com';
    expect(() => parseCertificate(makeCertificate(host, authority, { type, keyFields }))).toThrow(ProtocolError);
  });

  const e = mpint(Buffer.of(1, 0, 1));
  const modulus = (bits: number): Buffer => Buffer.concat([Buffer.of(0x80), Buffer.alloc(bits / 8 - 1, 1)]);
  it.each([
    ['of 1016 bits', Buffer.concat([e, mpint(modulus(1016))])],
    ['of 16392 bits', Buffer.concat([e, mpint(modulus(16_392))])],
    ['with a negative modulus', Buffer.concat([e, string(modulus(2048))])],
    ['with zeros in front', Buffer.concat([string(Buffer.of(0, 1, 0, 1)), mpint(modulus(2048))])],
    ['with an empty exponent', Buffer.concat([string(''), mpint(modulus(2048))])],
    ['with a zero as exponent', Buffer.concat([string(Buffer.of(0)), mpint(modulus(2048))])],
  ])('an RSA key %s, certified or as authority', (_, keyFields) => {
    const type = 'ssh-rsa-cert-v01@openssh.com';
    expect(() => parseCertificate(makeCertificate(host, authority, { type, keyFields }))).toThrow(ProtocolError);
    const signatureKey = Buffer.concat([string('ssh-rsa'), keyFields]);
    expect(() => parseCertificate(makeCertificate(host, authority, { signatureKey }))).toThrow(ProtocolError);
  });

  it('one with more names than anybody needs', () => {
    const names = (count: number): string[] => Array.from({ length: count }, (__, index) => `n${index}`);
    const parse = (fields: TestFields) => parseCertificate(makeCertificate(host, authority, fields));
    expect(parse({ principals: names(MAX_PRINCIPALS) }).principals).toHaveLength(MAX_PRINCIPALS);
    expect(() => parse({ principals: names(MAX_PRINCIPALS + 1) })).toThrow(/principals/);
    expect(parse({ extensions: names(MAX_OPTIONS) }).extensions).toHaveLength(MAX_OPTIONS);
    expect(() => parse({ extensions: names(MAX_OPTIONS + 1) })).toThrow(/options/);
    expect(() => parse({ criticalOptions: names(MAX_OPTIONS + 1) })).toThrow(/options/);
    expect(() => parse({ algorithm: 'x'.repeat(MAX_NAME_LENGTH + 1) })).toThrow(/name that is too long/);
    expect(() => parse({ keyId: 'x'.repeat(MAX_CERTIFICATE_BYTES) })).toThrow(/too long/);
  });

  it('one whose length says more than there is', () => {
    const at = certificate.indexOf('the id') - 4;
    const broken = Buffer.from(certificate);
    broken.writeUInt32BE(0xffff_ffff, at);
    expect(() => parseCertificate(broken)).toThrow(/too early/);
  });

  it('noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => !accepted(Buffer.from(bytes))));
  });

  it('noise behind the type and nonce', () => {
    const front = Buffer.concat([string('ssh-ed25519-cert-v01@openssh.com'), string(''), host.fields, uint64(1n)]);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => !accepted(Buffer.concat([front, bytes]))));
  });
});

describe('the signature of a certificate', () => {
  it.each(types)('by a %s authority does not survive a changed bit', (type) => {
    const whole = makeCertificate(host, keys.get(type)!.authority);
    expect(accepted(whole)).toBe(true);
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const changed = Buffer.from(whole);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(accepted(changed)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('holds for no other content, and for no other key', () => {
    const signature = authority.sign(unsignedCertificate(host, authority, { serial: 1n }));
    expect(signedWith(authority, { signature })).toBe(false);
    expect(signedWith(authority, { signatureKey: makeKey().blob })).toBe(false);
  });

  it.each([
    ['ssh-rsa', false],
    ['rsa-sha2-256', true],
    ['rsa-sha2-512', true],
  ])('by RSA with %s: %s', (algorithm, expected) => {
    expect(signedWith(keys.get('ssh-rsa')!.authority, { algorithm })).toBe(expected);
  });

  it.each(types)('by a %s authority is none under the name of another algorithm', (type) => {
    const { authority: key } = keys.get(type)!;
    const data = unsignedCertificate(host, key);
    const value = key.sign(data).subarray(4 + key.sign(data).readUInt32BE(0));
    const own = type === 'ssh-rsa' ? ['rsa-sha2-512'] : [type];
    for (const name of [...types, 'rsa-sha2-256', 'rsa-sha2-512', 'ssh-dss', '', '__proto__', 'constructor']) {
      const signature = Buffer.concat([string(name), value]);
      expect(accepted(Buffer.concat([data, string(signature)]))).toBe(own.includes(name));
    }
  });

  it('by an authority of a type that is not spoken here is read, and does not count', () => {
    const signatureKey = Buffer.concat([
      string('sk-ssh-ed25519@openssh.com'),
      string(Buffer.alloc(32)),
      string('ssh:'),
    ]);
    const signature = Buffer.concat([string('sk-ssh-ed25519@openssh.com'), string(Buffer.alloc(64)), Buffer.alloc(5)]);
    const parsed = parseCertificate(makeCertificate(host, authority, { signatureKey, signature }));
    expect(parsed.authority).toMatchObject({ type: 'sk-ssh-ed25519@openssh.com', key: undefined });
    expect(isSignedByItsAuthority(parsed)).toBe(false);
  });

  it.each([
    ['a point that is not on its curve', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])],
    ['the point at no place', Buffer.concat([Buffer.of(4), Buffer.alloc(64)])],
  ])('by %s does not count', (_, point) => {
    const signatureKey = Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(point)]);
    const { authority: key } = keys.get('ecdsa-sha2-nistp256')!;
    expect(signedWith(key, { signatureKey })).toBe(false);
  });

  it.each([
    ['r is zero', [string(''), mpint(Buffer.of(1))]],
    ['s is negative', [mpint(Buffer.of(1)), string(Buffer.of(0x80))]],
    ['r is longer than the curve', [mpint(Buffer.alloc(33, 1)), mpint(Buffer.of(1))]],
    ['something follows', [mpint(Buffer.of(1)), mpint(Buffer.of(1)), Buffer.of(0)]],
    ['there is only one number', [mpint(Buffer.of(1))]],
  ])('by ECDSA does not count where %s', (_, numbers) => {
    const { authority: key } = keys.get('ecdsa-sha2-nistp256')!;
    const signature = Buffer.concat([string(key.type), string(Buffer.concat(numbers))]);
    expect(signedWith(key, { signature })).toBe(false);
  });
});
