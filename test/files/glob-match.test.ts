import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPattern, matchesGlob } from '../../src/files/glob-match.ts';

describe('a pattern', () => {
  it.each([
    ['*', 'a', true],
    ['*', '.a', false],
    ['.*', '.a', true],
    ['[.]a', '.a', false],
    ['?a', '.a', false],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbbd', false],
    ['a?c', 'a🚢c', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[]]', ']', true],
    ['[a-]', '-', true],
    ['[[:digit:]]*', '7up', true],
    ['[[:alpha:]]', '7', false],
    ['[\\]]', ']', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a[b', 'a[b', true],
    ['', '', true],
    ['*', '', true],
    ['**a**', 'bab', true],
  ])('%j against %j: %s', (pattern, name, expected) => {
    expect(matchesGlob(pattern, name)).toBe(expected);
  });

  it('that is a name with every special character escaped matches that name only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ minLength: 1 }), (name, other) => {
        const escaped = name.replace(/[*?[\]\\]/g, '\\$&');
        expect(matchesGlob(escaped, name)).toBe(true);
        expect(matchesGlob(escaped, other)).toBe(name === other);
      }),
    );
  });

  it('made to take for ever does not', () => {
    expect(matchesGlob('*a'.repeat(500), `${'a'.repeat(5000)}b`)).toBe(false);
  });

  it('is told from a name', () => {
    expect(['a', 'a\\*b', 'x{a,b}'].map(isPattern)).toEqual([false, false, false]);
    expect(['*', 'a?', 'x[1]', '\\\\*'].map(isPattern)).toEqual([true, true, true, true]);
  });
});
