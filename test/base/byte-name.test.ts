import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, hasRawBytes, osPath } from '../../src/base/byte-name.ts';

describe('names as bytes', () => {
  it('come back byte for byte, whatever they are', () => {
    const nearUtf8 = fc
      .array(
        fc.constantFrom(
          0x41,
          0xc3,
          0xa9,
          0xe2,
          0x82,
          0xac,
          0xf0,
          0x9f,
          0x9a,
          0xa2,
          0xed,
          0xa0,
          0x80,
          0xff,
          0xef,
          0xbf,
          0xbd,
        ),
      )
      .map((b) => Uint8Array.from(b));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), nearUtf8), (bytes) => {
        expect(encodeName(decodeName(bytes))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  it('are ordinary strings where they are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(decodeName(Buffer.from(name, 'utf8'))).toBe(name);
        expect(osPath(name)).toBe(name);
      }),
    );
  });

  it('differ where their bytes differ: U+FFFD is not taken for an undecodable byte', () => {
    expect(decodeName(Buffer.from('\ufffd'))).toBe('\ufffd');
    expect(decodeName(Buffer.of(0xe9))).toBe('\udce9');
    expect(hasRawBytes('\ufffd')).toBe(false);
    expect(osPath('caf\udce9')).toEqual(Buffer.from('caf\xe9', 'latin1'));
  });
});
