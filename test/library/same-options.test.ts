import { expect, it } from 'vitest';
import type { HostOptions } from '../../src/library/host-options.ts';
import { sameOptions } from '../../src/library/same-options.ts';

const log = { level: 0, debug() {} };
const options = (): HostOptions => ({
  host: 'h',
  user: 'u',
  hostKeys: ['SHA256:a', 'SHA256:b'],
  privateKey: [Buffer.from('key'), 'text'],
  environment: { home: '/h', variables: { A: 'b' } },
  log,
});

it('options are the same where every value is, given or not', () => {
  expect(sameOptions(options(), options())).toBe(true);
  expect(sameOptions(options(), { ...options(), password: undefined })).toBe(true);
});

it.each<[string, Partial<HostOptions>]>([
  ['a port', { port: 22 }],
  ['another pin', { hostKeys: ['SHA256:a', 'SHA256:c'] }],
  ['a pin less', { hostKeys: ['SHA256:a'] }],
  ['no pin', { hostKeys: undefined }],
  ['another key', { privateKey: [Buffer.from('kex'), 'text'] }],
  ['a password', { password: 'p' }],
  ['another variable', { environment: { home: '/h', variables: { A: 'c' } } }],
  ['another log', { log: { ...log, debug() {} } }],
  ['a signal', { signal: new AbortController().signal }],
])('they are not with %s', (_what, other) => {
  expect(sameOptions(options(), { ...options(), ...other })).toBe(false);
  expect(sameOptions({ ...options(), ...other }, options())).toBe(false);
});

it('two signals are two, however alike', () => {
  const [one, two] = [new AbortController(), new AbortController()];
  expect(sameOptions({ host: 'h', signal: one.signal }, { host: 'h', signal: two.signal })).toBe(false);
});
