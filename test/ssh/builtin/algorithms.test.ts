import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import {
  authoritySignaturesFor,
  chooseAlgorithms,
  offerFor,
  preferKnownTypes,
} from '../../../src/ssh/builtin/algorithms.ts';
import { isCertificateName } from '../../../src/ssh/certificates/names.ts';
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

describe('certificates', () => {
  const hostKeys = (values: Partial<HostConfig> = {}, known: string[] = []) =>
    offerFor(config(values), known, true).serverHostKey;

  it('are offered only to a host with an authority, and in front', () => {
    const plain = offerFor(config(), []).serverHostKey;
    expect(plain.filter(isCertificateName)).toEqual([]);
    expect(hostKeys()).toEqual([
      'ssh-ed25519-cert-v01@openssh.com',
      'ecdsa-sha2-nistp256-cert-v01@openssh.com',
      'ecdsa-sha2-nistp384-cert-v01@openssh.com',
      'ecdsa-sha2-nistp521-cert-v01@openssh.com',
      'rsa-sha2-512-cert-v01@openssh.com',
      'rsa-sha2-256-cert-v01@openssh.com',
      ...plain,
    ]);
  });

  it('of known types go first among themselves', () => {
    expect(hostKeys({}, ['ssh-rsa'])).toMatchObject({
      0: 'rsa-sha2-512-cert-v01@openssh.com',
      1: 'rsa-sha2-256-cert-v01@openssh.com',
      2: 'ssh-ed25519-cert-v01@openssh.com',
      6: 'rsa-sha2-512',
    });
  });

  it.each([
    ['ssh-ed25519', ['ssh-ed25519']],
    ['ssh-ed25519,ssh-ed25519-cert-v01@openssh.com', ['ssh-ed25519-cert-v01@openssh.com', 'ssh-ed25519']],
    ['ssh-rsa-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com', ['rsa-sha2-256-cert-v01@openssh.com']],
    ['-*cert*,ecdsa*', ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256']],
  ])('are left in or out by HostKeyAlgorithms %s', (hostKeyAlgorithms, expected) => {
    expect(hostKeys({ hostKeyAlgorithms })).toEqual(expected);
  });

  it('never sign with SHA-1, whoever asks for it', () => {
    const spec = '+ssh-rsa-cert-v01@openssh.com,ssh-dss-cert-v01@openssh.com';
    expect(hostKeys({ hostKeyAlgorithms: spec })).toEqual(hostKeys());
    const authorities = (caSignatureAlgorithms?: string) => authoritySignaturesFor(config({ caSignatureAlgorithms }));
    expect(authorities('+ssh-rsa,ssh-dss')).toEqual(authorities());
    expect(authorities('ssh-rsa')).toEqual([]);
    expect(authorities('-ecdsa*,ssh-ed25519')).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
  });

  it('alone are an error where there is no authority', () => {
    const hostKeyAlgorithms = 'ssh-ed25519-cert-v01@openssh.com';
    expect(() => offerFor(config({ hostKeyAlgorithms }), [])).toThrow(/^h: HostKeyAlgorithms/);
  });
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
