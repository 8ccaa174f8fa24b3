import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { parseAuthorizedKeys } from '../../src/server/authorized-keys.ts';
import { makeKeyPair } from '../support/key-pair.ts';

const key = makeKeyPair().public;

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
    ['a source address', `from="10.0.0.0/8,!10.1.0.0/16" ${key}`, /option from/],
    ['an end', `expiry-time="20300101" ${key}`, /option expiry-time/],
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
