import fc from 'fast-check';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { parseAuthorizedKeys } from '../../src/aaa/authorized-keys.ts';
import { makeKeyPair } from '../support/key-pair.ts';

const key = makeKeyPair().public;
const blob = Buffer.from(key.split(' ')[1] ?? '', 'base64');

/** An SSH string (RFC 4251 section 5). */
function text(bytes: Buffer | string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(bytes));
  return Buffer.concat([length, Buffer.from(bytes as string)]);
}

/** A public key with this many bits, of no private key. */
function rsaBlob(bits: number): string {
  const parts = [
    text('ssh-rsa'),
    text(Buffer.from([1, 0, 1])),
    text(Buffer.concat([Buffer.from([0]), Buffer.alloc(bits / 8, 0xff)])),
  ];
  return Buffer.concat(parts).toString('base64');
}

const offCurve = Buffer.concat([
  text('ecdsa-sha2-nistp256'),
  text('nistp256'),
  text(Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 7)])),
]).toString('base64');

describe('lines that give a key', () => {
  it.each<[string, string]>([
    ['plain', key],
    ['with a comment of several words', `${key} a comment, with "quotes"`],
    ['with blanks around', `  ${key}\t`],
    ['with restrict', `restrict ${key}`],
    [
      'with options that take away',
      `no-pty,no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-user-rc ${key}`,
    ],
    ['with options in capitals', `NO-PTY,Restrict ${key}`],
    ['with sources', `from="10.0.0.0/8,!10.1.0.0/16" ${key}`],
    ['with sources without quotes', `from=10.0.0.1 ${key}`],
    ['with an end', `expiry-time="20300101",restrict ${key}`],
  ])('%s', (_, line) => {
    const { keys, rejected } = parseAuthorizedKeys([line]);
    expect(rejected).toEqual([]);
    expect(keys).toHaveLength(1);
    expect(keys[0]?.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  it('comments and empty lines give nothing and are no mistake', () => {
    expect(parseAuthorizedKeys(['', '  ', '# comment', key])).toMatchObject({ keys: [{}], rejected: [] });
  });

  it('every kind that can do without SHA-1', () => {
    const ecdsa = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).public;
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }).public;
    expect(parseAuthorizedKeys([key, ecdsa, rsa])).toMatchObject({ keys: [{}, {}, {}], rejected: [] });
  });
});

describe('lines that do not', () => {
  it.each<[string, string, RegExp]>([
    ['a forced command', `command="echo hi" ${key}`, /option command/],
    ['a source that cannot be obeyed', `from="*,!bad.example" ${key}`, /names are not looked up/],
    ['two lists of sources', `from="*",from="10.0.0.1" ${key}`, /from= is given twice/],
    ['a source without a value', `from ${key}`, /from= needs a value/],
    ['an end that is no time', `expiry-time="soon" ${key}`, /expiry-time= is not of the form/],
    ['a harmless option with a value', `no-pty=yes ${key}`, /option no-pty/],
    ['a line without end', `${key} ${'x'.repeat(40_000)}`, /too long/],
    ['bytes behind the key', `ssh-ed25519 ${Buffer.concat([blob, Buffer.from('x')]).toString('base64')}`, /malformed/],
    ["a type that is not the blob's", `ssh-rsa ${blob.toString('base64')}`, /malformed/],
    ['an RSA key that would take long', `ssh-rsa ${rsaBlob(16_392)}`, /16392 bits is too long/],
    ['a blob without end', `ssh-rsa ${rsaBlob(140_000)}`, /malformed/],
    ['a point that is not on the curve', `ecdsa-sha2-nistp256 ${offCurve}`, /malformed/],
    ['an authority', `cert-authority ${key}`, /option cert-authority/],
    ['an option behind a harmless one', `restrict,command="x y" ${key}`, /option command/],
    ['an option that gives back', `restrict,pty ${key}`, /option pty/],
    ['a quote in a value', `environment="A=\\"b\\" c" ${key}`, /option environment/],
    ['no key at all', 'hello', /neither/],
    ['an open quote', `command="x ${key}`, /neither/],
    ['another type', 'ssh-dss AAAAB3NzaC1kc3M= x', /ssh-dss is not supported/],
    ['a security key', 'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t x', /not supported/],
    ['noise for a key', 'ssh-ed25519 AAAA####', /base64/],
    ['a cut key', key.slice(0, 50), /malformed/],
    ['a short RSA key', ssh2.utils.generateKeyPairSync('rsa', { bits: 1024 }).public, /1024 bits is too short/],
  ])('%s', (_, line, reason) => {
    const { keys, rejected } = parseAuthorizedKeys(['# one', line]);
    expect(keys).toEqual([]);
    expect(rejected).toEqual([{ line: 2, reason: expect.stringMatching(reason) }]);
  });
});

it('any text gives keys and reasons, and options in front of a key never give it without them', () => {
  const option = fc.constantFrom(
    'from="10.0.0.1"',
    'expiry-time="20200101"',
    'restrict',
    'command="x"',
    'x',
    '=',
    '"',
    ',',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(option, fc.string({ maxLength: 5 }))), (parts) => {
      const line = `${parts.join(',')} ${key}`;
      for (const found of parseAuthorizedKeys([line]).keys) {
        // Whatever the line looks like: what was asked for in it is kept.
        if (parts[0] === 'from="10.0.0.1"') expect(found.options.from?.allow('10.0.0.2')).toBe(false);
        if (parts[0] === 'expiry-time="20200101"') expect(found.options.expiresMs).toBeLessThan(Date.UTC(2021));
        expect(parts).not.toContain('command="x"');
      }
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.string(), (line) => {
      const { keys, rejected } = parseAuthorizedKeys([line]);
      expect(keys.length + rejected.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 1000 },
  );
}, 60_000);
