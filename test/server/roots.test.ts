import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileError } from '../../src/base/errors.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import { type RootOptions, Roots } from '../../src/server/roots.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import { tempDirectory } from '../support/temp.ts';
import { exec, login, run, startTestServer } from './support.ts';

let base: string;
let roots: readonly RootOptions[];

beforeEach(async () => {
  base = await tempDirectory('roots');
  for (const name of ['inbox', 'flash', 'home']) await mkdir(join(base, name));
  await writeFile(join(base, 'flash', 'image'), 'image');
  await writeFile(join(base, 'inbox', 'taken'), 'old');
  roots = [
    { name: 'inbox', path: join(base, 'inbox'), mode: 'drop', quota: 1000 },
    { name: 'flash', path: join(base, 'flash'), mode: 'read-only', prefix: 'flash:' },
    { name: 'home', path: join(base, 'home'), quota: 100 },
  ];
});

/** Runs commands of one session, and gives what each is answered. */
async function ask(
  options: Partial<ServerOptions>,
  ...commands: [command: string, input: string][]
): Promise<string[]> {
  const { port } = await startTestServer(options);
  const client = await login(port);
  const answers: string[] = [];
  for (const [command, input] of commands) {
    const { code, stdout } = await run(client, command, input);
    answers.push(`${code} ${stdout.toString('latin1').replaceAll('\0', '0').replaceAll('\u0001', '!').trimEnd()}`);
  }
  return answers;
}

const fileOf = (content: string, name = 'x'): string => `C0644 ${content.length} ${name}\n${content}\0`;
const fetching = '\0\0\0';

describe('several roots', () => {
  it('are folders, and what stands for them in the way of network devices', async () => {
    const paths = [
      '/flash/image',
      'flash:image',
      'flash:/image',
      'FLASH:image',
      '/flash/../flash/image',
      '~/flash/image',
    ];
    const answers = await ask({ roots }, ...paths.map((path): [string, string] => [`scp -f ${path}`, fetching]));
    // Clients check that they get what is called as they have asked for it: the text behind the last slash.
    const called = ['image', 'flash:image', 'image', 'FLASH:image', 'image', 'image'];
    expect(answers).toEqual(called.map((name) => `0 C0644 5 ${name}\nimage0`));
  });

  it('give no way from one to the other, nor out', async () => {
    await writeFile(join(base, 'secret'), 'SECRET');
    await symlink('../secret', join(base, 'flash', 'out'));
    await symlink('/inbox/taken', join(base, 'flash', 'over'));
    const paths = ['flash:../secret', 'flash:out', 'flash:over', '/secret', 'flash://../../secret', 'flash:..'];
    const answers = await ask({ roots }, ...paths.map((path): [string, string] => [`scp -f ${path}`, fetching]));
    for (const answer of answers)
      expect(answer).toMatch(/^1 !scp: .*: (No such file or directory|not a regular file)$/);
  });

  it('can be fetched as a whole, as far as they can be read', async () => {
    const [answer] = await ask({ roots }, ['scp -r -f /', '\0'.repeat(30)]);
    expect(answer).toContain('D0755 0 flash\nC0644 5 image\nimage0E');
    expect(answer).toContain('!scp: /inbox: Permission denied');
    expect(answer).not.toContain('taken');
  });

  it('have patterns behind a prefix', async () => {
    await writeFile(join(base, 'home', 'a:b'), 'x');
    const answers = await ask(
      { roots, viewFor: () => ({ home: '/home' }) },
      ['scp -f flash:im*', fetching],
      ['scp -f flash:/im*', fetching],
      ['scp -f a:b', fetching],
      ['scp -f a:*', fetching],
    );
    expect(answers).toEqual([
      '0 C0644 5 flash:image\nimage0',
      '0 C0644 5 image\nimage0',
      '0 C0644 1 a:b\nx0',
      '0 C0644 1 a:b\nx0',
    ]);
  });

  it('begin where the user is at home', async () => {
    const viewFor = () => ({ home: '/home' });
    const answers = await ask(
      { roots, viewFor },
      ['scp -t f', fileOf('abc')],
      ['scp -t ~/g', fileOf('d')],
      ['scp -f ../flash/image', fetching],
    );
    expect(answers).toEqual(['0 000', '0 000', '0 C0644 5 image\nimage0']);
    expect((await readdir(join(base, 'home'))).sort()).toEqual(['f', 'g']);
  });

  it('are seen by whom they are for', async () => {
    const viewFor = ({ user }: { readonly user: string }) => ({ roots: user === 'alice' ? ['flash'] : [] });
    const answers = await ask(
      { roots, viewFor },
      ['scp -t /inbox/f', fileOf('abc')],
      ['scp -f flash:image', fetching],
      ['scp -t /f', fileOf('abc')],
    );
    expect(answers[0]).toBe('1 !scp: /inbox/f: No such file or directory');
    expect(answers[1]).toBe('0 C0644 5 flash:image\nimage0');
    expect(answers[2]).toBe('1 0!scp: /f: Read-only file system');
  });
});

describe('a drop zone', () => {
  it('takes files under free names, and trees, and tells nothing', async () => {
    const answers = await ask(
      { roots },
      ['scp -t /inbox', fileOf('abc', 'new')],
      ['scp -p -t /inbox/second', `T5 0 6 0\n${fileOf('abc')}`],
      ['scp -r -p -t /inbox', `T5 0 6 0\nD0750 0 d\n${fileOf('x', 'f')}E\n`],
      ['scp -r -t /inbox', `D0750 0 d\n${fileOf('x', 'g')}E\n`],
      ['scp -t /inbox/taken', fileOf('abc')],
      ['scp -t /inbox', fileOf('abc', 'new')],
      ['scp -f /inbox/taken', fetching],
      ['scp -f /inbox/nope', fetching],
      ['scp -f "/inbox/*"', fetching],
    );
    expect(answers.slice(0, 4)).toEqual(['0 000', '0 0000', '0 000000', '0 00000']);
    expect(answers.slice(4, 6)).toEqual([
      '1 0!scp: /inbox/taken: Permission denied',
      '1 0!scp: /inbox/new: Permission denied',
    ]);
    for (const answer of answers.slice(6)) expect(answer).toMatch(/^1 !scp: \S+: No such file or directory$/);
    expect((await readdir(join(base, 'inbox'), { recursive: true })).sort()).toEqual([
      'd',
      'd/f',
      'd/g',
      'new',
      'second',
      'taken',
    ]);
    expect(await stat(join(base, 'inbox', 'second'))).toMatchObject({ mtimeMs: 5000 });
    expect(await stat(join(base, 'inbox', 'd'))).toMatchObject({ mode: 0o40750 });
    expect(await readFile(join(base, 'inbox', 'taken'), 'utf8')).toBe('old');
  });
});

describe('limits', () => {
  it('refuse a file before its content comes', async () => {
    const { port } = await startTestServer({ roots });
    const channel = await exec(await login(port), 'scp -t /home/f');
    const answer = new Promise<string>((resolve) => {
      let text = '';
      channel.on('data', (data: Buffer) => {
        text += data.toString('latin1');
        if (text.includes('\n')) resolve(text);
      });
    });
    channel.write('C0644 101 f\n');
    expect(await answer).toBe('\0\u0001scp: /home/f: Disk quota exceeded\n');
    expect(await readdir(join(base, 'home'))).toEqual([]);
    channel.end();
  });

  it('hold together for all who are logged in', async () => {
    const { port } = await startTestServer({ roots });
    const clients = await Promise.all(Array.from({ length: 5 }, () => login(port)));
    const codes = await Promise.all(
      clients.map(async (client, i) => (await run(client, `scp -t /home/f${i}`, fileOf('x'.repeat(30)))).code),
    );
    expect(codes.filter((code) => code === 0)).toHaveLength(3);
    expect(await readdir(join(base, 'home'))).toHaveLength(3);
  });

  it('are shared with what was opened before, and may be others', async () => {
    const before = await Roots.open(roots);
    const home = await before.view().directory('/home');
    const file = await home.open('f', { access: 'write', create: 'new', size: 80 });
    const [inbox, flash, last] = roots as [RootOptions, RootOptions, RootOptions];
    const after = await Roots.open([inbox, flash, { ...last, quota: 90 }], { previous: before });
    before.close();
    expect(after.usage()).toEqual([
      { name: 'inbox', bytes: 3, entries: 1, reserved: 0 },
      { name: 'home', bytes: 0, entries: 1, reserved: 80 },
    ]);
    const again = await after.view().directory('/home');
    await expect(again.open('g', { access: 'write', create: 'new', size: 11 })).rejects.toMatchObject({
      code: 'EDQUOT',
    });
    await file.close();
    await (await again.open('g', { access: 'write', create: 'new', size: 90 })).close();
    for (const directory of [home, again]) await directory.close();
    after.close();
  });

  it('of roots on one folder each hold for all that is there, before and after a reload', async () => {
    const path = join(base, 'home');
    await symlink('home', join(base, 'again'));
    const shared: readonly RootOptions[] = [
      { name: 'free', path },
      { name: 'small', path, quota: 100 },
      { name: 'large', path: join(base, 'again'), quota: 1000 },
    ];
    const before = await Roots.open(shared);
    const reloaded = await Roots.open(shared, { previous: before });
    for (const opened of [before, reloaded]) {
      const put = async (root: string, name: string, size: number): Promise<string> => {
        const directory = await opened.view().directory(`/${root}`);
        try {
          const file = await directory.open(name, { access: 'write', create: 'new' });
          try {
            await file.write([Buffer.alloc(size)], 0);
          } finally {
            await file.close();
          }
          return 'done';
        } catch (error) {
          await directory.remove(name);
          return (error as FileError).code;
        } finally {
          await directory.close();
        }
      };
      expect(await put('small', 'a', 101)).toBe('EDQUOT');
      expect(await put('small', 'a', 60)).toBe('done');
      expect(await put('free', 'b', 30)).toBe('done');
      expect(await put('small', 'c', 11)).toBe('EDQUOT');
      expect(await put('large', 'c', 500)).toBe('done');
      expect(await put('large', 'd', 411)).toBe('EDQUOT');
      expect(await put('small', 'd', 1)).toBe('EDQUOT');
      expect(opened.usage().map(({ name, bytes, entries }) => `${name} ${bytes} ${entries}`)).toEqual([
        'small 590 3',
        'large 590 3',
      ]);
      const home = await opened.view().directory('/large');
      for (const name of ['a', 'b', 'c']) await home.remove(name);
      await home.close();
    }
    for (const opened of [before, reloaded]) opened.close();
  });

  it('that could not be kept are refused: of roots one in the other', async () => {
    const below = join(base, 'home', 'below');
    await mkdir(below);
    await symlink('home/below', join(base, 'link'));
    const outer = { name: 'outer', path: join(base, 'home') };
    const inner = { name: 'inner', path: join(base, 'link') };
    const opening = async (...list: RootOptions[]): Promise<string> =>
      await Roots.open(list).then(
        (opened) => {
          opened.close();
          return 'good';
        },
        (error: Error) => error.message,
      );
    expect(await opening({ ...outer, quota: 1 }, inner)).toBe(
      'the root inner is inside the root outer, and the quota of outer could not be kept; give neither a quota, or make one read-only',
    );
    expect(await opening({ ...inner, maxEntries: 1 }, outer)).toContain('the quota of inner could not be kept');
    expect(await opening(outer, inner)).toBe('good');
    expect(await opening({ ...outer, quota: 1 }, { ...inner, mode: 'read-only' })).toBe('good');
    expect(await opening({ ...inner, quota: 1 }, { ...outer, mode: 'read-only' })).toBe('good');
  });

  it('are counted again for what others have changed, and what cannot be counted is told', async () => {
    const warnings: string[] = [];
    const opened = await Roots.open(roots, { onWarning: (text) => void warnings.push(text) });
    await writeFile(join(base, 'home', 'theirs'), 'x'.repeat(70));
    await opened.recount();
    expect(opened.usage()[1]).toMatchObject({ bytes: 70, entries: 1 });
    await mkdir(join(base, 'home', ...Array.from({ length: 260 }, () => 'd')), { recursive: true });
    await opened.recount();
    expect(warnings).toEqual([expect.stringMatching(/^root home: not counted for its quota: \/d/)]);
    await rm(join(base, 'inbox'), { recursive: true });
    await opened.recount();
    expect(warnings[1]).toBe('root inbox: could not be counted again: /: No such file or directory');
    opened.close();
    opened.close();
  });
});

describe('rights', () => {
  it('hold for SCP', async () => {
    const viewFor = ({ user }: { readonly user: string }) => ({
      home: '/home',
      permit: (operation: string, path: string) =>
        user === 'alice' && path.startsWith('/home') && ['write', 'list'].includes(operation),
    });
    const answers = await ask(
      { roots, viewFor },
      ['scp -t f', fileOf('abc')],
      ['scp -t f', fileOf('abc')],
      ['scp -f f', fetching],
      ['scp -f flash:image', fetching],
      ['scp -r -t .', `D0755 0 d\nE\n`],
    );
    expect(answers).toEqual([
      '0 000',
      '1 0!scp: /home/f: Permission denied',
      '1 !scp: /home/f: Permission denied',
      '1 !scp: /flash/image: Permission denied',
      '1 0!scp: /home/d: Permission denied\n!scp: protocol error: end of a directory that was not entered',
    ]);
  });

  it('may come from a file system of one’s own, for each login', async () => {
    let asked = 0;
    const fileSystemFor = () => {
      asked++;
      return rootedFileSystem(join(base, 'flash'));
    };
    expect(await ask({ fileSystemFor }, ['scp -f image', fetching], ['scp -f image', fetching])).toEqual([
      '0 C0644 5 image\nimage0',
      '0 C0644 5 image\nimage0',
    ]);
    expect(asked).toBe(1);
  });
});

it('options that make no sense stop the start', async () => {
  const [inbox] = roots as [RootOptions];
  const starting = (options: object): Promise<unknown> => startTestServer(options);
  await expect(starting({ roots, fileSystemFor: () => rootedFileSystem(base) })).rejects.toThrow(TypeError);
  await expect(starting({ roots: [] })).rejects.toThrow('a server needs a root');
  await expect(starting({ roots: [inbox, inbox] })).rejects.toThrow('two roots have the same name');
  await expect(starting({ roots: [{ ...inbox, name: 'a/b' }, inbox] })).rejects.toThrow(TypeError);
  await expect(starting({ roots: [{ ...inbox, prefix: 'a b:' }] })).rejects.toThrow('cannot be a prefix');
  await expect(
    starting({
      roots: [
        { ...inbox, prefix: 'in:' },
        { ...inbox, name: 'b', prefix: 'IN:' },
      ],
    }),
  ).rejects.toThrow('two roots have the same prefix');
  await expect(starting({ roots: [{ ...inbox, mode: 'open' }] })).rejects.toThrow('the mode open is not');
  await expect(starting({ roots: [{ ...inbox, quota: -1 }] })).rejects.toThrow(RangeError);
  await expect(starting({ roots: [{ ...inbox, path: join(base, 'nope') }] })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(starting({ roots: [{ ...inbox, path: join(base, 'inbox', 'taken') }] })).rejects.toMatchObject({
    code: 'ENOTDIR',
  });
  const opened = await Roots.open(roots);
  expect(() => opened.view({ roots: ['nope'] })).toThrow('there is no root "nope"');
  opened.close();
});
