import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/base/errors.ts';
import { ByteReader } from '../../src/wire/byte-reader.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';

const reader = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.from(bytes), 'TEST');

function written(write: (writer: ByteWriter) => void, slabBytes?: number): number[] {
  const writer = new ByteWriter(slabBytes);
  write(writer);
  return [...writer.take()];
}

describe('a byte reader', () => {
  it('reads numbers with the high byte first', () => {
    const bytes = reader(0xfe, 0x01, 0x02, 0x03, 0x04, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    expect(bytes.uint8()).toBe(0xfe);
    expect(bytes.uint32()).toBe(0x01020304);
    expect(bytes.uint64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(bytes.remaining).toBe(0);
    bytes.end();
  });

  it('refuses a uint64 that JavaScript cannot count', () => {
    expect(() => reader(0x00, 0x20, 0, 0, 0, 0, 0, 0).uint64()).toThrow(ProtocolError);
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff).uint64()).toThrow('too large');
    expect(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff).uint64Bits()).toBe(2n ** 64n - 1n);
  });

  it('reads strings, names of any bytes, and passes over strings', () => {
    const bytes = reader(0, 0, 0, 2, 0xff, 0x00, 0, 0, 0, 3, 0x61, 0xe9, 0x62, 0, 0, 0, 1, 0x7a, 9, 8);
    expect([...bytes.string()]).toEqual([0xff, 0x00]);
    expect(bytes.name()).toBe('a\udce9b');
    bytes.skipString();
    expect([...bytes.rest()]).toEqual([9, 8]);
  });

  it('refuses strings that are longer than what is there, or than allowed', () => {
    expect(() => reader(0, 0, 0, 2, 1).string()).toThrow('TEST is cut short');
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 1).string()).toThrow(ProtocolError);
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 1).skipString()).toThrow(ProtocolError);
    expect(() => reader(0, 0, 0, 2, 1, 2).string(1)).toThrow('too long');
  });

  it('finds bytes that are too many', () => {
    expect(() => reader(1, 2).end()).toThrow('TEST has 2 bytes too many');
  });

  it.each(['uint8', 'uint32', 'uint64', 'uint64Bits', 'string', 'name', 'skipString'] as const)(
    'gives a value or a ProtocolError for %s of any bytes',
    (method) => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
          try {
            new ByteReader(bytes, 'TEST')[method]();
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }),
      );
    },
  );
});

describe('a byte writer', () => {
  it('writes numbers with the high byte first', () => {
    expect(
      written((writer) => {
        writer.uint8(0xfe);
        writer.uint32(0x01020304);
        writer.uint64(Number.MAX_SAFE_INTEGER);
        writer.uint64Bits(2n ** 64n - 2n);
      }),
    ).toEqual([
      0xfe, 1, 2, 3, 4, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    ]);
  });

  it('writes strings and names of any bytes', () => {
    expect(
      written((writer) => {
        writer.string(Uint8Array.of(7, 8));
        writer.name('aü');
        writer.name('\udce9');
        writer.bytes(Uint8Array.of(5));
      }),
    ).toEqual([0, 0, 0, 2, 7, 8, 0, 0, 0, 3, 0x61, 0xc3, 0xbc, 0, 0, 0, 1, 0xe9, 5]);
  });

  it('refuses numbers that the type does not hold', () => {
    for (const value of [-1, 1.5, 2 ** 53, Number.NaN])
      expect(() => written((writer) => writer.uint64(value))).toThrow(RangeError);
    expect(() => written((writer) => writer.uint32(2 ** 32))).toThrow(RangeError);
    expect(() => written((writer) => writer.uint8(256))).toThrow(RangeError);
  });

  it('fills in a number later and takes back what was written, also where the memory had to grow', () => {
    const writer = new ByteWriter(8);
    writer.uint8(1);
    expect([...writer.take()]).toEqual([1]);
    writer.uint32(0);
    writer.bytes(new Uint8Array(20).fill(3));
    writer.setUint32(0, 0x0a0b0c0d);
    writer.cutTo(6);
    expect(writer.length).toBe(6);
    expect([...writer.take()]).toEqual([0x0a, 0x0b, 0x0c, 0x0d, 3, 3]);
    expect(writer.length).toBe(0);
  });

  it('never touches again what was taken', () => {
    const writer = new ByteWriter(16);
    writer.uint32(1);
    const first = writer.take();
    for (let count = 0; count < 10; count++) writer.uint32(0xffffffff);
    writer.take();
    expect([...first]).toEqual([0, 0, 0, 1]);
  });

  it('writes what the reader reads, at every size of memory', () => {
    const values = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('uint32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }),
        fc.record({ kind: fc.constant('uint64' as const), value: fc.maxSafeNat() }),
        fc.record({ kind: fc.constant('name' as const), value: fc.string({ unit: 'grapheme' }) }),
      ),
    );
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 64 }), (items, slabBytes) => {
        const bytes = written((writer) => {
          for (const { kind, value } of items) {
            if (kind === 'name') writer.name(value);
            else writer[kind](value);
          }
        }, slabBytes);
        const read = new ByteReader(Uint8Array.from(bytes), 'TEST');
        expect(items.map(({ kind }) => read[kind]())).toEqual(items.map(({ value }) => value));
        read.end();
      }),
    );
  });
});
