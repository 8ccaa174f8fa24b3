import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import type { Directory } from '../../src/files/file-system.ts';
import { hiding } from '../../src/files/hiding.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import { tempDirectory } from '../support/temp.ts';

let root: string;
let directory: Directory;

beforeEach(async () => {
  root = await tempDirectory('hiding');
  await writeFile(join(root, 'f'), 'content');
  await writeFile(join(root, 'file.own'), 'own');
  await mkdir(join(root, 'folder.own'));
  await symlink('f', join(root, 'link.own'));
  await symlink('file.own', join(root, 'way'));
  await symlink('folder.own', join(root, 'other-way'));
  directory = await hiding(rootedFileSystem(root), (name) => name.endsWith('.own')).directory('/');
  return async () => await directory.close();
});

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const name of directory.names()) found.push(name);
  return found.sort();
}

describe('a hidden name', () => {
  it('is not listed, and is not there, by a link neither', async () => {
    expect(await names()).toEqual(['f', 'other-way', 'way']);
    expect(await directory.status('file.own')).toBeUndefined();
    expect(await directory.status('way', { follow: true })).toBeUndefined();
    expect(await directory.status('way')).toMatchObject({ kind: 'symlink' });
  });

  it.each<[string, (in_: Directory) => Promise<unknown>]>([
    ['opened', (d) => d.open('file.own', { access: 'read' })],
    ['opened by a link', (d) => d.open('way', { access: 'read', follow: true })],
    ['a directory to go into', (d) => d.directory('folder.own')],
    ['a directory to go into by a link', (d) => d.directory('other-way', { follow: true })],
    ['a link to read', (d) => d.readLink('link.own')],
    ['given another mode', (d) => d.setAttributes('file.own', { mode: 0o600 })],
    ['given another mode by a link', (d) => d.setAttributes('way', { mode: 0o600 }, { follow: true })],
    ['removed as a directory', (d) => d.removeDirectory('folder.own')],
  ])('cannot be %s', async (_, work) => {
    await expect(work(directory)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(root)).sort()).toEqual(['f', 'file.own', 'folder.own', 'link.own', 'other-way', 'way']);
  });

  it.each<[string, (in_: Directory) => Promise<unknown>]>([
    ['a directory', (d) => d.makeDirectory('new.own', 0o755)],
    ['a link', (d) => d.makeLink('new.own', 'f')],
    ['another name of a file', (d) => d.makeHardLink('f', 'new.own')],
    ['a file that is renamed', (d) => d.rename('f', 'new.own')],
    ['what it replaces', (d) => d.rename('f', 'file.own')],
  ])('is not given to %s', async (_, work) => {
    const refusal = await work(directory).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(FileError);
    expect(refusal).toMatchObject({ code: 'EACCES' });
    expect(await readFile(join(root, 'file.own'), 'utf8')).toBe('own');
    expect(await readdir(root)).toHaveLength(6);
  });

  it('is for whoever serves the files: a new part gets a name that is seen, or goes', async () => {
    for (const land of [
      (d: Directory) => d.rename('part.own', 'g'),
      (d: Directory) => d.makeHardLink('part.own', 'h'),
    ]) {
      const part = await directory.open('part.own', { access: 'write', create: 'new', shownAs: 'g' });
      await part.close();
      await land(directory);
    }
    await directory.remove('part.own');
    expect(await names()).toEqual(['f', 'g', 'h', 'other-way', 'way']);
  });
});
