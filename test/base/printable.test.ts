import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableLines } from '../../src/base/printable.ts';

describe('printable', () => {
  it.each([
    ['plain text, naïve café, 日本語, 🚢', 'plain text, naïve café, 日本語, 🚢'],
    ['\x1b[31mred\x1b[0m', '\\033[31mred\\033[0m'],
    ['a\x07b\x08c\x7f', 'a\\007b\\010c\\177'],
    ['c1 \u009b31m', 'c1 \\302\\23331m'],
    ['evil\u202egpj.exe', 'evil\\342\\200\\256gpj.exe'],
    ['zero\u200bwidth\ufeff', 'zero\\342\\200\\213width\\357\\273\\277'],
    ['line\u2028separator', 'line\\342\\200\\250separator'],
    ['a\tb\nc\r', 'a b\\012c\\015'],
    ['raw \udce9 byte', 'raw \\351 byte'],
  ])('shows %j harmlessly', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('leaves nothing that acts on a terminal, and is a fixed point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });

  it('keeps line ends of a text of several lines, without carriage returns', () => {
    expect(printableLines('one\r\ntwo\x1b\nthree\rfour')).toBe('one\ntwo\\033\nthree\\015four');
  });
});
