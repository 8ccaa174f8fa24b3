import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePrivateKey } from '../../../src/ssh/identities/parse-private-key.ts';
import { parsePpkFile } from '../../../src/ssh/identities/ppk-file.ts';

const pairs = {
  'ssh-ed25519': generateKeyPairSync('ed25519'),
  'ssh-rsa': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'ecdsa-sha2-nistp256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ecdsa-sha2-nistp384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'ecdsa-sha2-nistp521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
};

describe.each(Object.entries(pairs))('a PEM key of type %s', (type, { privateKey, publicKey }) => {
  it('signs what its public half verifies', async () => {
    const result = await parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    if (result.kind !== 'key') throw new Error(result.kind);
    expect(result.key.type).toBe(type);
    const hash = type === 'ssh-ed25519' ? null : `sha${{ '384': 384, '521': 512 }[type.slice(-3)] ?? 256}`;
    const signature = result.key.sign(Buffer.from('data'), 'sha256');
    expect(verify(hash, Buffer.from('data'), publicKey, signature)).toBe(true);
  });

  it('is opened by its passphrase only', async () => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' });
    expect((await parsePrivateKey(pem)).kind).toBe('encrypted');
    expect((await parsePrivateKey(pem, 'wrong')).kind).toBe('wrong passphrase');
    expect((await parsePrivateKey(pem, 'right')).kind).toBe('key');
  });
});

it('a kind of key that SSH does not know is unusable', async () => {
  const { privateKey } = generateKeyPairSync('x25519');
  const result = await parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(result).toMatchObject({ kind: 'unusable', reason: expect.stringContaining('x25519') });
});

it.each([
  '',
  'ssh-ed25519 AAAA',
  '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
  '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
  'PuTTY-User-Key-File-3: ssh-ed25519',
  'PuTTY-User-Key-File-9: ssh-ed25519\nEncryption: none',
  'x'.repeat(1_000_000),
])('no key: %#', async (text) => {
  expect((await parsePrivateKey(text)).kind).toBe('unusable');
});

it('noise behind any of the headers is no key', async () => {
  const header = fc.constantFrom(
    '-----BEGIN OPENSSH PRIVATE KEY-----\n',
    '-----BEGIN RSA PRIVATE KEY-----\n',
    'PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n',
    '',
  );
  await fc.assert(
    fc.asyncProperty(header, fc.string(), async (start, rest) => {
      expect(['unusable', 'encrypted']).toContain((await parsePrivateKey(start + rest)).kind);
    }),
  );
});

it('a PuTTY key cannot ask for more memory or time than is sane', () => {
  const file = (memory: number, passes: number): string =>
    [
      'PuTTY-User-Key-File-3: ssh-ed25519',
      'Encryption: aes256-cbc',
      'Comment: x',
      'Public-Lines: 1',
      'AAAA',
      'Key-Derivation: Argon2id',
      `Argon2-Memory: ${memory}`,
      `Argon2-Passes: ${passes}`,
      'Argon2-Parallelism: 1',
      `Argon2-Salt: ${'00'.repeat(16)}`,
      'Private-Lines: 1',
      'AAAA',
      `Private-MAC: ${'00'.repeat(32)}`,
    ].join('\n');
  expect(typeof parsePpkFile(file(8192, 21))).toBe('object');
  expect(parsePpkFile(file(999_999_999, 1))).toContain('unusable');
  expect(parsePpkFile(file(8192, 999_999_999))).toContain('unusable');
});

it('public halves are those of node', async () => {
  const { privateKey } = pairs['ssh-ed25519'];
  const result = await parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const x = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url');
  expect(result.kind === 'key' && result.key.publicBlob.subarray(-32)).toEqual(x);
});
