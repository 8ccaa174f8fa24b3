import { describe, expect, it } from 'vitest';
import { expandBraces } from '../../src/copy/brace-expand.ts';
import { OperandError } from '../../src/copy/location.ts';
import { Request } from '../../src/copy/request.ts';
import { shellWords } from '../../src/copy/shell-words.ts';

/** Which of the names a request lets through, in order. */
function passes(path: string, names: readonly string[], strict = true): string[] {
  const request = new Request(path, { strict, recursive: true });
  return names.filter((name) => {
    try {
      request.check(name);
      return true;
    } catch {
      return false;
    }
  });
}

describe('a request', () => {
  it.each([
    ['dir/f', ['g', 'f', '.bashrc'], ['f']],
    ['f', ['.ssh', 'f'], ['f']],
    ['dir/', ['x', 'dir'], ['dir']],
    ['*', ['.bashrc', 'a', 'b'], ['a', 'b']],
    ['d/*.txt', ['a.txt', 'b.sh', '.c.txt'], ['a.txt']],
    ['.*', ['.bashrc', 'a'], ['.bashrc']],
    ['{a,b}', ['c', 'a', 'b'], ['a', 'b']],
    ['{f,../x}', ['f', 'x', 'y'], ['f', 'x']],
    ['x[1]', ['x1', 'x[1]', 'x2'], ['x1', 'x[1]']],
    ['"a b"', ['a', 'a b'], ['a b']],
    ["'a*b'", ['axb', 'a*b'], ['a*b']],
    ['a\\ b', ['a b', 'c'], ['a b']],
    ['f g', ['g', 'h', 'f'], ['g', 'f']],
    ["it's", ["it's", 's'], ["it's"]],
    ['~', ['.ssh', 'home', 'other'], ['home']],
    ['~bob/f', ['.bashrc', 'f'], ['f']],
    ['d/.', ['.x', 'y', 'z'], ['.x', 'y', 'z']],
    ['flash:image.bin', ['other', 'image.bin'], ['image.bin']],
    ['running-config', ['running-config'], ['running-config']],
    ['$HOME/f', ['g', 'f'], ['f']],
    ['`cmd`', ['x'], []],
  ])('for %j lets pass of %j only %j', (path, offered, expected) => {
    expect(passes(path, offered)).toEqual(expected);
  });

  it('is met by one object when it names one, however often a name comes', () => {
    expect(passes('f', ['f', 'f'])).toEqual(['f']);
    expect(passes('*', ['a', 'a', 'b'])).toEqual(['a', 'b']);
    const request = new Request('f', { strict: true, recursive: true });
    expect(request.isMet).toBe(false);
    request.check('f');
    expect(request.isMet).toBe(true);
  });

  it.each(['', '.', 'd/.', 'd/..', '~', '/'])('for the directory %j lets nothing pass without -r', (path) => {
    const request = new Request(path, { strict: true, recursive: false });
    for (const name of ['a', '.bashrc', 'd']) expect(() => request.check(name)).toThrow('does not match request');
  });

  it('keeps no more names than a shell would expand', () => {
    const request = new Request('*', { strict: true, recursive: false });
    for (let i = 0; i < 200_000; i++) request.check(`f${i}`);
    expect(() => request.check('one more')).toThrow('more than 200000 names');
    expect(() => new Request('*', { strict: true, recursive: false }).check('x'.repeat(300))).toThrow('does not match');
  });

  it('does not compare names with -T', () => {
    expect(passes('f', ['g', '.x', 'g'], false)).toEqual(['g', '.x', 'g']);
  });

  it('says what is wrong, with a code', () => {
    expect(() => new Request('f', { strict: true, recursive: true }).check('\x1bg')).toThrow(
      'protocol error: filename does not match request: \\033g',
    );
    expect(() => new Request('{a', { strict: true, recursive: true })).toThrow(OperandError);
  });
});

describe('braces', () => {
  it.each([
    ['plain', ['plain']],
    ['a{b,c}d', ['abd', 'acd']],
    ['{a,b}{c,d}', ['ac', 'ad', 'bc', 'bd']],
    ['{a{b,c},d}', ['ab', 'ac', 'd']],
    ['{}', ['{}']],
    ['a{}b{c,d}', ['a{}bc', 'a{}bd']],
    ['\\{a,b}', ['\\{a,b}']],
    ['[{]x', ['[{]x']],
    ['{a,}', ['a', '']],
  ])('%j give %j', (pattern, words) => {
    expect(expandBraces(pattern)).toEqual(words);
  });

  it.each(['{a', '{a,{b}', '[a'])('%j is refused: not closed', (pattern) => {
    expect(() => expandBraces(pattern)).toThrow(OperandError);
  });

  it('do not explode', () => {
    expect(() => expandBraces('{a,b}'.repeat(40))).toThrow('braces give more than 10000 names');
  });
});

describe('words of a shell', () => {
  it.each([
    ['a b', ['a', 'b']],
    ["'a b' c", ['a b', 'c']],
    ['"a*"', ['a\\*']],
    ['a\\ b', ['a\\ b']],
    ['""', ['']],
    ['  ', []],
  ])('%j are %j', (text, words) => {
    expect(shellWords(text)).toEqual(words);
  });

  it.each(["'a", '"a', 'a\\', '$x', '`x`', 'a;b', '"$x"'])('%j cannot be known here', (text) => {
    expect(shellWords(text)).toBeUndefined();
  });
});
