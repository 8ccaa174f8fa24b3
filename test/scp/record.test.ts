import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName } from '../../src/base/byte-name.ts';
import { ProtocolError } from '../../src/base/errors.ts';
import { encodeRecord, parseRecord } from '../../src/scp/record.ts';

const parse = (text: string) => parseRecord(Buffer.from(text, 'latin1'));

describe('control records', () => {
  it.each([
    ['C0644 20 scptest.cfg', { type: 'C', mode: 0o644, size: 20, name: 'scptest.cfg' }],
    ['C4755 0  lead', { type: 'C', mode: 0o4755, size: 0, name: ' lead' }],
    ['C0600 9007199254740991 x', { type: 'C', mode: 0o600, size: Number.MAX_SAFE_INTEGER, name: 'x' }],
    ['D0755 0 dir', { type: 'D', mode: 0o755, size: 0, name: 'dir' }],
    ['D0755 0 ', { type: 'D', mode: 0o755, size: 0, name: '' }],
    ['C0644 1 a\\^Jb\\\\c', { type: 'C', mode: 0o644, size: 1, name: 'a\nb\\c' }],
    [
      'T1700000000 5 1600000000 999999',
      { type: 'T', mtimeSeconds: 1700000000, mtimeMicros: 5, atimeSeconds: 1600000000, atimeMicros: 999999 },
    ],
    ['T99999999999999999999 0 1 0', undefined],
    ['E', { type: 'E' }],
  ])('reads %j', (line, record) => {
    expect(parse(line)).toEqual(record);
  });

  it.each([
    ['C9999 1 a', 'bad mode'],
    ['C648 1 a', 'bad mode'],
    ['C0648 1 a', 'bad mode'],
    ['C00644 1 a', 'mode not delimited'],
    ['C0644 -1 a', 'size not present'],
    ['C0644  1 a', 'size not present'],
    ['C0644 a', 'size not present'],
    ['C0644 0x10 a', 'size not delimited'],
    ['C0644 1', 'size not delimited'],
    ['C0644 9007199254740992 a', 'size out of range'],
    ['C0644 99999999999999999999 a', 'size out of range'],
    ['T-1 0 1 0', 'mtime.sec not present'],
    ['T1', 'mtime.sec not delimited'],
    ['T1 -5 1 0', 'mtime.usec not delimited'],
    ['T1 1000000 1 0', 'mtime.usec not delimited'],
    ['T1 0 x 0', 'atime.sec not present'],
    ['T1 0 1', 'atime.sec not delimited'],
    ['T1 0 1 0 ', 'atime.usec not delimited'],
    ['Exit', 'expected control record'],
    ['X', 'expected control record'],
    ['', 'expected control record'],
  ])('refuses %j: %s', (line, reason) => {
    expect(() => parse(line)).toThrow(new ProtocolError(`protocol error: ${reason}`));
  });

  it('writes what it reads, byte for byte', () => {
    expect(encodeRecord({ type: 'C', mode: 0o644, size: 20, name: 'a b' }).toString('latin1')).toBe('C0644 20 a b\n');
    expect(encodeRecord({ type: 'D', mode: 0o40755, size: 0, name: 'd' }).toString('latin1')).toBe('D0755 0 d\n');
    const times = { type: 'T', mtimeSeconds: 1, mtimeMicros: 0, atimeSeconds: 2, atimeMicros: 0 } as const;
    expect(encodeRecord(times).toString('latin1')).toBe('T1 0 2 0\n');
    expect(encodeRecord({ type: 'E' }).toString('latin1')).toBe('E\n');
  });

  it('brings every name of bytes back, also those with line feeds, backslashes and bytes that are not UTF-8', () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 60 })
      .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f));
    const nearlyEncoded = fc
      .array(fc.constantFrom('\\', '^', 'J', '\n', 'a'), { minLength: 1, maxLength: 12 })
      .map((x) => Buffer.from(x.join('')));
    fc.assert(
      fc.property(fc.oneof(name, nearlyEncoded), fc.nat(0o7777), fc.maxSafeNat(), (bytes, mode, size) => {
        const record = { type: 'C' as const, mode, size, name: decodeName(bytes) };
        const line = encodeRecord(record);
        expect(line.indexOf(0x0a)).toBe(line.length - 1);
        expect(parseRecord(line.subarray(0, -1))).toEqual(record);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['\\M-C\\M-)\\^Jx', 'é\nx'],
    ['\\^A\\^J', '\u0001\n'],
    ['\\^?\\M^A\\^J', '\u007f\udc81\n'],
    ['a\\\\M-C\\^J', 'a\\M-C\n'],
    ['plain\\M-C', 'plain\\M-C'],
  ])('brings the name %j back, as OpenSSH encodes it', (encoded, name) => {
    expect(parse(`C0644 0 ${encoded}`)).toMatchObject({ name });
  });

  it('gives a record or a ProtocolError for any bytes', () => {
    const start = fc.constantFrom('C', 'D', 'T', 'E', 'C0644 ', 'T1 0 ', '');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), (head, tail) => {
        try {
          parseRecord(Buffer.concat([Buffer.from(head), tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses to write a record longer than 2,047 bytes', () => {
    const record = { type: 'C' as const, mode: 0o644, size: 1, name: 'n'.repeat(2047 - 8) };
    expect(encodeRecord(record)).toHaveLength(2048);
    expect(() => encodeRecord({ ...record, name: `${record.name}n` })).toThrow(RangeError);
  });

  it.each([-1, 1.5, Number.MAX_SAFE_INTEGER + 1])('refuses to write a size of %d', (size) => {
    expect(() => encodeRecord({ type: 'C', mode: 0, size, name: 'x' })).toThrow(RangeError);
  });
});
