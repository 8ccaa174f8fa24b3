import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInNetwork, parseAddress, parseNetwork, sourceOf } from '../../src/aaa/address.ts';
import { parseExpiry } from '../../src/aaa/expiry.ts';
import { SourcePatterns } from '../../src/aaa/source-patterns.ts';

describe('an address', () => {
  it.each([
    ['10.1.2.3', [10, 1, 2, 3]],
    ['::ffff:10.1.2.3', [10, 1, 2, 3]],
    ['::ffff:a01:203', [10, 1, 2, 3]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:db8::', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['fe80::1%eth0', [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['1:2:3:4:5:6:7:8', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ])('%s is read', (text, bytes) => {
    expect(parseAddress(text)).toEqual(bytes);
  });

  it.each(['', 'host', '10.1.2', '1.2.3.4.5', ':::', '10.0.0.0/8'])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.128/25', '192.0.2.200', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
  ])('%s has %s in it: %s', (text, address, expected) => {
    const network = parseNetwork(text);
    if (network === undefined || network === 'host bits') throw new Error('no network');
    expect(isInNetwork(parseAddress(address) ?? [], network)).toBe(expected);
  });

  it.each(['10.0.0.1/8', '10.0.0.0/33', '::ffff:10.0.0.0/64'])('%s has a mask that does not fit', (text) => {
    expect(parseNetwork(text)).toBe('host bits');
  });

  it('counts as one source with its /64', () => {
    expect(sourceOf('2001:db8:0:1:aaaa::1')).toBe(sourceOf('2001:db8:0:1::2'));
    expect(sourceOf('2001:db8:0:2::1')).not.toBe(sourceOf('2001:db8:0:1::1'));
    expect(sourceOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(sourceOf('unknown')).toBe('unknown');
  });
});

describe('from=', () => {
  it.each<[list: string, address: string, expected: boolean]>([
    ['10.0.0.0/8', '10.1.1.1', true],
    ['10.0.0.0/8', '192.0.2.1', false],
    ['10.0.0.0/8,!10.1.0.0/16', '10.1.1.1', false],
    ['!10.1.0.0/16,10.0.0.0/8', '10.1.1.1', false],
    ['10.0.0.0/8,!10.1.0.0/16', '10.2.1.1', true],
    ['!10.1.0.0/16', '10.2.1.1', false],
    ['192.0.2.*', '192.0.2.77', true],
    ['192.0.2.?', '192.0.2.77', false],
    ['*', '192.0.2.77', true],
    ['*,!192.0.2.*', '192.0.2.77', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['2001:db8::/32', '2001:DB8::1', true],
    ['2001:db8:*', '2001:DB8::1', true],
    ['::1,127.0.0.1', '::1', true],
    ['fe80::1', 'fe80::1%eth0', true],
    ['*.example.org', '192.0.2.1', false],
    ['host.example.org,192.0.2.0/24', '192.0.2.1', true],
    ['*', 'unknown', false],
  ])('"%s" from %s: %s', (list, address, expected) => {
    expect(SourcePatterns.parse(list).allow(address)).toBe(expected);
  });

  it.each([
    ['', 'an empty entry'],
    ['10.0.0.0/8,', 'an empty entry'],
    ['!', 'an empty entry'],
    ['10.0.0.1/8', 'the mask does not fit'],
    ['*,!bad.example.org', 'names are not looked up'],
    ['!*.example.org', 'names are not looked up'],
    [Array(257).fill('*').join(','), 'more than 256'],
  ])('"%s" is refused', (list, reason) => {
    expect(() => SourcePatterns.parse(list)).toThrow(reason);
  });

  it('a negated entry that matches always keeps out, wherever it stands', () => {
    const address = fc.ipV4();
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('*', '10.0.0.0/8', '0.0.0.0/0', '192.*')),
        address,
        fc.nat(),
        (list, from, at) => {
          const entries: string[] = [...list];
          entries.splice(at % (list.length + 1), 0, `!${from}`);
          expect(SourcePatterns.parse(entries.join(',')).allow(from)).toBe(false);
        },
      ),
    );
  });
});

describe('expiry-time=', () => {
  it('is local time, or UTC with a Z', () => {
    expect(parseExpiry('20300102')).toBe(new Date(2030, 0, 2).getTime());
    expect(parseExpiry('203001021530')).toBe(new Date(2030, 0, 2, 15, 30).getTime());
    expect(parseExpiry('20300102153045')).toBe(new Date(2030, 0, 2, 15, 30, 45).getTime());
    expect(parseExpiry('20300102Z')).toBe(Date.UTC(2030, 0, 2));
    expect(parseExpiry('20300102153045Z')).toBe(Date.UTC(2030, 0, 2, 15, 30, 45));
  });

  it.each(['', '2030', '20301301', '20300230', '203001022460', '2030010299', '20300102T00', 'never', '20300102+01'])(
    '%j is refused',
    (text) => {
      expect(() => parseExpiry(text)).toThrow(RangeError);
    },
  );
});
