import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type HostKeyPolicy, knownOfHost, verifyHostKey } from '../../src/ssh/host-key-check.ts';
import { fingerprint } from '../../src/ssh/known-hosts/fingerprint.ts';
import { hashName, knownHostsName } from '../../src/ssh/known-hosts/match.ts';
import { tempDirectory } from '../support/temp.ts';
import { makeCertificate, makeKey, type TestFields, type TestKey } from './certificates/make-certificate.ts';
import { scriptedPrompter } from './scripted-prompter.ts';

const host = makeKey();
const authority = makeKey('ecdsa-sha2-nistp256');
const other = makeKey();
const line = (names: string, key: TestKey, marker = ''): string =>
  `${marker}${marker && ' '}${names} ${key.type} ${key.blob.toString('base64')}`;
const trusting = (names: string, key = authority): string => line(names, key, '@cert-authority');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_500_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What becomes of a certificate: undefined where it is accepted. */
async function judge(
  knownHosts: readonly string[],
  options: {
    readonly fields?: TestFields;
    readonly by?: TestKey;
    readonly shown?: Buffer;
  } & Partial<HostKeyPolicy> = {},
) {
  const { fields, by = authority, shown, ...policy } = options;
  const directory = await tempDirectory();
  const file = join(directory, 'known_hosts');
  await writeFile(file, knownHosts.map((text) => `${text}\n`).join(''));
  const prompter = scriptedPrompter('yes', 'yes');
  const whole: HostKeyPolicy = {
    host: 'example.org',
    port: 22,
    strict: 'ask',
    userKnownHostsFiles: [file],
    globalKnownHostsFiles: [],
    prompter,
    ...policy,
  };
  const { authority: known } = await knownOfHost(whole);
  const error = await verifyHostKey(whole, shown ?? makeCertificate(host, by, fields), { certificates: true }).then(
    () => undefined,
    (reason: Error & { code?: string; cure?: string }) => reason,
  );
  // Whatever comes of it: nobody is asked, and nothing is written.
  expect(prompter.questions).toEqual([]);
  expect(await readFile(file, 'utf8')).toBe(knownHosts.map((text) => `${text}\n`).join(''));
  if (error !== undefined) expect(error.code).toBe('ERR_HOST_KEY');
  return { error, message: error?.message, known, told: prompter.told.join('\n') };
}

describe('a host with an authority and a certificate of it', () => {
  it.each([
    ['by name', 'example.org', {}],
    ['by pattern', '*.org,!evil.org', {}],
    ['by any pattern', '*', { port: 2222 }],
    ['by a hashed name', hashName('example.org', Buffer.alloc(20, 3)), {}],
    ['by a hashed name with port', hashName(knownHostsName('example.org', 2222), Buffer.alloc(20, 3)), { port: 2222 }],
    ['by name and port', '[example.org]:2222', { port: 2222 }],
    ['by the name without the port', 'example.org', { port: 2222 }],
    ['written in capitals', 'EXAMPLE.org', { host: 'Example.ORG' }],
    ['by its alias', 'the-alias', { hostKeyAlias: 'The-Alias', port: 2222, fields: { principals: ['the-alias'] } }],
  ])('is accepted %s', async (_, names, options) => {
    const result = await judge([trusting(names)], options);
    expect(result).toMatchObject({ message: undefined, known: true });
  });

  it('is accepted by any of several authorities, in any of several lines', async () => {
    expect((await judge([trusting('*', other), trusting('*')])).message).toBeUndefined();
  });

  it.each(['yes', 'no', 'accept-new'] as const)('is accepted under StrictHostKeyChecking %s', async (strict) => {
    expect((await judge([trusting('*')], { strict })).message).toBeUndefined();
  });

  it('is accepted whatever plain key was known before', async () => {
    expect((await judge([line('example.org', other), trusting('*')])).message).toBeUndefined();
  });

  it.each([
    ['negated', '*,!example.org', {}],
    ['of another host', 'other.org', {}],
    ['of another port', '[example.org]:2022', { port: 2222 }],
    ['of the name, not the alias', 'example.org', { hostKeyAlias: 'alias', fields: { principals: ['alias'] } }],
  ])('is refused where the line of the authority is %s', async (_, names, options) => {
    const result = await judge([trusting(names)], options);
    expect(result.known).toBe(false);
    expect(result.message).toMatch(/the certificate of the host is by an unknown authority/);
  });

  it('is not accepted by an authority without port where another has the port', async () => {
    const lines = [trusting('example.org'), trusting('[example.org]:2222', other)];
    expect((await judge(lines, { port: 2222 })).message).toMatch(/unknown authority/);
  });

  it('is not accepted by a line of the authority that is no authority line', async () => {
    expect((await judge([line('example.org', authority)])).message).toMatch(/unknown authority/);
  });
});

const faults: [string, TestFields, RegExp][] = [
  ['expired', { validBefore: 1499n }, /expired at 1970-01-01T00:24:59Z/],
  ['not valid yet', { validAfter: 1501n }, /not valid before/],
  ['for another name', { principals: ['other.org'] }, /is for other.org, not for example.org/],
  ['for no name', { principals: [] }, /names no host/],
  ['for users', { role: 1 }, /for users/],
  ['with a critical option', { criticalOptions: ['verify-required'] }, /critical options/],
  ['signed by somebody else', { signature: makeKey().sign(Buffer.alloc(3)) }, /wrong signature/],
];

describe('a certificate that is', () => {
  it.each(faults)('%s is refused with the reason, the place and a cure', async (_, fields, expected) => {
    for (const strict of ['yes', 'ask', 'accept-new', 'no'] as const) {
      const { error, message } = await judge(['# first', trusting('*')], { fields, strict });
      expect(message).toMatch(expected);
      expect(message).toMatch(/authority for the host is at .*known_hosts:2\)/);
      expect(error?.cure).toContain('administrator');
    }
  });

  it.each(faults)('%s does no harm where the plain key is known', async (_, fields) => {
    expect((await judge([trusting('*'), line('example.org', host)], { fields })).message).toBeUndefined();
  });

  it.each(faults)('%s is refused with the warning where another plain key is known', async (_, fields, expected) => {
    const result = await judge([trusting('*'), line('example.org', other)], { fields });
    expect(result.message).toMatch(/the host key changed/);
    expect(result.told).toMatch(expected);
    expect(result.told).toMatch(/DANGER/);
  });

  it.each(faults)(
    '%s is refused where a plain key of another type is known, and how to see that',
    async (_, fields, expected) => {
      const { error, told } = await judge([trusting('*'), line('example.org', makeKey('ecdsa-sha2-nistp384'))], {
        fields,
      });
      expect(error?.message).toMatch(expected);
      expect(error?.cure).toMatch(/known_hosts:2.*-o HostKeyAlgorithms=-\*-cert-v01@openssh.com/);
      expect(told).toBe('');
    },
  );

  it('malformed is refused even where the plain key is known', async () => {
    const whole = makeCertificate(host, authority);
    for (const shown of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.of(0)]), Buffer.alloc(3)]) {
      const { message } = await judge([trusting('*'), line('example.org', host)], { shown });
      expect(message).toMatch(/could not be checked: (malformed certificate|the host key is malformed)/);
    }
  });

  it('signed in a way that CASignatureAlgorithms forbids is refused', async () => {
    expect((await judge([trusting('*')], { authoritySignatures: ['ssh-ed25519'] })).message).toMatch(/not accepted/);
    expect((await judge([trusting('*')], { authoritySignatures: [] })).message).toMatch(/not accepted/);
  });
});

describe('what is revoked is refused:', () => {
  it.each([
    ['the authority', authority, /the authority of the host's certificate is revoked/],
    ['the host key', host, /the ED25519 host key is revoked/],
  ])('%s', async (_, key, expected) => {
    const known = [trusting('*'), line('example.org', host)];
    expect((await judge([...known, line('*', key, '@revoked')])).message).toMatch(expected);
    expect((await judge([...known, line('example.org', key, '@revoked')], { port: 2222 })).message).toMatch(expected);
    const revokedHostKeysFile = join(await tempDirectory(), 'revoked');
    await writeFile(revokedHostKeysFile, `${key.type} ${key.blob.toString('base64')}\n`);
    expect((await judge(known, { revokedHostKeysFile })).message).toMatch(expected);
  });

  it('the certificate itself', async () => {
    const revokedHostKeysFile = join(await tempDirectory(), 'revoked');
    const shown = makeCertificate(host, authority);
    await writeFile(revokedHostKeysFile, `ssh-ed25519-cert-v01@openssh.com ${shown.toString('base64')}\n`);
    expect((await judge([trusting('*')], { shown, revokedHostKeysFile })).message).toMatch(
      /the certificate of the host is/,
    );
  });

  it('nothing, where the entry is about another host', async () => {
    const lines = [trusting('*'), line('other.org', authority, '@revoked'), line('other.org', host, '@revoked')];
    expect((await judge(lines)).message).toBeUndefined();
  });

  it('everything, where the list cannot be read', async () => {
    const revokedHostKeysFile = join(await tempDirectory(), 'missing');
    expect((await judge([trusting('*')], { revokedHostKeysFile })).message).toMatch(/could not be checked/);
  });
});

describe('pinned keys', () => {
  it('are compared with the plain key, and nothing else counts', async () => {
    const pin = `${host.type} ${host.blob.toString('base64')}`;
    expect((await judge([], { pins: [pin] })).message).toBeUndefined();
    expect((await judge([], { pins: [fingerprint(host.blob)], fields: { validBefore: 0n } })).message).toBeUndefined();
    const pinned = await judge([trusting('*')], { pins: [fingerprint(authority.blob)] });
    expect(pinned).toMatchObject({ known: false, message: expect.stringContaining('not one of the expected keys') });
    expect(
      (await judge([trusting('*')], { pins: [fingerprint(makeCertificate(host, authority))] })).error,
    ).toBeDefined();
  });
});

describe('a plain key', () => {
  it('of a host with an authority alone is refused, with a cure that fits', async () => {
    const { error } = await judge([trusting('*')], { shown: host.blob });
    expect(error?.message).toMatch(/known only by its certificate authority/);
    expect(error?.cure).toMatch(/certificate of this authority/);
    expect((await judge([trusting('*')], { shown: authority.blob })).message).toMatch(/known only by its/);
  });
});
