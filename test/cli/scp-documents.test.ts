import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isAttached, SCP_OPTIONS } from '../../src/cli/completion/options.ts';
import { UsageError } from '../../src/cli/getopt.ts';
import { BEYOND } from '../../src/cli/scp/beyond.ts';
import { parseScpOptions } from '../../src/cli/scp/options.ts';
import { scpHelp, scpUsage } from '../../src/cli/scp/usage.ts';
import { differencesAsMarkdown } from '../support/differential/differences.ts';

const root = new URL('../../', import.meta.url);

function text(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Gone, or with an answer of their own. */
const GONE = ['1', '2', 'M'];
/** For the program on the other side. */
const OTHER_SIDE = ['d', 'f', 't'];

/** What the parser takes: its tables are read from its source, and each option is tried. */
function parserOptions(): { letters: string[]; valued: Set<string>; long: Map<string, 'value' | 'flag' | 'optional'> } {
  const source = text('src/cli/scp/options.ts');
  const table = /const LETTERS = '([^']+)'/.exec(source)?.[1] ?? '';
  const letters = Array.from(table.replaceAll(':', '')).filter((letter) => !GONE.includes(letter));
  const valued = new Set([...table.matchAll(/(.):/g)].map((match) => match[1] as string));
  const block = /const LONG = \{([\s\S]*?)\} as const/.exec(source)?.[1] ?? '';
  const own = [...block.matchAll(/^\s+'?([a-z-]+)'?: '(value|flag)'/gm)].map(
    ([, name, kind]) => [name, kind] as [string, 'value' | 'flag'],
  );
  return { letters, valued, long: new Map([...own, ...Object.entries(BEYOND)]) };
}

/** The man page as a reader sees it: `-r`, `--resume`, without macros. */
function manOptions(): { letters: Set<string>; long: Set<string> } {
  const flags = [...text('docs/man/sealift-scp.1').matchAll(/\bFl (\S+)/g)].map((match) => match[1] as string);
  const synopsis = flags.find((flag) => flag.startsWith('346')) ?? '';
  const items = text('docs/man/sealift-scp.1')
    .split('\n')
    .filter((line) => line.startsWith('.It Fl') || /^\.Fl [dft]$/.test(line))
    .flatMap((line) => [...line.matchAll(/\bFl (\S+)/g)].map((match) => match[1] as string));
  // In the synopsis as well: a letter is in the group, or has a value.
  for (const letter of items.filter((item) => item.length === 1 && !OTHER_SIDE.includes(item)))
    expect(synopsis.includes(letter) || flags.filter((flag) => flag === letter).length > 1, letter).toBe(true);
  return {
    letters: new Set(items.filter((item) => item.length === 1)),
    long: new Set(items.filter((item) => item.startsWith('-')).map((item) => item.slice(1))),
  };
}

const { letters, valued, long } = parserOptions();
const typed = letters.filter((letter) => !OTHER_SIDE.includes(letter));

describe('every option of scp', () => {
  it('is found in the parser', () => {
    expect(letters.length).toBeGreaterThan(25);
    expect(long.size).toBeGreaterThan(15);
    const isUnknown = (args: string[]): boolean => {
      try {
        parseScpOptions(args);
        return false;
      } catch (error) {
        return error instanceof UsageError && error.message.startsWith('unknown option');
      }
    };
    expect(letters.filter((letter) => isUnknown([`-${letter}`, '1']))).toEqual([]);
    expect([...long.keys()].filter((name) => isUnknown([`--${name}`]))).toEqual([]);
    // Whatever the parser takes beside is one that is gone.
    const others = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter((letter) => {
      return letter !== '-' && !letters.includes(letter) && !isUnknown([`-${letter}`, '1']);
    });
    expect(others).toEqual(['1', '2']);
  });

  it('is in the manual page, and nothing else is', () => {
    const manual = manOptions();
    expect([...manual.letters].sort()).toEqual([...letters].sort());
    expect([...manual.long].sort()).toEqual([...long.keys()].sort());
  });

  it.each(['scp', 'sealift'] as const)('is in the help of %s, in 80 columns, and nothing else is', (program) => {
    const help = scpHelp(program);
    const body = help.slice(help.indexOf('\nCopying\n'), help.indexOf('\nExit status\n'));
    const heads = body
      .split('\n')
      .filter((line) => /^ {2}-/.test(line))
      .map((line) => line.slice(0, 22));
    const named = heads.flatMap((head) =>
      [...head.matchAll(/(?:^|[\s,])(-{1,2}[A-Za-z0-9-]+)/g)].map(([, name]) => String(name)),
    );
    const all = [...typed.map((letter) => `-${letter}`), ...[...long.keys()].map((name) => `--${name}`)];
    expect(named.sort()).toEqual(all.sort());
    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it.each(['scp', 'sealift'] as const)('that is a letter is in the usage of %s', (program) => {
    const usage = scpUsage(program);
    const group = Array.from(/\[-([A-Za-z0-9]+)\]/.exec(usage)?.[1] ?? '');
    expect(group.sort()).toEqual(typed.filter((letter) => !valued.has(letter)).sort());
    expect([...usage.matchAll(/\[-(\w) /g)].map((match) => String(match[1])).sort()).toEqual(
      [...valued].filter((letter) => !GONE.includes(letter)).sort(),
    );
    expect(usage.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('is completed, with a value where it takes one', () => {
    const completed = SCP_OPTIONS.flatMap(({ letter, long: name, value }) => [
      ...(letter === undefined ? [] : [`-${letter}${value === undefined ? '' : ' value'}`]),
      ...(name === undefined
        ? []
        : [`--${name}${isAttached(value) ? ' optional' : value === undefined ? '' : ' value'}`]),
    ]);
    const all = [
      ...typed.map((letter) => `-${letter}${valued.has(letter) ? ' value' : ''}`),
      ...[...long].map(([name, kind]) => `--${name}${kind === 'flag' ? '' : ` ${kind}`}`),
    ];
    expect(completed.sort()).toEqual(all.sort());
  });
});

describe('the documents', () => {
  it('have every intended difference, word for word', () => {
    const page = text('docs/protocols/scp.md').split('\n');
    expect(
      differencesAsMarkdown()
        .split('\n')
        .filter((row) => !page.includes(row)),
    ).toEqual([]);
  });

  it('tell of every long option in the guide', () => {
    const guide = text('docs/guide/copying.md');
    const told = ['help', 'version', 'preserve-special'];
    expect([...long.keys()].filter((name) => !told.includes(name) && !guide.includes(`--${name}`))).toEqual([]);
  });

  it('link to files and headings that are there', () => {
    const pages = ['README.md', 'ARCHITECTURE.md', 'docs/guide/copying.md', 'docs/guide/scripts-and-ci.md'];
    pages.push('docs/guide/network-devices.md', 'docs/guide/moving-from-scp.md', 'docs/guide/which-tool.md');
    pages.push('docs/protocols/scp.md', 'docs/protocols/sftp.md', 'docs/decisions/0012-sftp-and-the-engine.md');
    const broken = pages.flatMap((page) => brokenLinks(page).map((link) => `${page}: ${link}`));
    expect(broken).toEqual([]);
  });
});

function brokenLinks(page: string): string[] {
  const links = [...text(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', heading] = link.split('#');
    const target = path === '' ? new URL(page, root) : new URL(path, new URL(page, root));
    if (!existsSync(target)) return true;
    return heading !== undefined && !headings(target).includes(heading);
  });
}

/** Headings as GitHub names them in links. */
function headings(page: URL): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
