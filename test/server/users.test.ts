import { describe, expect, it } from 'vitest';
import {
  formatPasswordHash,
  hashPassword,
  PasswordVerifier,
  parsePasswordHash,
} from '../../src/server/password-hash.ts';
import { UserTable } from '../../src/server/users.ts';
import { makeKeyPair } from '../support/key-pair.ts';

const quiet = (): void => {};

describe('a password hash', () => {
  it('is written as a PHC string and read back', async () => {
    const hash = await hashPassword('päss wörd');
    const text = formatPasswordHash(hash);
    expect(text).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(parsePasswordHash(text)).toEqual(hash);
    expect(formatPasswordHash(await hashPassword('päss wörd'))).not.toBe(text);
  });

  it('of another maker is understood', async () => {
    // RFC 7914 section 12: scrypt ("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1, dkLen=64).
    const expected =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
    const encode = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
    const text = `$scrypt$ln=14,r=8,p=1$${encode(Buffer.from('SodiumChloride'))}$${encode(Buffer.from(expected, 'hex'))}`;
    const verifier = new PasswordVerifier();
    expect(await verifier.verify('pleaseletmein', parsePasswordHash(text))).toBe(true);
    expect(await verifier.verify('pleaseletmeout', parsePasswordHash(text))).toBe(false);
  });

  it.each([
    '',
    'secret',
    '$6$salt$hash',
    '$scrypt$ln=15,r=8,p=1$short$short',
    '$scrypt$ln=25,r=8,p=1$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=1,r=8,p=1$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=15,r=8,p=99$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=15,r=99,p=1$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('%j is refused', (text) => {
    expect(() => parsePasswordHash(text)).toThrow(RangeError);
  });

  it('is checked a few at a time, and every check gets its answer', async () => {
    const hash = await hashPassword('right');
    const verifier = new PasswordVerifier();
    const answers = await Promise.all(
      ['right', 'wrong', 'right', 'wrong', 'right'].map((one) => verifier.verify(one, hash)),
    );
    expect(answers).toEqual([true, false, true, false, true]);
    expect(await verifier.verify('x'.repeat(2000), hash)).toBe(false);
  });

  it('is refused rather than waited for where too many wait', async () => {
    const hash = { ...(await hashPassword('right')), ln: 10 };
    const verifier = new PasswordVerifier();
    const all = await Promise.all(Array.from({ length: 1000 }, () => verifier.verify('x', hash)));
    expect(all).toHaveLength(1000);
    expect(all.every((answer) => !answer)).toBe(true);
  });
});

describe('the table of users', () => {
  it('knows who may come in, and how', async () => {
    const users = await UserTable.create(
      [
        { name: 'a', password: 'pw' },
        { name: 'b', authorizedKeys: [makeKeyPair().public] },
      ],
      quiet,
    );
    expect(users.methods).toEqual(['publickey', 'password', 'keyboard-interactive']);
    expect(await users.checkPassword('a', 'pw')).toBe(true);
    expect(await users.checkPassword('a', 'PW')).toBe(false);
    expect(await users.checkPassword('b', 'pw')).toBe(false);
    expect(await users.checkPassword('b', '')).toBe(false);
    expect(await users.checkPassword('c', 'pw')).toBe(false);
    expect(await users.checkPassword('__proto__', 'pw')).toBe(false);
  });

  it('offers only what somebody can use', async () => {
    expect((await UserTable.create([{ name: 'a', password: 'pw' }], quiet)).methods).toEqual([
      'password',
      'keyboard-interactive',
    ]);
    expect((await UserTable.create([{ name: 'a', authorizedKeys: [makeKeyPair().public] }], quiet)).methods).toEqual([
      'publickey',
    ]);
    const users = await UserTable.create([], quiet);
    expect(users.methods).toEqual([]);
    expect(await users.checkPassword('a', 'no password matches this')).toBe(false);
  });

  it('takes hashes', async () => {
    const passwordHash = formatPasswordHash(await hashPassword('pw'));
    expect(await (await UserTable.create([{ name: 'a', passwordHash }], quiet)).checkPassword('a', 'pw')).toBe(true);
  });

  it('says which lines it does not take', async () => {
    const warnings: string[] = [];
    await UserTable.create([{ name: 'a', authorizedKeys: ['from="x" ssh-ed25519 AAAA'] }], (text) =>
      warnings.push(text),
    );
    expect(warnings).toEqual([
      'authorized keys of a, line 1: option from is not supported, so the key is not accepted',
    ]);
  });

  it.each([
    [[{ name: '' }]],
    [[{ name: 'a\n' }]],
    [[{ name: '\ufffd' }]],
    [[{ name: 'a' }, { name: 'a' }]],
    [[{ name: 'a', password: '' }]],
  ])('refuses %j', async (users) => {
    await expect(UserTable.create(users, quiet)).rejects.toThrow(TypeError);
  });
});
