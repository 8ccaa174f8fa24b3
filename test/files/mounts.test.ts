import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileError } from '../../src/base/errors.ts';
import type { Directory } from '../../src/files/file-system.ts';
import { land } from '../../src/files/landing.ts';
import { mounts } from '../../src/files/mounts.ts';
import { locate } from '../../src/files/path.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { withStartPaths } from '../../src/files/start-paths.ts';
import { tempDirectory } from '../support/temp.ts';

let base: string;
let files: RootedFileSystem;

/** /inbox has `d/f` in it, /flash has `f`; `secret` lies beside both. */
beforeEach(async () => {
  base = await tempDirectory('mounts');
  await mkdir(join(base, 'inbox', 'd'), { recursive: true });
  await mkdir(join(base, 'flash'));
  await writeFile(join(base, 'secret'), 'SECRET');
  await writeFile(join(base, 'inbox', 'd', 'f'), 'inbox');
  await writeFile(join(base, 'flash', 'f'), 'flash');
  files = withStartPaths(
    mounts([
      { name: 'inbox', fileSystem: rootedFileSystem(join(base, 'inbox')) },
      { name: 'flash', fileSystem: rootedFileSystem(join(base, 'flash')) },
    ]),
    { home: '/inbox', prefixes: new Map([['flash:', '/flash']]) },
  );
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no error',
    (error: FileError) => error.code,
  );
}

async function read(path: string): Promise<string> {
  const { directory, name } = await locate(files, path);
  try {
    const file = await directory.open(name, { access: 'read', follow: true });
    const buffer = Buffer.alloc(100);
    const length = await file.read(buffer, 0);
    await file.close();
    return buffer.toString('utf8', 0, length);
  } finally {
    await directory.close();
  }
}

async function within<T>(path: string, work: (directory: Directory) => Promise<T>): Promise<T> {
  const directory = await files.directory(path);
  try {
    return await work(directory);
  } finally {
    await directory.close();
  }
}

async function toArray(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}

async function namesIn(path: string): Promise<string[]> {
  return await within(path, (directory) => toArray(directory.names()));
}

describe('a path', () => {
  it.each([
    ['/inbox/d/f', 'inbox'],
    ['d/f', 'inbox'],
    ['./d/f', 'inbox'],
    ['../flash/f', 'flash'],
    ['/flash/f', 'flash'],
    ['flash:f', 'flash'],
    ['flash:/f', 'flash'],
    ['flash://f', 'flash'],
    ['FLASH:f', 'flash'],
    ['/flash:f', 'flash'],
    ['/flash:/f', 'flash'],
    ['flash:../inbox/d/f', 'inbox'],
    ['/../../inbox/d/../d/f', 'inbox'],
    ['/inbox/d/../../flash/f', 'flash'],
  ])('%s leads to the file of %s', async (path, content) => {
    expect(await read(path)).toBe(content);
  });

  it.each([
    'flash:../secret',
    'flash:../../secret',
    '/secret',
    '../secret',
    '/flash/../secret',
    '/flash:../secret',
    'flash:d/f',
    'inbox:d/f',
    '/nope/f',
    'flash:\0/f',
  ])('%j leads nowhere', async (path) => {
    expect(await codeOf(read(path))).toMatch(/ENOENT|EINVAL/);
  });

  it.each([
    ['flash:', ['f']],
    ['flash:/', ['f']],
    ['/flash', ['f']],
    ['flash:..', ['flash', 'inbox']],
    ['/', ['flash', 'inbox']],
    ['..', ['flash', 'inbox']],
    ['/inbox/..', ['flash', 'inbox']],
    ['/..', ['flash', 'inbox']],
    ['.', ['d']],
  ])('%s is a folder', async (path, names) => {
    expect((await namesIn(path)).sort()).toEqual(names);
  });

  it('with a colon that is no prefix names a file like any other', async () => {
    await writeFile(join(base, 'inbox', 'a:b'), 'colon');
    await writeFile(join(base, 'inbox', 'flash:f'), 'name');
    expect(await read('a:b')).toBe('colon');
    expect(await read('/inbox/a:b')).toBe('colon');
    expect(await read('/inbox/flash:f')).toBe('name');
    expect(await read('./flash:f')).toBe('name');
    expect(await read('d/../flash:f')).toBe('name');
  });

  it('of very many components does not take long', async () => {
    expect(await codeOf(read(`/inbox/${'x/'.repeat(100_000)}f`))).toBe('ENOENT');
    expect(await read(`${'/..'.repeat(100_000)}/flash/f`)).toBe('flash');
  });

  it('is shown as its user sees it, with the folder it is in', async () => {
    await expect(within('/flash', (directory) => directory.open('x', { access: 'read' }))).rejects.toMatchObject({
      message: '/flash/x: No such file or directory',
    });
    await expect(files.directory('flash:a/b')).rejects.toMatchObject({ message: expect.stringMatching(/^\/flash\/a/) });
    await within('d', async (directory) => {
      expect(directory.path).toBe('/inbox/d');
      const file = await directory.open('f', { access: 'read' });
      expect(file.path).toBe('/inbox/d/f');
      await expect(file.write([Buffer.from('x')], 0)).rejects.toMatchObject({ path: '/inbox/d/f' });
      await file.close();
    });
  });
});

describe('a link', () => {
  it.each(['../flash/f', '/flash/f', '../../flash/f', '../secret', '/secret', 'flash:f', '..', '/'])(
    'to %s does not lead out of the folder that it is in',
    async (target) => {
      await symlink(target, join(base, 'inbox', 'out'));
      expect(await codeOf(read('out'))).not.toBe('no error');
      expect(await codeOf(read('out/f'))).not.toBe('no error');
      for (const way of ['followLast', 'resolve'] as const)
        expect(await files[way]('/inbox/out').catch((error: FileError) => error.path)).toMatch(/^\/inbox/);
      await within('/inbox', async (directory) => {
        const status = await directory.status('out', { follow: true });
        if (status !== undefined) expect(status.inode).toBe((await directory.ownStatus()).inode);
      });
    },
  );

  it('that is absolute begins at the folder that it is in', async () => {
    await symlink('/d/f', join(base, 'inbox', 'link'));
    expect(await read('link')).toBe('inbox');
    expect(await files.followLast('link')).toBe('/inbox/d/f');
  });

  it('on the way to .. counts for where it leads', async () => {
    await symlink('d', join(base, 'inbox', 'link'));
    expect(await read('/inbox/link/../d/f')).toBe('inbox');
    expect(await read('/inbox/link/../../flash/f')).toBe('flash');
  });

  it('is not made or read across folders', async () => {
    await within('/inbox', async (inbox) => {
      await within('/flash', async (flash) => {
        expect(await codeOf(flash.rename('f', 'g', inbox))).toBe('EXDEV');
        expect(await codeOf(flash.makeHardLink('f', 'g', inbox))).toBe('EXDEV');
        await within('/inbox/d', (d) => d.rename('f', 'g', inbox));
        expect(await codeOf(within('/', (top) => flash.rename('f', 'g', top)))).toBe('EXDEV');
      });
    });
    expect(await readFile(join(base, 'inbox', 'g'), 'utf8')).toBe('inbox');
    expect(await readdir(join(base, 'flash'))).toEqual(['f']);
  });
});

describe('the top folder', () => {
  it('may be asked where a name would be that is not there', async () => {
    expect([await files.resolve('/nope'), await files.followLast('/nope'), await files.followLast('/nope/')]).toEqual([
      '/nope',
      '/nope',
      '/nope/',
    ]);
    expect(await codeOf(files.resolve('/nope/'))).toBe('ENOENT');
    expect(await codeOf(files.resolve('/nope/x'))).toBe('ENOENT');
    expect(await codeOf(files.directory('/nope'))).toBe('ENOENT');
  });

  it('shows what is mounted, with the status of each', async () => {
    await within('/', async (top) => {
      expect(await top.status('inbox')).toMatchObject({ kind: 'directory' });
      expect((await top.status('inbox'))?.inode).toBe(await within('/inbox', async (d) => (await d.ownStatus()).inode));
      expect(await top.status('nope')).toBeUndefined();
      expect(await top.status('.')).toMatchObject({ kind: 'directory', mode: 0o555 });
      expect((await top.directory('flash')).path).toBe('/flash');
      expect(await codeOf(top.open('flash', { access: 'read' }))).toBe('EISDIR');
      expect(await codeOf(top.open('f', { access: 'read' }))).toBe('ENOENT');
    });
  });

  it('cannot be changed', async () => {
    const times = { atimeSeconds: 1, mtimeSeconds: 1 };
    await within('/', async (top) => {
      const attempts: readonly [string, Promise<unknown>][] = [
        ['EROFS', top.open('f', { access: 'write', create: 'new' })],
        ['EEXIST', top.open('inbox', { access: 'write', create: 'new' })],
        ['EROFS', land(top, 'f', { mode: 0o644 })],
        ['EISDIR', land(top, 'inbox', { mode: 0o644 })],
        ['EROFS', top.makeDirectory('d', 0o755)],
        ['EEXIST', top.makeDirectory('inbox', 0o755)],
        ['EROFS', top.makeLink('l', 'inbox')],
        ['EROFS', top.rename('inbox', 'outbox')],
        ['ENOENT', top.rename('nope', 'outbox')],
        ['EROFS', top.makeHardLink('inbox', 'x')],
        ['EISDIR', top.remove('inbox')],
        ['EROFS', top.removeDirectory('inbox')],
        ['EROFS', top.setAttributes('inbox', { times })],
        ['EROFS', top.setAttributes('.', { times })],
        ['EROFS', top.setOwnMode(0o777)],
        ['EROFS', top.setOwnTimes(1, 1)],
        ['EINVAL', top.readLink('inbox')],
        ['ENOTSUP', top.space()],
      ];
      expect(await Promise.all(attempts.map(([, work]) => codeOf(work)))).toEqual(attempts.map(([code]) => code));
    });
    expect((await readdir(base)).sort()).toEqual(['flash', 'inbox', 'secret']);
  });
});

it.each(['', '.', '..', 'a/b', 'a\0'])('a folder cannot have the name %j', (name) => {
  expect(() => mounts([{ name, fileSystem: files }])).toThrow(TypeError);
});

it('settings that make no sense are refused', () => {
  const mount = { name: 'a', fileSystem: files };
  expect(() => mounts([mount, mount])).toThrow('two folders have the name "a"');
  expect(() => withStartPaths(files, { home: 'inbox' })).toThrow(TypeError);
  for (const prefix of ['flash', '/flash:', '1:', 'a b:', ':'])
    expect(() => withStartPaths(files, { prefixes: new Map([[prefix, '/']]) })).toThrow(TypeError);
});

it('what was made absolute is not read a second time', () => {
  const single = withStartPaths(files, { prefixes: new Map([['disk0:', '/']]) });
  expect(single.absolute?.('disk0:disk0:x')).toBe('/./disk0:x');
  expect(single.absolute?.('/./disk0:x')).toBe('/./disk0:x');
  for (const path of ['flash:x', './flash:x', 'x', '', '.', '/a:b', 'flash:flash:x', 'flash:/', './/flash:x']) {
    const once = files.absolute?.(path) ?? path;
    expect([path, files.absolute?.(once)]).toEqual([path, once]);
    if (path !== '') expect(once).toMatch(/^\//);
  }
});

it('a single folder can have a prefix and a start directory as well', async () => {
  files = withStartPaths(rootedFileSystem(join(base, 'inbox')), { home: '/d', prefixes: new Map([['disk0:', '/']]) });
  for (const path of ['f', 'disk0:d/f', '/d/f', 'DISK0:/d/f', '../d/f']) expect(await read(path)).toBe('inbox');
  expect(await codeOf(read(''))).toBe('ENOENT');
});
