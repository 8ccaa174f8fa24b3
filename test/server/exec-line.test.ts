import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExecRequest, parseExecLine } from '../../src/server/exec-line.ts';
import { fuzzRuns, fuzzTimeout } from '../support/fuzz.ts';

const RUNS = fuzzRuns(5000);

const none = { recursive: false, preserve: false, targetIsDirectory: false, verbose: false };

function scp(
  request: Partial<Extract<ExecRequest, { kind: 'scp' }>['request']>,
  ...paths: (string | [string, string])[]
): unknown {
  const words = paths.map((path) => (typeof path === 'string' ? { path } : { path: path[0], pattern: path[1] }));
  return { kind: 'scp', request: { ...none, role: 'sink', ...request }, paths: words };
}

const source = { role: 'source' } as const;

describe('command lines that clients send are understood', () => {
  it.each<[string, unknown]>([
    ['scp -t dir', scp({}, 'dir')],
    ['scp -f dir', scp(source, 'dir')],
    ['scp -v -r -p -d -t x', scp({ verbose: true, recursive: true, preserve: true, targetIsDirectory: true }, 'x')],
    ['scp -pt x', scp({ preserve: true }, 'x')],
    ['scp -qt x', scp({}, 'x')],
    ['scp -q -r -t x', scp({ recursive: true }, 'x')],
    ['scp -t -d dir', scp({ targetIsDirectory: true }, 'dir')],
    ['scp -r -f a b c', scp({ ...source, recursive: true }, 'a', 'b', 'c')],
    ['/usr/bin/scp -t x', scp({}, 'x')],
    ['  scp   -t\tx  ', scp({}, 'x')],
    ['scp -t -- -x', scp({}, '-x')],
    ['scp -t --  x', scp({}, 'x')],
    ['scp -f -', scp(source, '-')],
    ["scp -t 'a b'", scp({}, 'a b')],
    ['scp -t "a b"', scp({}, 'a b')],
    ['scp -t a\\ b', scp({}, 'a b')],
    ["scp -t 'it'\"'\"'s'", scp({}, "it's")],
    ['scp -t "a\\"b\\\\c\\d"', scp({}, 'a"b\\c\\d')],
    ["scp -t ''", scp({}, '')],
    ["scp -t '$HOME `x` ; & | < > ( )'", scp({}, '$HOME `x` ; & | < > ( )')],
    ['scp -t a$', scp({}, 'a$')],
    ['scp -t "a$ b"', scp({}, 'a$ b')],
    ['scp -t a\\\nb', scp({}, 'ab')],
    ["'scp' '-t' x", scp({}, 'x')],
    ['scp -t a\u{dcff}b', scp({}, 'a\u{dcff}b')],
    ['scp -f a -r', scp(source, 'a', '-r')],
  ])('%j', (line, expected) => {
    expect(parseExecLine(line)).toEqual(expected);
  });
});

describe('the home directory is the root', () => {
  it.each<[string, string]>([
    ['~', './'],
    ['~/', './'],
    ['~/a/b', './a/b'],
    ["'~'", '~'],
    ['\\~/a', '~/a'],
    ['~other', '~other'],
    ['a~', 'a~'],
  ])('%s is %s', (word, path) => {
    expect(parseExecLine(`scp -t ${word}`)).toEqual(scp({}, path));
  });
});

describe('patterns are left to the caller, with what was quoted shielded', () => {
  it.each<[string, string, string]>([
    ['*.txt', '*.txt', '*.txt'],
    ['~/a*', './a*', './a*'],
    ["a'*'*", 'a**', 'a\\**'],
    ['"[x]"?', '[x]?', '\\[x\\]?'],
    ['a\\*b?', 'a*b?', 'a\\*b?'],
  ])('%s', (word, path, pattern) => {
    expect(parseExecLine(`scp -f ${word}`)).toEqual(scp(source, [path, pattern]));
  });

  it('a quoted wildcard alone is no pattern', () => {
    expect(parseExecLine("scp -f '*'")).toEqual(scp(source, '*'));
  });
});

describe('other programs are told from scp that is asked wrongly', () => {
  it.each([
    '',
    ' ',
    'ls',
    'scpx -t a',
    'xscp -t a',
    'LANG=C scp -t a',
    'exec scp -t a',
    'sh -c "scp -t a"',
    'ls; scp -t a',
    '"',
    '\0',
    'rsync --server',
  ])('%j is another program', (line) => {
    expect(parseExecLine(line)).toEqual({ kind: 'other' });
  });

  it.each<[string, RegExp]>([
    ['scp', /exactly one/],
    ['scp a b', /exactly one/],
    ['scp -t -f x', /exactly one/],
    ['scp -t', /no path/],
    ['scp -t --', /no path/],
    ['scp -f', /no path/],
    ['scp -t a b', /ambiguous target/],
    ['scp -t a; reboot', /";"/],
    ['scp -t a && reboot', /"&"/],
    ['scp -t a | sh', /"\|"/],
    ['scp -t a > b', /">"/],
    ['scp -f < b', /"<"/],
    ['scp -t `id`', /"`"/],
    ['scp -t $(id)', /"\$"/],
    ['scp -t "$(id)"', /"\$"/],
    ['scp -t "`id`"', /"`"/],
    ['scp -t $HOME', /"\$"/],
    ['scp -t (a)', /"\("/],
    ['scp -t a\nreboot', /line feed/],
    ["scp -t 'a", /not closed/],
    ['scp -t "a', /not closed/],
    ['scp -t a\\', /backslash/],
    ['scp -S prog -t a', /-S/],
    ['scp -t a\0b', /NUL/],
    ['scp --help', /--/],
  ])('%j is unusable', (line, reason) => {
    const request = parseExecLine(line);
    expect(request.kind).toBe('unusable');
    if (request.kind === 'unusable') expect(request.reason).toMatch(reason);
  });
});

describe('any text gives a result', () => {
  it(
    'random text',
    () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => void parseExecLine(text)),
        { numRuns: RUNS },
      );
    },
    fuzzTimeout(RUNS),
  );

  it(
    'random arguments of scp',
    () => {
      const piece = fc.constantFrom(
        'scp',
        ' ',
        '-t',
        '-f',
        '-r',
        '"',
        "'",
        '\\',
        '$',
        '`',
        '*',
        '[',
        ']',
        '~',
        '/',
        'a',
        '..',
        '\n',
        '\0',
        '--',
        '-',
      );
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
          const request = parseExecLine(`scp ${pieces.join('')}`);
          expect(['scp', 'unusable', 'other']).toContain(request.kind);
          if (request.kind === 'scp') for (const { path } of request.paths) expect(path).not.toMatch(/\0/);
        }),
        { numRuns: RUNS },
      );
    },
    fuzzTimeout(RUNS),
  );

  it('a path in single quotes comes back as it was', () => {
    const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const quoted = names.map((text) => `'${text.replaceAll("'", "'\\''")}'`).join(' ');
        expect(parseExecLine(`scp -f -- ${quoted}`)).toEqual(scp(source, ...names));
      }),
      { numRuns: 2000 },
    );
  });

  it('a long line takes time in proportion to its length', () => {
    const line = `scp -f ${'"a" \'b\' c\\d * '.repeat(20_000)}`;
    const start = performance.now();
    parseExecLine(line);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
