import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blindly, forms } from '../support/hostile-peer.ts';
import { type Attack, attack, expectCleanEnd, expectRefused } from '../support/hostile-run.ts';
import type { Plan, Sandbox } from '../support/hostile-sandbox.ts';
import { shareOf } from '../support/large.ts';

const toFile = '../../outside/secret';
const toDirectory = '../../outside/dir';
const tree = (inside: string) => `D0755 0 d\n${inside}E\n`;
const file = (name: string) => `C0666 2 ${name}\nX\n\0`;

interface LinkCase {
  readonly title: string;
  readonly plan: Plan;
  readonly sent: string;
  readonly operands?: readonly string[];
}

const cause = /symbolic link|Too many levels|Not a directory|File exists/;

/** Links in the destination that somebody has put there; none may be written through with -r (V9). */
const planted: readonly LinkCase[] = [
  { title: 'a file at the top', plan: { 'work/out/g': `-> ${toFile}` }, operands: ['h:g', 'out/'], sent: file('g') },
  {
    title: 'a file that is not there, at the top',
    plan: { 'work/out/g': '-> ../../outside/new' },
    operands: ['h:g', 'out/'],
    sent: file('g'),
  },
  { title: 'itself, at the top', plan: { 'work/out/g': '-> g' }, operands: ['h:g', 'out/'], sent: file('g') },
  { title: 'a directory, at the top', plan: { 'work/out/d': `-> ${toDirectory}` }, sent: tree(file('inner')) },
  {
    title: 'a directory that is not there, at the top',
    plan: { 'work/out/d': '-> ../../outside/new' },
    sent: tree(file('x')),
  },
  {
    title: 'a directory, where a file is sent',
    plan: { 'work/out/g': `-> ${toDirectory}` },
    operands: ['h:g', 'out/'],
    sent: file('g'),
  },
  { title: 'a file, below the root', plan: { 'work/out/d/g': `-> ../${toFile}` }, sent: tree(file('g')) },
  {
    title: 'a directory, below the root',
    plan: { 'work/out/d/e': `-> ../${toDirectory}` },
    sent: tree(`D0777 0 e\n${file('inner')}E\n`),
  },
  {
    title: 'the root itself, below the root',
    plan: { 'work/out/d/e': '-> ..' },
    sent: tree(`D0777 0 e\n${file('f')}E\n`),
  },
  {
    title: 'a file that is not there, below the root',
    plan: { 'work/out/d/g': '-> ../../../outside/new' },
    sent: tree(file('g')),
  },
];

describe.each(forms)(
  'with -r, a server (%s) cannot write through a link to',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each(shareOf(form, forms, planted))('$title (V9)', async ({ plan, sent, operands, title }) => {
      for (const flags of [['-r'], ['-rp']]) {
        const script = blindly(sent);
        const result = await attack({ form, flags, plan, script, operands: operands ?? ['h:d', 'out/'] });
        expectCleanEnd(result, title);
        expect(result.status, title).toBe(1);
        expect(result.stderr, title).toMatch(cause);
        // Where the server goes on blindly its file lands beside the link, in the tree that it may fill.
        const harmless = /^[+t!] work\/out(\/d(\/inner|\/f|\/x)?)?(:|$)/;
        expect(
          result.changes.filter((line) => !harmless.test(line)),
          title,
        ).toEqual([]);
        expect(
          result.changes.filter((line) => line.includes('->')),
          title,
        ).toEqual([]);
      }
    });

    it('a file that a racing process puts in the place of the one that is being written', async () => {
      const seen: { sandbox?: Sandbox } = {};
      const result = await attack({
        form,
        flags: ['-r'],
        prepare: async (sandbox) => {
          seen.sandbox = sandbox;
        },
        script: async (peer) => {
          await peer.send('C0644 4 f\nab');
          await peer.read(2);
          const path = join(sandboxOf(seen).work, 'out/f');
          await rm(path);
          await symlink(toFile, path);
          await peer.send('cd\0');
          peer.exit(0);
          await peer.drain();
        },
      });
      expectCleanEnd(result);
      expect(result.status, result.stderr).toBe(0);
      expect(result.changes).toEqual(['! work/out/f: file 640 "abcd"', 't work/out']);
    });

    it('a directory that a racing process puts in the place of one that is being filled', async () => {
      const seen: { sandbox?: Sandbox } = {};
      const result = await attack({
        form,
        flags: ['-rp'],
        operands: ['h:d', 'out/'],
        prepare: async (sandbox) => {
          seen.sandbox = sandbox;
        },
        script: async (peer) => {
          await peer.send('T5 0 5 0\nD0777 0 d\n');
          await peer.read(3);
          const directory = join(sandboxOf(seen).work, 'out/d');
          await rename(directory, `${directory}.moved`);
          await symlink(toDirectory, directory);
          await peer.send(`${file('inner')}T5 0 5 0\nD0777 0 e\n${file('x')}E\nE\n`);
          peer.exit(0);
          await peer.drain();
        },
      });
      expectCleanEnd(result);
      expect(result.changes.filter((line) => /^. outside/.test(line))).toEqual([]);
    });

    it('a directory that a racing process swaps back and forth, however often', async () => {
      const seen: { sandbox?: Sandbox } = {};
      let racing = true;
      let race = Promise.resolve();
      const result = await attack({
        form,
        flags: ['-r'],
        operands: ['h:d', 'out/'],
        plan: { 'work/out/d/e': '/', 'work/out/d/link': `-> ../${toDirectory}` },
        prepare: async (sandbox) => {
          seen.sandbox = sandbox;
        },
        script: async (peer) => {
          race = swapping(join(sandboxOf(seen).work, 'out/d'), () => racing);
          await peer.send(tree(`D0777 0 e\n${file('inner')}E\n`.repeat(300)));
          peer.exit(0);
          await peer.drain().finally(() => {
            racing = false;
          });
        },
      });
      racing = false;
      await race;
      expect(result.status).not.toBeNull();
      expect(result.changes.filter((line) => /^. outside/.test(line))).toEqual([]);
    });
  },
);

function sandboxOf(holder: { sandbox?: Sandbox }): Sandbox {
  if (holder.sandbox === undefined) throw new Error('no sandbox yet');
  return holder.sandbox;
}

/** Lets the names `e` (a directory) and `link` (a link that leads outside) change places until told otherwise. */
async function swapping(directory: string, goesOn: () => boolean): Promise<void> {
  const at = (name: string) => join(directory, name);
  while (goesOn()) {
    await rename(at('e'), at('aside')).catch(() => mkdir(at('aside')).catch(() => {}));
    await rename(at('link'), at('e')).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    await rename(at('e'), at('link')).catch(() => {});
    await rename(at('aside'), at('e')).catch(() => {});
  }
}

describe.each(forms)(
  'without -r, a link that the user named is followed, as scp does (%s):',
  { concurrent: true },
  (form) => {
    it('the file behind it gets the content, the link stays', async () => {
      const plan = { 'work/link': '-> out/f' };
      const result = await attack({ form, plan, script: blindly('C0644 2 f\nX\n\0'), operands: ['h:f', 'link'] });
      expectCleanEnd(result);
      expect(result).toMatchObject({ status: 0, changes: ['! work/out/f: file 640 "X\\n"', 't work'] });
    });

    it.each<Attack['operands'] & object>([
      ['h:d', 'link'],
      ['h:d', 'link/'],
    ])('with -r too, where it is the target itself (%s %s)', async (...operands) => {
      const plan = { 'work/link': '-> out' };
      const result = await attack({ form, plan, flags: ['-r'], script: blindly(tree(file('x'))), operands });
      expectCleanEnd(result);
      expect(result).toMatchObject({
        status: 0,
        changes: ['+ work/out/d/x: file 644 "X\\n"', '+ work/out/d: directory 755', 't work/out'],
      });
    });

    it('a directory sent to a dangling link is refused', async () => {
      const plan = { 'work/link': '-> ../outside/new' };
      const result = await attack({
        form,
        plan,
        flags: ['-r'],
        script: blindly(tree(file('x'))),
        operands: ['h:d', 'link'],
      });
      expectRefused(result, cause);
    });
  },
);
