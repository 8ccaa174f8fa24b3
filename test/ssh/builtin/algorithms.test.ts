import ssh2 from 'ssh2';
import { expect, it } from 'vitest';
import { chooseAlgorithms, offerFor, preferKnownTypes } from '../../../src/ssh/builtin/algorithms.ts';
import type { HostConfig } from '../../../src/ssh/config/host-config.ts';

const choice = { keyword: 'Ciphers', standard: ['a', 'b'], onRequest: ['old'] };
const config = (values: Partial<HostConfig> = {}): HostConfig => ({ alias: 'h', ...values }) as HostConfig;

it.each([
  [undefined, ['a', 'b']],
  ['old', ['old']],
  ['b,a', ['b', 'a']],
  ['b,unknown,b', ['b']],
  ['+old', ['a', 'b', 'old']],
  ['^b', ['b', 'a']],
  ['^old', ['old', 'a', 'b']],
  ['-a', ['b']],
  ['-a*', ['b']],
])('%s chooses %j', (spec, expected) => {
  expect(chooseAlgorithms(choice, spec, 'h')).toEqual(expected);
});

it.each(['unknown', '-*', '-a,b'])('%s leaves nothing, which is an error that names the option', (spec) => {
  expect(() => chooseAlgorithms(choice, spec, 'h')).toThrow(/^h: Ciphers/);
});

it('offers no SHA-1, no CBC and no DSA unless asked', () => {
  const offer = offerFor(config(), []);
  const names = Object.values(offer).flat();
  expect(names.filter((name) => /sha1|cbc|dss|^ssh-rsa$|arcfour|md5|group1-/.test(name))).toEqual([]);
  expect(offerFor(config({ hostKeyAlgorithms: '+ssh-rsa' }), []).serverHostKey).toContain('ssh-rsa');
});

it('offers the types of known keys first', () => {
  expect(preferKnownTypes(['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'], ['ssh-rsa'])).toEqual([
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-ed25519',
  ]);
});

it('names only what ssh2 speaks', () => {
  const all = offerFor(
    config({
      kexAlgorithms:
        '+diffie-hellman-group15-sha512,diffie-hellman-group17-sha512,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1',
      ciphers: '+aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc',
      macs: '+hmac-sha1-etm@openssh.com,hmac-sha1',
      hostKeyAlgorithms: '+ssh-rsa,ssh-dss',
      compression: true,
    }),
    [],
  );
  const client = new ssh2.Client();
  client.on('error', () => {});
  // ssh2 throws for a name it does not know, before it connects.
  expect(() => client.connect({ host: '127.0.0.1', port: 1, username: 'x', algorithms: all as never })).not.toThrow();
  client.destroy();
});
