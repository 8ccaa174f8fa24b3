import { expect, it } from 'vitest';
import { formatListenAddress, isLoopback, readListenAddress } from '../../src/server/listen-address.ts';
import { networkMatcher } from '../../src/server/networks.ts';

it.each([
  ['10.0.0.0/8', '10.200.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7', '192.0.2.8', false],
  ['2001:db8::/32', '2001:db8:1::1', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['::/0', 'unknown', false],
])('%s and %s: %j', (network, address, expected) => {
  expect(networkMatcher([network])(address)).toBe(expected);
});

it.each(['', 'x', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/-1', '::/129', '10.0.0.0/8/8', 'localhost', '10.0.0.1/8'])(
  '%j is no network',
  (text) => {
    expect(() => networkMatcher([text])).toThrow(RangeError);
  },
);

it.each([
  ['127.0.0.1:22', '127.0.0.1', 22],
  ['[::1]:0', '::1', 0],
  ['name.example:2222', 'name.example', 2222],
])('%s is an address', (text, address, port) => {
  expect(readListenAddress(text)).toEqual({ address, port });
  expect(formatListenAddress({ address, port })).toBe(text);
});

it.each(['', '22', ':22', '::1:22', '1.2.3.4:65536', '1.2.3.4:', 'a b:1', '[::1]22'])('%j is no address', (text) => {
  expect(readListenAddress(text)).toBeUndefined();
});

it.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.example', false],
  ['::2', false],
])('%s is reached only from this machine: %j', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
