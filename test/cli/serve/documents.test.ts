import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OTHER_COMMANDS } from '../../../src/cli/completion/options.ts';
import { help, readServeOptions } from '../../../src/cli/serve/options.ts';

const root = new URL('../../../', import.meta.url);

/** The options of the parser, read from its table. */
const table =
  /const known = \{([\s\S]*?)\} as const/.exec(readFileSync(new URL('src/cli/serve/options.ts', root), 'utf8'))?.[1] ??
  '';
const options = [...table.matchAll(/^\s+'?([a-z-]+)'?: \{/gm)].map((match) => match[1] ?? '').sort();
const commands = ['status', 'sessions', 'transfers', 'kick'];

it('all options of serve are found in the parser', () => {
  expect(options.length).toBeGreaterThan(10);
  const isUnknown = (name: string): boolean => {
    try {
      readServeOptions([`--${name}`, 'x']);
      return false;
    } catch (error) {
      return String(error).includes('Unknown option');
    }
  };
  expect(options.filter(isUnknown)).toEqual([]);
  expect(isUnknown('bogus')).toBe(true);
});

it('the manual page, the help and the completion have them all, and nothing else', () => {
  const manual = readFileSync(new URL('docs/man/sealift-serve.1', root), 'utf8');
  const items = manual.split('\n').filter((line) => line.startsWith('.It Fl'));
  const named = items.flatMap((line) => [...line.matchAll(/Fl -([a-z-]+)/g)].map((match) => match[1] ?? ''));
  expect(named.sort()).toEqual(options);
  expect([...new Set([...help.matchAll(/--([a-z][a-z-]+)/g)].map((match) => match[1] ?? ''))].sort()).toEqual(options);
  const completed = OTHER_COMMANDS.find(({ name }) => name === 'serve');
  expect(completed?.options.map(({ long }) => long).sort()).toEqual(options);
  expect(completed?.words).toEqual(commands);
  for (const command of commands) expect(manual).toContain(command);
});
