import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../support/hostile-sandbox.ts';
import { NOTHING, type Override, type SftpPlan, type Tree } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  type SftpAttack,
} from '../support/hostile-sftp-run.ts';
import { attrs, DIRECTORY_MODE, data, EOF, names, status } from '../support/hostile-sftp-wire.ts';

const toFile = '../../outside/secret';
const toDirectory = '../../outside/dir';
const evil = { content: 'evil\n', mode: 0o100666 };

interface LinkCase {
  readonly title: string;
  readonly local: Readonly<Record<string, string>>;
  readonly tree: Tree;
  readonly operands?: readonly string[];
}

const ofG = { tree: { g: evil }, operands: ['h:g', 'out/'] };

/** Links in the destination that somebody has put there; none may be written through with -r (V9). */
const planted: readonly LinkCase[] = [
  { title: 'a file at the top', local: { 'work/out/g': `-> ${toFile}` }, ...ofG },
  { title: 'a file that is not there, at the top', local: { 'work/out/g': '-> ../../outside/new' }, ...ofG },
  { title: 'itself, at the top', local: { 'work/out/g': '-> g' }, ...ofG },
  { title: 'a directory, where a file is sent', local: { 'work/out/g': `-> ${toDirectory}` }, ...ofG },
  { title: 'a directory, at the top', local: { 'work/out/d': `-> ${toDirectory}` }, tree: { d: { inner: evil } } },
  { title: 'a directory that is not there', local: { 'work/out/d': '-> ../../outside/new' }, tree: { d: { x: evil } } },
  { title: 'a file, below the root', local: { 'work/out/d/g': `-> ../${toFile}` }, tree: { d: { g: evil } } },
  { title: 'nothing, below the root', local: { 'work/out/d/g': '-> ../../../outside/new' }, tree: { d: { g: evil } } },
  {
    title: 'a directory, below the root',
    local: { 'work/out/d/e': `-> ../${toDirectory}` },
    tree: { d: { e: { inner: evil } } },
  },
  { title: 'the root itself, below the root', local: { 'work/out/d/e': '-> ..' }, tree: { d: { e: { f: evil } } } },
  {
    title: 'a file, by a pattern',
    local: { 'work/out/g': `-> ${toFile}` },
    tree: { g: evil },
    operands: ['h:*', 'out/'],
  },
];

const cause = /symbolic link|Too many levels|Not a directory|File exists/;

describe.each(bothTransports)(
  'with -r, a server (%s) cannot write through a link to',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each(planted.filter((_, i) => form === 'direct' || i % 4 === 0))(
      '$title (V9)',
      async ({ local, tree, operands, title }) => {
        for (const flags of form === 'direct' ? [['-r'], ['-rp']] : [['-rp']]) {
          const result = await attackSftp({
            form,
            flags,
            local,
            plan: { tree },
            operands: operands ?? ['h:d', 'out/'],
          });
          expectSftpEnd(result, title);
          expect(result.status, title).toBe(1);
          expect(result.stderr, title).toMatch(cause);
          expect(
            result.changes.filter((line) => !/^t work\/out(\/d)?$/.test(line)),
            title,
          ).toEqual([]);
        }
      },
    );
  },
);

/** Does something on this side while the server makes the client wait. */
const meanwhile =
  (act: () => Promise<void>, answer: Override): Override =>
  async (request, fake) => {
    await act();
    return answer(request, fake);
  };

/** An attack in which somebody changes the destination while the copy is under way. */
async function racing(options: SftpAttack, plan: (out: () => string) => SftpPlan) {
  const seen: { sandbox?: Sandbox } = {};
  const out = () => join(seen.sandbox?.work ?? '', 'out');
  const prepare = async (sandbox: Sandbox) => {
    seen.sandbox = sandbox;
  };
  const result = await attackSftp({ ...options, prepare, plan: plan(out) });
  expectSftpEnd(result);
  expect(result.changes.filter((line) => /^. (outside|home|work\/neighbour)/.test(line))).toEqual([]);
  return result;
}

describe('with -r, a racing process cannot lead the copy out that puts a link', {
  concurrent: true,
  timeout: 60_000,
}, () => {
  it('in the place of the file that is being written', async () => {
    const result = await racing({ flags: ['-r'] }, (out) => ({
      tree: { f: 'abcd' },
      answers: {
        READ: meanwhile(
          async () => {
            // The copy has looked at the name by then.
            while (!(await readdir(out())).some((name) => name.endsWith('.sealift-part'))) await nextTurn();
            await rm(join(out(), 'f'), { force: true });
            await symlink(toFile, join(out(), 'f'));
          },
          ({ id }) => data(id, 'abcd'),
        ),
      },
    }));
    expect(result.changes).toEqual(['! work/out/f: file 640 "abcd"', 't work/out']);
  });

  it('in the place of the directory that is being filled', async () => {
    await racing({ flags: ['-rp'], operands: ['h:d', 'out/'] }, (out) => ({
      tree: { d: { inner: evil, e: { x: evil } } },
      answers: {
        READDIR: meanwhile(
          async () => {
            await rename(join(out(), 'd'), join(out(), 'moved')).catch(() => {});
            await symlink(toDirectory, join(out(), 'd')).catch(() => {});
          },
          () => undefined,
        ),
      },
    }));
  });

  it('in the place of a directory that is about to be made', async () => {
    await racing({ flags: ['-rp'], operands: ['h:d', 'out/'] }, (out) => ({
      tree: { d: { e: { inner: evil } } },
      answers: {
        READDIR: meanwhile(
          async () => {
            await symlink(`../${toDirectory}`, join(out(), 'd/e')).catch(() => {});
          },
          () => undefined,
        ),
      },
    }));
  });

  it('back and forth, however often', async () => {
    // While an answer is held back here, the client works on those before it.
    const swap = async (directory: string): Promise<void> => {
      const at = (name: string) => join(directory, name);
      for (let round = 0; round < 10; round++) {
        await rename(at('e'), at('aside')).catch(() => mkdir(at('aside')).catch(() => {}));
        await rename(at('link'), at('e')).catch(() => {});
        await nextTurn();
        await rename(at('e'), at('link')).catch(() => {});
        await rename(at('aside'), at('e')).catch(() => {});
      }
    };
    const local = { 'work/out/d/e': '/', 'work/out/d/link': `-> ../${toDirectory}` };
    const tree = { d: { e: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`inner${i}`, evil])) } };
    let listings = 0;
    await racing({ flags: ['-r'], operands: ['h:d', 'out/'], local }, (out) => ({
      tree,
      answers: {
        READDIR: async ({ id, handle }, fake) => {
          await swap(join(out(), 'd'));
          if (fake.pathOf(handle) !== 'd' || ++listings > 60) return undefined;
          return names(id, [{ name: 'e', mode: DIRECTORY_MODE }]);
        },
      },
    }));
  });
});

describe('links on the server', { concurrent: true, timeout: 60_000 }, () => {
  it('are never made here, and what they lead to is copied as what it says it is', async () => {
    const plan: SftpPlan = {
      tree: { d: {}, 'd/x': 'X\n' },
      answers: {
        READDIR: ({ id }, fake) =>
          fake.count('READDIR') === 1 ? names(id, [{ name: 'x', mode: 0o120777 }]) : status(id, EOF),
      },
    };
    const result = await attackSftp({ plan, flags: ['-r'], operands: ['h:d', 'out/'] });
    expectSftpCopied(result, ['+ work/out/d/x: file 644 "X\\n"', '+ work/out/d: directory 755', 't work/out']);
    expect(result.servers[0]?.log.filter((line) => line.startsWith('READLINK'))).toEqual([]);
  });

  it('that lead back into the directory are followed to a limit', async () => {
    const plan: SftpPlan = {
      anything: {},
      tree: { d: {} },
      answers: {
        READDIR: ({ id, handle }, fake) =>
          fake.log.filter((line) => line === `READDIR ${fake.pathOf(handle)}`).length === 1
            ? names(id, [{ name: 'up', mode: 0o120777 }])
            : status(id, EOF),
      },
    };
    const result = await attackSftp({ plan, flags: ['-r'], operands: ['h:d', 'out/'] });
    expectSftpEnd(result);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/nest deeper/);
  });

  it('whose status changes each time it is asked for are copied as one thing', async () => {
    let turn = 0;
    const STAT: Override = ({ id }) =>
      turn++ % 2 === 0 ? attrs(id, { mode: 0o100644, size: 2 }) : attrs(id, { mode: DIRECTORY_MODE });
    const plan: SftpPlan = {
      tree: { d: { x: { content: 'X\n', mode: 0o120777 } } },
      answers: { STAT, LSTAT: STAT, FSTAT: STAT },
    };
    for (const operands of [
      ['h:d', 'out/'],
      ['h:d/x', 'h:d', 'out/'],
    ]) {
      turn = 0;
      const result = await attackSftp({ plan, flags: ['-r'], operands });
      expectSftpEnd(result);
      expect(result.changes.filter((line) => !/^[+!t] work\/out(\/|:|$)/.test(line))).toEqual([]);
    }
  });
});

describe('without -r, a link that the person named is followed, as scp does:', {
  concurrent: true,
  timeout: 60_000,
}, () => {
  it('the file behind it gets the content, the link stays', async () => {
    const result = await attackSftp({ local: { 'work/link': '-> out/f' }, operands: ['h:f', 'link'] });
    expectSftpCopied(result, ['! work/out/f: file 640 "X\\n"', 't work']);
  });

  it('but its content is not touched where the copy fails', async () => {
    const plan: SftpPlan = {
      answers: {
        READ: async (_, fake) => {
          fake.peer.exit(0);
          await fake.peer.gone;
          return NOTHING;
        },
      },
    };
    const result = await attackSftp({ plan, local: { 'work/link': '-> out/f' }, operands: ['h:f', 'link'] });
    expectSftpEnd(result);
    expect([1, 255]).toContain(result.status);
    expect(result.changes.filter((line) => !line.startsWith('t work'))).toEqual([]);
  });
});
