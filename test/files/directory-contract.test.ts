import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Directory } from '../../src/files/file-system.ts';
import { guarded } from '../../src/files/guard.ts';
import { limited } from '../../src/files/limited.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { mounts } from '../../src/files/mounts.ts';
import { joinPath, splitPath, stripTrailingSlashes } from '../../src/files/path.ts';
import { Room } from '../../src/files/room.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { withStartPaths } from '../../src/files/start-paths.ts';
import { tempDirectory } from '../support/temp.ts';

/** Opens a directory for the test and closes it after. */
async function within(directory: Promise<Directory>, work: (directory: Directory) => Promise<void>): Promise<void> {
  const opened = await directory;
  try {
    await work(opened);
  } finally {
    await opened.close();
  }
}

function mounted(path: string): RootedFileSystem {
  return mounts([
    { name: 'other', fileSystem: rootedFileSystem('/nonexistent') },
    { name: 'm', fileSystem: rootedFileSystem(path) },
  ]);
}

async function limitedAt(path: string): Promise<RootedFileSystem> {
  return limited(rootedFileSystem(path), await Room.open(rootedFileSystem(path), { quota: 1e9, keepFree: 1 }));
}

async function allNames(directory: Directory, gradual = false): Promise<string[]> {
  const names: string[] = [];
  for await (const name of directory.names({ gradual })) names.push(name);
  return names.sort();
}

describe.each([
  ['local', (path: string) => localFileSystem().directory(path)],
  ['local and pinned', (path: string) => localFileSystem({ pin: true }).directory(path)],
  ['rooted', (path: string) => rootedFileSystem(path).directory('/')],
  ['mounted', (path: string) => mounted(path).directory('/m')],
  ['guarded', (path: string) => guarded(rootedFileSystem(path), () => true).directory('/')],
  ['limited', async (path: string) => (await limitedAt(path)).directory('/')],
  [
    'below several layers',
    async (path: string) =>
      guarded(mounts([{ name: 'm', fileSystem: await limitedAt(path) }]), () => true).directory('/m'),
  ],
] as const)('a directory that is %s', (kind, openAt) => {
  it('reads, writes, lists, renames and removes files', async () => {
    const path = await tempDirectory();
    await within(openAt(path), async (directory) => {
      const file = await directory.open('f', { access: 'write', create: 'new', mode: 0o640 });
      await file.write([Buffer.from('hello '), Buffer.alloc(0), Buffer.from('world')], 0);
      await file.write([Buffer.from('W')], 6);
      await file.setTimes(1, 2);
      expect(await file.status()).toMatchObject({ kind: 'file', size: 11, mtimeSeconds: 2, atimeSeconds: 1, links: 1 });
      await file.close();
      await file.close();
      await directory.rename('f', 'g');
      await directory.makeDirectory('d', 0o755);
      expect(await allNames(directory)).toEqual(['d', 'g']);
      const reread = await directory.open('g', { access: 'read' });
      const buffer = Buffer.alloc(20);
      expect(await reread.read(buffer, 6)).toBe(5);
      expect(buffer.subarray(0, 5).toString()).toBe('World');
      expect(await reread.read(buffer, 11)).toBe(0);
      await reread.close();
      await directory.remove('g');
      expect(await directory.status('g')).toBeUndefined();
    });
  });

  it('keeps names of any bytes', async () => {
    const path = await tempDirectory();
    await within(openAt(path), async (directory) => {
      for (const name of ['caf\udce9', 'a\nb', ' x ', '-rf', 'ü'])
        await (await directory.open(name, { access: 'write', create: 'new' })).close();
      expect(await allNames(directory)).toEqual([' x ', '-rf', 'a\nb', 'caf\udce9', 'ü'].sort());
      expect(await directory.status('caf\udce9')).toMatchObject({ kind: 'file' });
    });
  });

  it('names the path and the reason in errors, with an errno code', async () => {
    const path = await tempDirectory();
    await writeFile(join(path, 'f'), '');
    await within(openAt(path), async (directory) => {
      const shown = joinPath(directory.path, 'nope');
      await expect(directory.open('nope', { access: 'read' })).rejects.toMatchObject({
        code: 'ENOENT',
        message: `${shown}: No such file or directory`,
      });
      await expect(directory.open('f', { access: 'write', create: 'new' })).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(directory.directory('f')).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(directory.directory('nope')).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(directory.makeDirectory('f', 0o755)).rejects.toMatchObject({ code: 'EEXIST' });
    });
  });

  it('does not follow a link unless it is told to', async () => {
    const path = await tempDirectory();
    await mkdir(join(path, 'real'));
    await writeFile(join(path, 'file'), 'x');
    await symlink('real', join(path, 'dirlink'));
    await symlink('file', join(path, 'filelink'));
    await within(openAt(path), async (directory) => {
      expect(await directory.status('filelink')).toMatchObject({ kind: 'symlink' });
      expect(await directory.status('filelink', { follow: true })).toMatchObject({ kind: 'file' });
      await expect(directory.open('filelink', { access: 'write' })).rejects.toMatchObject({ code: 'ELOOP' });
      await expect(directory.directory('dirlink')).rejects.toMatchObject({ code: 'ELOOP' });
      await (await directory.open('filelink', { access: 'read', follow: true })).close();
      await (await directory.directory('dirlink', { follow: true })).close();
      expect(await directory.readLink('dirlink')).toBe('real');
    });
  });

  it('sets its own mode and times', async () => {
    const path = await tempDirectory();
    await mkdir(join(path, 'd'));
    await within(openAt(path), async (parent) => {
      await within(parent.directory('d'), async (directory) => {
        await directory.setOwnMode(0o711);
        await directory.setOwnTimes(10, 20);
        await directory.sync();
        expect(await directory.ownStatus()).toMatchObject({ kind: 'directory', mode: 0o711, mtimeSeconds: 20 });
      });
    });
    expect((await stat(join(path, 'd'))).mode & 0o777).toBe(0o711);
  });

  it('lists gradually, any number of names of any bytes, and may be left before the end', async () => {
    const path = await tempDirectory();
    await within(openAt(path), async (directory) => {
      const names = Array.from({ length: 600 }, (_, index) => `caf\udce9 ${index}`).sort();
      for (const name of names) await (await directory.open(name, { access: 'write', create: 'new' })).close();
      expect(await allNames(directory, true)).toEqual(names);
      for await (const name of directory.names({ gradual: true })) {
        expect(names).toContain(name);
        break;
      }
    });
  });

  it('opens for reading and writing at once', async () => {
    const path = await tempDirectory();
    await within(openAt(path), async (directory) => {
      const file = await directory.open('f', { access: 'read-write', create: 'new' });
      await file.write([Buffer.from('hello')], 0);
      const buffer = Buffer.alloc(3);
      expect(await file.read(buffer, 2)).toBe(3);
      expect(buffer.toString()).toBe('llo');
      await file.close();
    });
  });

  it('gives a file a second name, in one step and never over another', async () => {
    const path = await tempDirectory();
    await writeFile(join(path, 'f'), 'content');
    await mkdir(join(path, 'd'));
    await symlink('f', join(path, 'link'));
    await within(openAt(path), async (directory) => {
      await directory.makeHardLink('f', 'g');
      expect(await directory.status('g')).toMatchObject({ kind: 'file', size: 7, links: 2 });
      for (const taken of ['g', 'd', 'link'])
        await expect(directory.makeHardLink('f', taken)).rejects.toMatchObject({
          code: 'EEXIST',
          message: `${joinPath(directory.path, taken)}: File exists`,
        });
      await expect(directory.makeHardLink('nope', 'h')).rejects.toMatchObject({ code: 'ENOENT' });
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => directory.makeHardLink('f', 'one')));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await directory.makeHardLink('link', 'link2');
      expect(await directory.status('link2')).toMatchObject({ kind: 'symlink' });
    });
  });

  it('renames and links into another directory', async () => {
    const path = await tempDirectory();
    await mkdir(join(path, 'd'));
    await writeFile(join(path, 'f'), 'new');
    await writeFile(join(path, 'd', 'g'), 'old');
    await within(openAt(path), async (directory) => {
      await within(directory.directory('d'), async (target) => {
        await directory.makeHardLink('f', 'h', target);
        await expect(directory.makeHardLink('f', 'g', target)).rejects.toMatchObject({ code: 'EEXIST' });
        await directory.rename('f', 'g', target);
        expect(await allNames(target)).toEqual(['g', 'h']);
      });
      expect(await allNames(directory)).toEqual(['d']);
      const stranger = { path: '/elsewhere' } as Directory;
      await expect(directory.rename('d', 'e', stranger)).rejects.toMatchObject({ code: 'EXDEV' });
      await expect(directory.makeHardLink('d', 'e', stranger)).rejects.toMatchObject({ code: 'EXDEV' });
    });
    expect(await readFile(join(path, 'd', 'g'), 'utf8')).toBe('new');
  });

  it('removes directories that are empty', async () => {
    const path = await tempDirectory();
    await mkdir(join(path, 'd', 'e'), { recursive: true });
    await writeFile(join(path, 'f'), '');
    await within(openAt(path), async (directory) => {
      await expect(directory.removeDirectory('d')).rejects.toMatchObject({ code: 'ENOTEMPTY' });
      await expect(directory.removeDirectory('f')).rejects.toMatchObject({ code: 'ENOTDIR' });
      await within(directory.directory('d'), (d) => d.removeDirectory('e'));
      await directory.removeDirectory('d');
      expect(await allNames(directory)).toEqual(['f']);
    });
  });

  it('changes attributes of any entry without opening it', async () => {
    const path = await tempDirectory();
    await writeFile(join(path, 'f'), '', { mode: 0o600 });
    await chmod(join(path, 'f'), 0);
    await mkdir(join(path, 'd'));
    await within(openAt(path), async (directory) => {
      for (const name of ['f', 'd', '.']) {
        await directory.setAttributes(name, { mode: 0o750, times: { atimeSeconds: 3, mtimeSeconds: 4 } });
        expect(await directory.status(name)).toMatchObject({ mode: 0o750, atimeSeconds: 3, mtimeSeconds: 4 });
      }
      await directory.setAttributes('f', {});
      await expect(directory.setAttributes('nope', { mode: 0o600 })).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  it('changes the attributes of a link itself, or of what it leads to', async () => {
    const path = await tempDirectory();
    await writeFile(join(path, 'f'), '', { mode: 0o600 });
    await symlink('f', join(path, 'link'));
    const times = { atimeSeconds: 3, mtimeSeconds: 4 };
    await within(openAt(path), async (directory) => {
      await directory.setAttributes('link', { times });
      expect(await lstat(join(path, 'link'))).toMatchObject({ mtimeMs: 4000 });
      expect((await stat(join(path, 'f'))).mtimeMs).not.toBe(4000);
      await expect(
        directory.setAttributes('link', { mode: 0o640, times: { ...times, mtimeSeconds: 5 } }),
      ).rejects.toMatchObject({ code: 'ENOTSUP' });
      expect(await lstat(join(path, 'link'))).toMatchObject({ mtimeMs: 5000 });
      await directory.setAttributes('link', { mode: 0o640, times }, { follow: true });
      expect(await stat(join(path, 'f'))).toMatchObject({ mtimeMs: 4000, mode: 0o100640 });
    });
  });

  it('tells the room of its file system', async () => {
    const path = await tempDirectory();
    await within(openAt(path), async (directory) => {
      const space = await directory.space();
      expect(space.blockBytes).toBeGreaterThan(0);
      expect(space.blocks).toBeGreaterThan(0n);
      expect(space.freeBlocks).toBeLessThanOrEqual(space.blocks);
      expect(space.availableBlocks).toBeLessThanOrEqual(space.freeBlocks);
    });
  });

  // A plain local directory is a path and follows what happens to it; the others are held.
  const held = kind === 'local' ? undefined : it;
  held?.('stays the directory that was opened, whatever happens to its path', async () => {
    const path = await tempDirectory();
    const outside = await tempDirectory();
    await mkdir(join(path, 'd'));
    await within(openAt(path), async (parent) => {
      await within(parent.directory('d'), async (directory) => {
        await rename(join(path, 'd'), join(path, 'moved'));
        await symlink(outside, join(path, 'd'));
        await (await directory.open('f', { access: 'write', create: 'new' })).close();
      });
    });
    expect(await readFile(join(path, 'moved', 'f'), 'utf8')).toBe('');
    await expect(stat(join(outside, 'f'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readlink(join(path, 'd'))).toBe(outside);
    await rm(join(path, 'd'));
  });
});

describe.each([
  ['local', () => localFileSystem(), (path: string) => path],
  ['rooted', rootedFileSystem, () => ''],
  ['mounted', mounted, () => '/m'],
  ['guarded', (path: string) => guarded(rootedFileSystem(path), () => true), () => ''],
  ['given a start directory', (path: string) => withStartPaths(mounted(path), { home: '/m/d' }), () => '/m'],
] as const)('a file system that is %s', (_kind, make, rootOf) => {
  it('resolves paths to those without links', async () => {
    const path = await realpath(await tempDirectory());
    const fileSystem = make(path);
    const root = rootOf(path);
    await mkdir(join(path, 'd', 'e'), { recursive: true });
    await writeFile(join(path, 'd', 'f'), '');
    await symlink('d/e', join(path, 'link'));
    await symlink('d/f', join(path, 'filelink'));
    for (const [asked, found] of [
      ['/link', '/d/e'],
      ['/link/', '/d/e'],
      ['/link/..', '/d'],
      ['/link/../f', '/d/f'],
      ['/filelink', '/d/f'],
      ['/d/./e/nope', '/d/e/nope'],
      ['/d/f', '/d/f'],
    ] as const)
      expect([asked, await fileSystem.resolve(root + asked)]).toEqual([asked, root + found]);
    await expect(fileSystem.resolve(`${root}/nope/nope`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(fileSystem.resolve(`${root}/nope/`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(fileSystem.resolve(`${root}/d/f/`)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('paths', () => {
  it.each([
    ['a/b', { parent: 'a', name: 'b', mustBeDirectory: false }],
    ['a', { parent: '.', name: 'a', mustBeDirectory: false }],
    ['/a', { parent: '/', name: 'a', mustBeDirectory: false }],
    ['a/b//', { parent: 'a', name: 'b', mustBeDirectory: true }],
    ['/', { parent: '/', name: '', mustBeDirectory: true }],
    ['.', { parent: '.', name: '', mustBeDirectory: true }],
    ['a/..', { parent: 'a/..', name: '', mustBeDirectory: true }],
    ['', { parent: '.', name: '', mustBeDirectory: true }],
  ])('%j is split as %j', (path, split) => expect(splitPath(path)).toEqual(split));

  it('lose their trailing slashes but not the root', () => {
    expect(['a/', '/', '//', 'a/b///'].map(stripTrailingSlashes)).toEqual(['a', '/', '/', 'a/b']);
  });
});
