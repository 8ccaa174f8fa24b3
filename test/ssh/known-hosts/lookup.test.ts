import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobType, fingerprint } from '../../../src/ssh/known-hosts/fingerprint.ts';
import { knownKeyTypes, lookUpHostKey } from '../../../src/ssh/known-hosts/lookup.ts';
import { entryMatches, hashName, knownHostsName } from '../../../src/ssh/known-hosts/match.ts';
import { parseKnownHosts } from '../../../src/ssh/known-hosts/parse.ts';

function blob(type: string, seed: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.alloc(36, seed)]);
}
const ed = blob('ssh-ed25519', 1);
const otherEd = blob('ssh-ed25519', 2);
const rsa = blob('ssh-rsa', 3);
const line = (names: string, key: Buffer, marker = ''): string =>
  `${marker}${marker && ' '}${names} ${blobType(key)} ${key.toString('base64')} a comment`;
const lookUp = (
  text: string,
  key: Buffer,
  query: { host?: string; port?: number; alias?: string; address?: string } = {},
) => lookUpHostKey(parseKnownHosts(text, 'kh'), { host: 'example.org', port: 22, ...query }, key, blobType(key) ?? '');

describe('a name of known_hosts', () => {
  it.each([
    ['example.org', 'example.org', true],
    ['Example.ORG', 'example.org', true],
    ['example.org,10.0.0.1', '10.0.0.1', true],
    ['*.org', 'example.org', true],
    ['ex?mple.org', 'example.org', true],
    ['*', 'anything', true],
    ['*.org,!example.org', 'example.org', false],
    ['!example.org,*.org', 'example.org', false],
    ['!other.org', 'example.org', false],
    ['[example.org]:2222', '[example.org]:2222', true],
    ['[example.org]:2222', 'example.org', false],
    ['example.org', '[example.org]:2222', false],
    ['[*.org]:22*', '[example.org]:2222', true],
    ['[::1]:2222', '[::1]:2222', true],
    ['', 'example.org', false],
    ['|1|broken', 'example.org', false],
    ['|2|AAAA|AAAA', 'example.org', false],
  ])('%s against %s: %s', (names, name, expected) => {
    expect(entryMatches({ names }, name)).toBe(expected);
  });

  it('matches its own hash and no other name', () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 1, max: 65535 }), (host, port) => {
        const names = hashName(knownHostsName(host, port), randomBytes(20));
        expect(entryMatches({ names }, knownHostsName(host, port))).toBe(true);
        expect(entryMatches({ names }, knownHostsName(`x${host}`, port))).toBe(false);
      }),
    );
  });

  it('takes no time to speak of for a pattern of many stars', () => {
    const names = `${'*a'.repeat(200)}b`;
    const before = performance.now();
    expect(entryMatches({ names }, 'a'.repeat(1000))).toBe(false);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('parsing known_hosts', () => {
  it('leaves out comments, empty lines, unknown markers, SSH 1 keys and broken keys', () => {
    const text = [
      '# comment',
      '',
      '   ',
      'example.org 1024 35 1234567890',
      '@unknown example.org ssh-ed25519 AAAA',
      'example.org ssh-rsa !!!!',
      `example.org ssh-rsa ${ed.toString('base64')}`,
      'example.org',
      `\t ${line('example.org', ed)}\r`,
    ].join('\n');
    expect(parseKnownHosts(text, 'kh')).toMatchObject([{ line: 9, names: 'example.org', type: 'ssh-ed25519' }]);
  });

  it('takes any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => Array.isArray(parseKnownHosts(text, 'kh'))));
  });

  it('accepts nothing for noise', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        expect(lookUp(lines.join('\n'), ed).kind).toBe('unknown');
      }),
    );
  });
});

describe('a presented key', () => {
  it.each([
    ['matches its entry', [line('example.org', ed)], {}, 'match'],
    ['matches any of several entries', [line('example.org', otherEd), line('example.org', ed)], {}, 'match'],
    ['is unknown for another host', [line('other.org', ed)], {}, 'unknown'],
    ['is unknown where nothing is known', [], {}, 'unknown'],
    ['changed', [line('example.org', otherEd)], {}, 'changed'],
    ['changed when only another type is known', [line('example.org', rsa)], {}, 'changed'],
    ['is revoked even where it matches too', [line('example.org', ed), line('*', ed, '@revoked')], {}, 'revoked'],
    ['is not revoked for another host', [line('example.org', ed), line('other', ed, '@revoked')], {}, 'match'],
    ['is not what a certificate authority accepts', [line('*', ed, '@cert-authority')], {}, 'unknown'],
    ['matches under its port', [line('[example.org]:2222', ed)], { port: 2222 }, 'match'],
    ['is confirmed by the entry without port', [line('example.org', ed)], { port: 2222 }, 'match'],
    ['is not made changed by the entry without port', [line('example.org', otherEd)], { port: 2222 }, 'unknown'],
    ['is revoked by the entry without port', [line('example.org', ed, '@revoked')], { port: 2222 }, 'revoked'],
    [
      'is looked up under the alias alone',
      [line('example.org', otherEd), line('alias', ed)],
      { alias: 'Alias' },
      'match',
    ],
    [
      'changed when the address says so',
      [line('example.org', ed), line('10.0.0.1', otherEd)],
      { address: '10.0.0.1' },
      'changed',
    ],
    ['matches when the address is unknown', [line('example.org', ed)], { address: '10.0.0.1' }, 'match'],
  ])('%s', (_, lines, query, kind) => {
    expect(lookUp(lines.join('\n'), ed, query).kind).toBe(kind);
  });

  it('names the place of the entry that contradicts it', () => {
    expect(lookUp(`# one\n\n${line('example.org', otherEd)}`, ed)).toMatchObject({
      kind: 'changed',
      sameType: true,
      entry: { file: 'kh', line: 3 },
    });
  });

  it('is unknown when the known types were not offered', () => {
    const entries = parseKnownHosts(line('example.org', rsa), 'kh');
    const query = { host: 'example.org', port: 22 };
    expect(lookUpHostKey(entries, query, ed, 'ssh-ed25519', (type) => type !== 'ssh-rsa').kind).toBe('unknown');
    expect(knownKeyTypes(entries, query)).toEqual(['ssh-rsa']);
  });

  it('has the fingerprint that ssh-keygen shows', () => {
    const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
    expect(fingerprint(Buffer.from(key, 'base64'))).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
  });
});
