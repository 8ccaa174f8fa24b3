import { mkdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Directory } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { joinPath, splitPath, stripTrailingSlashes } from '../../src/files/path.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
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

async function allNames(directory: Directory): Promise<string[]> {
  const names: string[] = [];
  for await (const name of directory.names()) names.push(name);
  return names.sort();
}

describe.each([
  ['local', (path: string) => localFileSystem().directory(path)],
  ['local and pinned', (path: string) => localFileSystem({ pin: true }).directory(path)],
  ['rooted', (path: string) => rootedFileSystem(path).directory('/')],
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
