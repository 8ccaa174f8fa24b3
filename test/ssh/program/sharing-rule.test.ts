import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askSharingRule, type SharingRule } from '../../../src/ssh/program/sharing-rule.ts';
import { tempDirectory } from '../../support/temp.ts';

const ordinary = ['host h', 'controlmaster false', 'batchmode no', 'forkafterauthentication no', 'sessiontype default'];
const ours = { kind: 'ours', isBatch: false };

/** Asks with a program in place of ssh that prints these lines. */
async function answer(lines: readonly string[], status = 0): Promise<SharingRule> {
  const program = join(await tempDirectory(), 'ssh');
  await writeFile(program, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\nexit ${status}\n`);
  await chmod(program, 0o755);
  return await askSharingRule({ host: 'h' }, { program, args: [] });
}

const withValue = (keyword: string, value: string) =>
  ordinary.map((line) => (line.startsWith(keyword) ? `${keyword} ${value}` : line));

it('we have the say where the configuration says nothing', async () => {
  expect(await answer(ordinary)).toEqual(ours);
});

it('so we have with a program that does not know the newer keywords', async () => {
  expect(await answer(ordinary.slice(0, 3))).toEqual(ours);
});

it('BatchMode is told', async () => {
  expect(await answer(withValue('batchmode', 'yes'))).toEqual({ kind: 'ours', isBatch: true });
});

it('a socket of the user may be tried', async () => {
  const theirs = { kind: 'theirs', socket: '/tmp/x' };
  expect(await answer([...ordinary, 'controlpath /tmp/x'])).toEqual(theirs);
  expect(await answer([...withValue('controlmaster', 'auto'), 'controlpath /tmp/x'])).toEqual(theirs);
});

it.each(['controlpath none', 'controlpath /tmp/a b', 'controlpath /tmp/%x'])('"%s" is no socket', async (line) => {
  expect(await answer([...ordinary, line])).toEqual({ kind: 'nobody' });
});

it.each([
  ['controlmaster', 'auto'],
  ['forkafterauthentication', 'yes'],
  ['sessiontype', 'none'],
])('nothing is shared where %s is %s', async (keyword, value) => {
  expect(await answer(withValue(keyword, value))).toEqual({ kind: 'nobody' });
});

it('nothing is shared where the program fails, or is no OpenSSH', async () => {
  expect(await answer(ordinary, 1)).toEqual({ kind: 'nobody' });
  expect(await answer(['usage: ssh'])).toEqual({ kind: 'nobody' });
});
