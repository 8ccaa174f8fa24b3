import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { descriptors } from '../../src/files/descriptors.ts';
import type { Directory, FileStatus } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { putLater, putNow } from '../../src/files/whole-file.ts';
import { tempDirectory } from '../support/temp.ts';

const content = Buffer.from('content\n');

describe('a small file as a whole', () => {
  let folder: string;
  let directory: Directory;
  beforeEach(async () => {
    folder = await tempDirectory();
    directory = await localFileSystem({ quick: true }).directory(folder);
  });

  const found = async (name: string): Promise<FileStatus> =>
    (await directory.status(name, { follow: true })) as FileStatus;

  it('is read, also through a link', async () => {
    await writeFile(join(folder, 'file'), content, { mode: 0o640 });
    await symlink('file', join(folder, 'link'));
    for (const name of ['file', 'link']) {
      const whole = await directory.readWhole?.(name, await found(name));
      expect(whole?.content).toEqual(content);
      expect(whole?.status).toMatchObject({ kind: 'file', size: content.length, mode: 0o640 });
    }
  });

  it.each([
    ['that has become longer', (path: string) => writeFile(path, 'longer than it was\n')],
    ['that has become shorter', (path: string) => writeFile(path, 'c')],
    ['that is a FIFO now', async (path: string) => void execFileSync('sh', ['-c', 'rm "$0" && mkfifo "$0"', path])],
    ['that is a directory now', async (path: string) => void execFileSync('sh', ['-c', 'rm "$0" && mkdir "$0"', path])],
    ['that is gone', async (path: string) => void execFileSync('rm', [path])],
  ])('%s is left to the ordinary way', async (_, change) => {
    const path = join(folder, 'file');
    await writeFile(path, content);
    const before = await found('file');
    await change(path);
    const held = descriptors.held;
    expect(await directory.readWhole?.('file', before)).toBeUndefined();
    expect(descriptors.held).toBe(held);
  });

  it('of a size that nobody knows, or that is not small, is left to the ordinary way', async () => {
    await writeFile(join(folder, 'large'), Buffer.alloc(100_000));
    expect(await directory.readWhole?.('large', await found('large'))).toBeUndefined();
    expect(await directory.readWhole?.('large', { ...(await found('large')), size: 0 })).toBeUndefined();
  });

  it('is left to the ordinary way where nobody asked for calls on the spot', async () => {
    const slow = await localFileSystem().directory(folder);
    await writeFile(join(folder, 'file'), content);
    expect(await slow.readWhole?.('file', await found('file'))).toBeUndefined();
    expect(await slow.putWhole?.('new', content, 0o644)).toBe(false);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('gets its name when it is whole, and its mode', async () => {
    expect(await directory.putWhole?.('new', content, 0o604)).toBe(true);
    expect(await readdir(folder)).toEqual(['new']);
    expect(await readFile(join(folder, 'new'))).toEqual(content);
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o604);
  });

  it.each([
    ['on the spot', async (at: string, name: string) => putNow(files(at, name), content, 0o644)],
    ['in another thread', (at: string, name: string) => putLater(files(at, name), content, 0o644)],
  ])('leaves nothing where it cannot be made (%s)', async (_, put) => {
    const held = descriptors.held;
    expect(await put(folder, 'made')).toBe(true);
    // A directory has the name; the name beside it is taken; there is no such folder.
    await mkdir(join(folder, 'taken'));
    expect(await put(folder, 'taken')).toBe(false);
    await writeFile(join(folder, '.part'), 'somebody else');
    expect(await put(folder, 'other')).toBe(false);
    expect(await readFile(join(folder, '.part'), 'utf8')).toBe('somebody else');
    expect(await put(join(folder, 'missing'), 'other')).toBe(false);
    expect((await readdir(folder)).sort()).toEqual(['.part', 'made', 'taken']);
    expect(descriptors.held).toBe(held);
  });

  it.skipIf(process.getuid?.() === 0)('leaves nothing in a folder that may not be written', async () => {
    await chmod(folder, 0o500);
    expect(await directory.putWhole?.('new', content, 0o644)).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });
});

function files(folder: string, name: string): { readonly partial: string; readonly path: string } {
  return { partial: join(folder, '.part'), path: join(folder, name) };
}
