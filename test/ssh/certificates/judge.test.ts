import { describe, expect, it } from 'vitest';
import { authoritySignatures, type CertificateUse, certificateFault } from '../../../src/ssh/certificates/judge.ts';
import { certificateAlgorithms, hostKeyType, plainName } from '../../../src/ssh/certificates/names.ts';
import { parseCertificate } from '../../../src/ssh/certificates/parse.ts';
import { makeCertificate, makeKey, string, type TestFields, type TestKey } from './make-certificate.ts';

const host = makeKey();
const authority = makeKey();
const rsaAuthority = makeKey('ssh-rsa');

function fault(fields: TestFields = {}, use: Partial<CertificateUse> = {}, by: TestKey = authority) {
  return certificateFault(parseCertificate(makeCertificate(host, by, fields)), {
    name: 'example.org',
    now: 1500n,
    authorities: [makeKey().blob, authority.blob, rsaAuthority.blob],
    signatures: authoritySignatures,
    ...use,
  });
}

describe('a certificate', () => {
  it('is accepted for its host, from an authority, in its time', () => {
    expect(fault()).toBeUndefined();
    expect(fault({}, {}, rsaAuthority)).toBeUndefined();
  });

  it.each([
    [999n, /not valid before 1970-01-01T00:16:40Z/],
    [1000n, undefined],
    [1999n, undefined],
    [2000n, /expired at 1970-01-01T00:33:20Z/],
  ])('at second %s', (now, expected) => {
    if (expected === undefined) expect(fault({}, { now })).toBeUndefined();
    else expect(fault({}, { now })).toMatch(expected);
  });

  it('can hold for ever, and never', () => {
    const forever = { validAfter: 0n, validBefore: 2n ** 64n - 1n };
    expect(fault(forever, { now: 0n })).toBeUndefined();
    expect(fault(forever, { now: 2n ** 63n })).toBeUndefined();
    expect(fault({ validAfter: 1500n, validBefore: 1500n })).toMatch(/expired/);
    expect(fault({ validAfter: 2n ** 64n - 1n })).toMatch(/not valid before second 18446744073709551615/);
  });

  it.each([
    [['example.org'], true],
    [['other.org', 'example.org'], true],
    [['*.org'], false],
    [['*'], false],
    [['exampl?.org'], false],
    [['other.org'], false],
    [['Example.org'], false],
    [['example.org.'], false],
    [['example.org:22'], false],
    [['[example.org]:22'], false],
    [['example.org,other.org'], false],
    [['!other.org'], false],
    [['*.example.org'], false],
    [[''], false],
  ])('for %j is accepted for example.org: %s', (principals, expected) => {
    expect(fault({ principals }) === undefined).toBe(expected);
  });

  it('names some of the hosts it is for, printable', () => {
    const principals = ['a\u001b[2J', 'b', 'c', 'd', 'e'];
    expect(fault({ principals })).toBe('is for a\\033[2J, b, c, d, …, not for example.org');
  });

  it.each([
    ['no names', { principals: [] }, /names no host/],
    ['users in mind', { role: 1 }, /users/],
    ['a critical option', { criticalOptions: ['force-command'] }, /critical options.*force-command/],
  ])('with %s is refused', (_, fields, expected) => {
    expect(fault(fields)).toMatch(expected);
  });

  it('may have extensions', () => {
    expect(fault({ extensions: ['permit-pty', 'unknown@example.org'] })).toBeUndefined();
  });

  it('is refused from an authority that is not known, even the host itself', () => {
    expect(fault({}, { authorities: [] })).toMatch(/unknown authority, ED25519 SHA256:/);
    expect(fault({}, {}, makeKey())).toMatch(/unknown authority/);
    expect(fault({}, {}, host)).toMatch(/unknown authority/);
  });

  it('is refused where somebody else signed in the name of an authority', () => {
    expect(fault({ signatureKey: authority.blob }, {}, makeKey())).toBe('has a wrong signature');
  });

  it.each([
    ['ssh-rsa', authoritySignatures],
    ['ssh-rsa', [...authoritySignatures, 'ssh-rsa']],
    ['rsa-sha2-256', ['rsa-sha2-512', 'ssh-ed25519']],
    ['rsa-sha2-512', []],
  ])('signed with %s is refused where %j may be', (algorithm, signatures) => {
    expect(fault({ algorithm }, { signatures }, rsaAuthority)).toMatch(/is signed with .*not accepted/);
  });

  it('of a security key is refused even where that is the authority', () => {
    const type = 'sk-ssh-ed25519@openssh.com';
    const signatureKey = Buffer.concat([string(type), string(Buffer.alloc(32)), string('ssh:')]);
    const signature = Buffer.concat([string(type), string(Buffer.alloc(64)), Buffer.alloc(5)]);
    const use = { authorities: [signatureKey], signatures: [...authoritySignatures, type] };
    expect(fault({ signatureKey, signature }, use)).toMatch(/is signed with sk-ssh-ed25519@openssh.com/);
  });
});

it('the names of algorithms and types belong together', () => {
  expect(certificateAlgorithms.map(plainName)).toEqual(authoritySignatures);
  expect(certificateAlgorithms.map(hostKeyType)).toEqual([
    'ssh-ed25519-cert-v01@openssh.com',
    'ecdsa-sha2-nistp256-cert-v01@openssh.com',
    'ecdsa-sha2-nistp384-cert-v01@openssh.com',
    'ecdsa-sha2-nistp521-cert-v01@openssh.com',
    'ssh-rsa-cert-v01@openssh.com',
    'ssh-rsa-cert-v01@openssh.com',
  ]);
});
