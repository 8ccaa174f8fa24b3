import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { mayMention } from '../../../src/ssh/program/mentions.ts';
import { tempDirectory } from '../../support/temp.ts';

const WORD = /control(?:master|path)/i;

/** Looks in a configuration of these files, the first of which is named with `-F`. */
async function look(files: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<boolean> {
  const home = await tempDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text.replaceAll('HOME', home));
  }
  const [first] = Object.keys(files);
  const named = first === undefined ? [] : ['-F', join(home, first)];
  return await mayMention(WORD, { program: '/usr/bin/ssh', args: [...named, ...args], accountHome: home });
}

it('finds nothing where nothing is', async () => {
  expect(await look({ c: 'Host *\n  User me\n# ControlPath x\n\t# ControlMaster auto\n' })).toBe(false);
  expect(await mayMention(WORD, { program: '/usr/bin/ssh', args: ['-F', 'none'], accountHome: '/nonexistent' })).toBe(
    false,
  );
});

it.each(['ControlPath x', 'Host a\n\tcontrolmaster=auto', '"ControlPath" x', 'Host b\r\n  CONTROLPATH none\r'])(
  'finds %j, for whichever host',
  async (text) => {
    expect(await look({ c: text })).toBe(true);
  },
);

it.each([[['-o', 'ControlPath=/x']], [['-oControlMaster auto']], [['-o', 'Include x']], [['-M']], [['-S', '/x']]])(
  'looks at the words %j',
  async (args) => {
    expect(await look({ c: '' }, args)).toBe(true);
  },
);

it.each([
  ['Include other', '.ssh/other'],
  ['Host x\n include "other"', '.ssh/other'],
  ['Include ~/other', 'other'],
  ['Include=HOME/d/*.conf', 'd/a.conf'],
  ['Include missing other', '.ssh/other'],
])('follows %j', async (line, name) => {
  expect(await look({ c: line, [name]: 'ControlPath x' })).toBe(true);
  expect(await look({ c: line, [name]: 'User me' })).toBe(false);
});

it.each(['Include ~you/x', 'Include %d/x', 'Include HOME/*/x', 'Include HOME/[ab]', 'Include x # y', '"Include" x'])(
  'is not sure about %j',
  async (line) => {
    expect(await look({ c: line })).toBe(true);
  },
);

it('is not sure about files that include each other', async () => {
  expect(await look({ c: 'Include HOME/c' })).toBe(true);
});

it('is not sure where a file cannot be read, or is not there and was named', async () => {
  expect(await look({ c: 'Include HOME' })).toBe(true);
  expect(await look({}, ['-F', '/nonexistent/config'])).toBe(true);
});

it('is not sure about another program, another home, or several files', async () => {
  const home = await tempDirectory();
  const args = ['-F', 'none'];
  expect(await mayMention(WORD, { program: '/opt/ssh', args, accountHome: home })).toBe(true);
  expect(await mayMention(WORD, { program: '/usr/bin/ssh', args })).toBe(true);
  expect(await look({ c: '' }, ['-F', 'none'])).toBe(true);
});

it('an ordinary file needs no more than to be read', async () => {
  const home = await tempDirectory();
  await writeFile(join(home, 'c'), 'User me');
  await chmod(join(home, 'c'), 0o400);
  const args = ['-q', '-4', '-i', 'k', '-J', 'jump', '-oForwardAgent=yes', '-F', join(home, 'c'), '-oBatchMode=yes'];
  expect(await mayMention(WORD, { program: '/usr/bin/ssh', args, accountHome: home })).toBe(false);
});
