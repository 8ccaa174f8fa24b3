import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Backoff } from '../../../src/cli/serve/backoff.ts';
import { readServeOptions } from '../../../src/cli/serve/options.ts';

it.each([
  [['-c', 'f.yaml'], { kind: 'configured', config: resolve('f.yaml'), verbose: false }],
  [['-c', 'f.yaml', '-v'], { kind: 'configured', verbose: true }],
  [['--check', '-c', 'f.yaml', '--json'], { kind: 'check', json: true }],
  [['status', '-c', 'f.yaml'], { kind: 'control', command: 'status', config: resolve('f.yaml'), watch: false }],
  [['status', '--watch', '--state', 'd'], { kind: 'control', state: resolve('d'), watch: true }],
  [['kick', '2.17', '--json'], { kind: 'control', command: 'kick', id: '2.17', json: true }],
  [['--listen', '[::1]:5'], { kind: 'quick', listen: [{ address: '::1', port: 5 }] }],
  [['--help', '--bad-with', 'help'].slice(0, 1), { kind: 'help' }],
])('%j', (args, expected) => {
  expect(readServeOptions(args)).toMatchObject(expected);
});

it.each([
  [['-c', 'f', '--data', 'd'], '--data and -c exclude each other'],
  [['-c', 'f', '--user', 'u'], '--user and -c exclude each other'],
  [['-c', 'f', '--state', 's'], '--state and -c exclude each other'],
  [['-c', 'f', '--json'], '--json needs --check here'],
  [['--check'], '--check needs -c FILE'],
  [['--watch'], '--watch is for sealift serve status'],
  [['sessions', '--watch'], '--watch is for sealift serve status'],
  [['kick'], 'one session is needed'],
  [['kick', '1', '2'], 'one session is needed'],
  [['status', 'x'], 'takes no further words'],
  [['restart'], 'no such command; there are status, sessions, transfers and kick'],
  [['status', '--data', 'd'], '--data is not for sealift serve status'],
])('%j is a wrong command line', (args, message) => {
  expect(() => readServeOptions(args)).toThrow(message);
});

it('a process that does not stay is started again ever later, and soon where it had stayed', () => {
  const backoff = new Backoff();
  expect([1, 1, 1].map((ran) => backoff.after(ran))).toEqual([500, 1000, 2000]);
  for (let i = 0; i < 20; i++) backoff.after(1);
  expect(backoff.after(1)).toBe(60_000);
  expect(backoff.after(60_000)).toBe(500);
});
