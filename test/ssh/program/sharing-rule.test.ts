import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { leavesSharingToUs } from '../../../src/ssh/program/sharing-rule.ts';
import { tempDirectory } from '../../support/temp.ts';

const ordinary = ['host h', 'controlmaster false', 'batchmode no', 'forkafterauthentication no', 'sessiontype default'];

/** Asks with a program in place of ssh that prints these lines. */
async function answer(lines: readonly string[], status = 0): Promise<boolean> {
  const program = join(await tempDirectory(), 'ssh');
  await writeFile(program, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\nexit ${status}\n`);
  await chmod(program, 0o755);
  return await leavesSharingToUs({ host: 'h' }, { program, args: [] });
}

it('is so where the configuration says nothing', async () => {
  expect(await answer(ordinary)).toBe(true);
});

it('is so for a program that does not know the newer keywords', async () => {
  expect(await answer(ordinary.slice(0, 3))).toBe(true);
});

it.each(['controlpath /tmp/x', 'controlpath none'])('is not where it says "%s"', async (line) => {
  expect(await answer([...ordinary, line])).toBe(false);
});

it.each([
  ['controlmaster', 'auto'],
  ['batchmode', 'yes'],
  ['forkafterauthentication', 'yes'],
  ['sessiontype', 'none'],
])('is not where %s is %s', async (keyword, value) => {
  expect(await answer(ordinary.map((line) => (line.startsWith(keyword) ? `${keyword} ${value}` : line)))).toBe(false);
});

it('is not where the program fails, or is no OpenSSH', async () => {
  expect(await answer(ordinary, 1)).toBe(false);
  expect(await answer(['usage: ssh'])).toBe(false);
});
