import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSshArguments } from '../../../src/ssh/config/arguments.ts';

const values = (...args: string[]): string[] =>
  parseSshArguments(args).values.map(([keyword, value]) => `${keyword}=${value.text}`);

it.each([
  [['-i', 'key'], ['identityfile=key']],
  [['-ikey'], ['identityfile=key']],
  [['-oBatchmode=yes'], ['batchmode=yes']],
  [['-o', 'User me'], ['user=me']],
  [['-o', 'ProxyCommand = nc %h %p'], ['proxycommand=nc %h %p']],
  [
    ['-4Cp', '22'],
    ['addressfamily=inet', 'compression=yes', 'port=22'],
  ],
  [
    ['-J', 'a,b', '-c', 'aes128-ctr'],
    ['proxyjump=a,b', 'ciphers=aes128-ctr'],
  ],
  [['-B'], ['batchmode=yes']],
  [['-A', '-x'], []],
])('%j gives %j', (args, expected) => {
  expect(values(...args)).toEqual(expected);
});

it('counts -v, sees -q and takes the first -F', () => {
  expect(parseSshArguments(['-vq', '-v', '-F', 'a', '-Fb'])).toMatchObject({
    verbosity: 2,
    quiet: true,
    configFile: 'a',
  });
});

it('lists what it does not understand', () => {
  expect(parseSshArguments(['-Z', 'word', '-o', 'nonsense', '-p']).unknown).toEqual([
    '-Z',
    'word',
    '-o nonsense',
    '-p',
  ]);
});

it('takes any words', () => {
  fc.assert(fc.property(fc.array(fc.string()), (args) => parseSshArguments(args).values.length >= 0));
});
