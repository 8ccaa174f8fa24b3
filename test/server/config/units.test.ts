import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearest } from '../../../src/server/config/nearest.ts';
import { formatBytes, formatMilliseconds, readDuration, readSize } from '../../../src/server/config/units.ts';

it.each([
  ['0', 0],
  ['4096', 4096],
  ['10 GiB', 10 * 1024 ** 3],
  ['1.5 kB', 1500],
  ['1TiB', 1024 ** 4],
  ['1.0001 kB', undefined],
  ['9007199254740992', undefined],
  ['-1', undefined],
  ['1 gib', undefined],
  ['1  GiB', undefined],
  ['constructor', undefined],
  ['', undefined],
])('the size %j', (text, bytes) => {
  expect(readSize(text)).toBe(bytes);
});

it.each([
  ['500 ms', 500],
  ['2 min', 120_000],
  ['1.5 h', 5_400_000],
  ['7d', 604_800_000],
  ['30', undefined],
  ['30 sec', undefined],
  ['1e3 s', undefined],
])('the time %j', (text, milliseconds) => {
  expect(readDuration(text)).toBe(milliseconds);
});

it('what is formatted is read back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(readSize(formatBytes(value))).toBe(value);
      expect(readDuration(formatMilliseconds(value))).toBe(value);
    }),
  );
});

it('a word is taken for its neighbour, and not for a stranger', () => {
  expect(nearest('uesrs', ['users', 'rights'])).toBe('users');
  expect(nearest('host_keys', ['host-keys'])).toBe('host-keys');
  expect(nearest('xyz', ['users', 'log'])).toBeUndefined();
  expect(nearest('x'.repeat(1_000_000), ['users'])).toBeUndefined();
});
