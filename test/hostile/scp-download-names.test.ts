import { describe, expect, it } from 'vitest';
import { blindly, type Form, forms } from '../support/hostile-peer.ts';
import { type Attack, attack, expectCleanEnd, expectRefused } from '../support/hostile-run.ts';
import { shareOf } from '../support/large.ts';

const file = (name: string, content = 'X\n') => `C0644 ${content.length} ${name}\n${content}\0`;
const directory = (name: string, inside = '', mode = '0777') => `D${mode} 0 ${name}\n${inside}E\n`;

/**
 * Every way of asking that has a bearing on names. `-T` loosens the comparison with the request and nothing else. The
 * transport has no part in names: the second one gets the extremes only.
 */
const ways = (form: Form): readonly (readonly string[])[] =>
  form === 'program' ? [[], ['-rp'], ['-T'], ['-rpT']] : [['-rpT']];

/** Names that must not pass, whatever was asked for: CVE-2000-0992, CVE-2004-0175, CVE-2018-20685, CVE-2026-0964. */
const unsafeNames: readonly (readonly [string, string])[] = [
  ['a parent directory', '../esc'],
  ['an absolute path', '/tmp/sealift-hostile-absolute'],
  ['a path', 'a/b'],
  ['a path in front of the name that was asked for', './f'],
  ['the name that was asked for and a slash', 'f/'],
  ['a way out and back', '../out/f'],
  ['the parent directory itself', '..'],
  ['the directory itself', '.'],
  ['no name at all', ''],
  ['a NUL behind the name that was asked for', 'f\0'],
  ['a NUL in front of a path', 'f\0/../../esc'],
  ['only a slash', '/'],
  ['a parent directory with an encoded line feed', '../\\^Jx'],
];

describe.each(forms)(
  'a server (%s) that sends a file or directory as',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each(shareOf(form, forms, unsafeNames))(
      '%s (%j) is refused before anything is written, with every option',
      async (_, name) => {
        for (const flags of ways(form)) {
          const entries = flags.join('').includes('r') ? [directory(name, file('x')), file(name)] : [file(name)];
          for (const entry of entries) {
            const what = `${flags.join(' ')} ${JSON.stringify(entry)}`;
            expectRefused(
              await attack({ form, flags, script: blindly(entry) }),
              /error: unexpected filename: /,
              [],
              what,
            );
          }
        }
      },
    );

    it.each(shareOf(form, forms, unsafeNames))(
      '%s (%j) inside a directory that was asked for is refused, with every option',
      async (_, name) => {
        for (const entry of form === 'program' ? [file(name), directory(name)] : [directory(name)]) {
          const script = blindly(`D0755 0 f\n${entry}E\n`);
          const result = await attack({ form, flags: ['-rpT'], script, operands: ['h:f', 'new'] });
          expectRefused(result, /error: unexpected filename: /, ['+ work/new: directory 755', 't work'], entry);
        }
      },
    );
  },
);

interface NameCase {
  readonly title: string;
  readonly request: string;
  readonly sent: string;
  /** Default: both without and with `-r`. */
  readonly flags?: readonly (readonly string[])[];
  readonly cause?: RegExp;
}

const plainAndRecursive = [[], ['-rp']];
const recursive = [['-rp']];
const notRequested = /protocol error: filename does not match request/;

const unrequested: readonly NameCase[] = [
  { title: 'another file than the one asked for (CVE-2019-6111)', request: 'f', sent: file('g') },
  { title: 'a hidden file instead of the one asked for (CVE-2018-20684)', request: 'f', sent: file('.bashrc') },
  { title: 'the name in capitals', request: 'f', sent: file('F') },
  { title: 'the name with a space behind it', request: 'f', sent: file('f ') },
  { title: 'the name with a carriage return behind it', request: 'f', sent: file('f\r') },
  { title: 'the name with a line feed behind it, encoded', request: 'f', sent: file('f\\^J') },
  {
    title: 'a directory instead of the file asked for with -r (V1)',
    request: 'f',
    flags: recursive,
    sent: directory('.ssh', file('authorized_keys')),
  },
  {
    title: 'another directory than the one asked for',
    request: 'd',
    flags: recursive,
    sent: directory('e', file('f')),
  },
  { title: 'a hidden file for * (V2)', request: '*', sent: file('.bashrc') },
  {
    title: 'a hidden directory for * (V2)',
    request: '*',
    flags: recursive,
    sent: directory('.ssh', file('authorized_keys')),
  },
  { title: 'a hidden file for ?bashrc (V2)', request: '?bashrc', sent: file('.bashrc') },
  { title: 'a hidden file for [.]bashrc and [!a]bashrc (V2)', request: '{[.],[!a]}bashrc', sent: file('.bashrc') },
  { title: 'a file that the pattern does not match', request: 'd/*.txt', sent: file('x.sh') },
  { title: 'a hidden file that ends as the pattern does', request: 'd/*.txt', sent: file('.x.txt') },
  { title: 'a name that none of the braces gives', request: 'd/{a,b}', sent: file('c') },
  { title: 'the text of the braces with one half', request: 'd/{a,b}', sent: file('{a') },
  { title: 'a match of a pattern that was quoted', request: "'*'", sent: file('f') },
  { title: 'a match of a pattern that was escaped', request: '\\*', sent: file('f') },
  { title: 'a name of the directory part', request: 'd/f', sent: file('d') },
  { title: 'a hidden file for ~ of somebody', request: '~bob', sent: file('.bashrc') },
  { title: 'a hidden file for /', request: '/', sent: file('.bashrc') },
  { title: 'what a command in the request may have given', request: '$(ls)', sent: file('.bashrc') },
];

describe.each(forms)('a server (%s) that sends, unasked,', { concurrent: true, timeout: 60_000 }, (form) => {
  it.each(shareOf(form, forms, unrequested))('$title is refused', async ({ request, sent, flags, cause }) => {
    for (const way of flags ?? (form === 'program' ? plainAndRecursive : recursive)) {
      const result = await attack({ form, flags: way, script: blindly(sent), operands: [`h:${request}`, 'out/'] });
      expectRefused(result, cause ?? notRequested, [], `${way.join(' ')} ${request}`);
    }
  });

  it('another name is taken with -T, under that very name and nowhere else', async () => {
    const result = await attack({ form, flags: ['-T'], script: blindly(file('g')) });
    expectCleanEnd(result);
    expect(result).toMatchObject({ status: 0, changes: ['+ work/out/g: file 644 "X\\n"', 't work/out'] });
  });

  it.each(['', '.', './', 'd/.', 'd/..', '..'])(
    'a hidden file for the directory %j without -r is refused: a directory was not asked for',
    async (request) => {
      const result = await attack({ form, script: blindly(file('.bashrc')), operands: [`h:${request}`, 'out/'] });
      expectRefused(result, /protocol error|not a regular file/);
    },
  );

  it('a directory without -r is refused (-T too)', async () => {
    for (const flags of [[], ['-p'], ['-T']]) {
      const result = await attack({ form, flags, script: blindly(directory('f', file('x'))) });
      expectRefused(result, /protocol error: received directory without -r/, [], flags.join(' '));
    }
  });
});

interface CountCase extends Pick<Attack, 'flags' | 'operands'> {
  readonly title: string;
  readonly sent: string;
  readonly cause: RegExp;
  readonly changes: readonly string[];
}

const landed = ['! work/out/f: file 640 "1\\n"', 't work/out'];

/** The first object was asked for, the second was not (V4). */
const tooMany: readonly CountCase[] = [
  {
    title: 'the same file twice',
    sent: file('f', '1\n') + file('f', '2\n'),
    cause: /filename was sent twice: f/,
    changes: landed,
  },
  {
    title: 'a second file',
    sent: file('f', '1\n') + file('g', '2\n'),
    cause: /filename does not match request: g/,
    changes: landed,
  },
  {
    title: 'a hidden file behind the file',
    flags: ['-r'],
    sent: file('f', '1\n') + file('.bashrc'),
    cause: /filename does not match request: \.bashrc/,
    changes: landed,
  },
  {
    title: 'a directory of the same name behind the file',
    flags: ['-r'],
    sent: file('f', '1\n') + directory('f', file('x')),
    cause: /filename was sent twice: f/,
    changes: landed,
  },
  {
    title: 'the same directory twice',
    flags: ['-r'],
    operands: ['h:d', 'out/'],
    sent: directory('d', file('1'), '0755') + directory('d', file('2'), '0755'),
    cause: /filename was sent twice: d/,
    changes: ['+ work/out/d/1: file 644 "X\\n"', '+ work/out/d: directory 755', 't work/out'],
  },
  {
    title: 'the same match of a pattern twice',
    operands: ['h:*', 'out/'],
    sent: file('f', '1\n') + file('f', '2\n'),
    cause: /filename was sent twice: f/,
    changes: landed,
  },
  {
    title: 'two matches into one new file',
    operands: ['h:*', 'new'],
    sent: file('a', '1\n') + file('b', '2\n'),
    cause: /new: Not a directory/,
    changes: ['+ work/new: file 644 "1\\n"', 't work'],
  },
];

describe.each(forms)(
  'a server (%s) that sends more than one object for one request:',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each(shareOf(form, forms, tooMany))(
      '$title is refused (V4), and what was asked for has landed',
      async ({ sent, cause, changes, ...rest }) => {
        expectRefused(await attack({ form, script: blindly(sent), ...rest }), cause, changes);
      },
    );
  },
);
