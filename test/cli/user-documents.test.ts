import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OTHER_COMMANDS } from '../../src/cli/completion/options.ts';
import { readUserOptions, userHelp } from '../../src/cli/user/options.ts';

const manual = readFileSync(new URL('../../docs/man/sealift-user.1', import.meta.url), 'utf8');

const inHelp = [...userHelp.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map((match) => match[1] as string).sort();

describe('each option of sealift user', () => {
  it('is in the manual page, and nothing else is', () => {
    const items = [...manual.matchAll(/^\.It (?:Fl \w , )?Fl -([a-z-]+)/gm)].map((match) => match[1] as string);
    expect(items.sort()).toEqual(inHelp);
  });

  it('is completed, and nothing else is', () => {
    const options = OTHER_COMMANDS.find(({ name }) => name === 'user')?.options ?? [];
    expect(options.map(({ long = '' }) => long).sort()).toEqual(inHelp);
  });

  it('is parsed', () => {
    const values: Readonly<Record<string, string[]>> = { help: [], 'no-password': [], privilege: ['1'] };
    for (const option of inHelp) {
      const args = ['add', 'x', `--${option}`, ...(values[option] ?? ['x'])];
      expect(() => readUserOptions(args), option).not.toThrow();
    }
  });
});

it('each action is in the manual page and is completed', () => {
  const words = OTHER_COMMANDS.find(({ name }) => name === 'user')?.words ?? [];
  const actions = [...userHelp.matchAll(/^(?:usage:| {6}) sealift user (\w+)/gm)].map((match) => match[1] as string);
  expect([...words].sort()).toEqual(actions.sort());
  for (const action of words) expect(manual).toMatch(new RegExp(`^\\.It Cm ${action}( |$)`, 'm'));
});
