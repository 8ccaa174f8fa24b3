import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Directory, FileSystem } from '../../src/files/file-system.ts';
import { expandGlob, GlobBounds } from '../../src/files/glob.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import { tempDirectory } from '../support/temp.ts';

let root: string;
let files: FileSystem;

beforeEach(async () => {
  root = await tempDirectory('glob');
  for (const directory of ['d1/x', 'd2/x', 'd3', '.hidden/x']) await mkdir(join(root, directory), { recursive: true });
  for (const file of [
    'b.txt',
    'a.txt',
    'c.bin',
    '.dot.txt',
    'd1/f.txt',
    'd1/x/g',
    'd2/x/g',
    'd3/.h',
    '.hidden/f.txt',
    '[x]',
    'st*r',
    'sp ace',
  ]) {
    await writeFile(join(root, file), '');
  }
  files = rootedFileSystem(root);
});

describe('a pattern stands for', () => {
  it.each<[string, string[]]>([
    ['*.txt', ['a.txt', 'b.txt']],
    ['?.txt', ['a.txt', 'b.txt']],
    ['[ab].txt', ['a.txt', 'b.txt']],
    ['[!a].txt', ['b.txt']],
    ['.*.txt', ['.dot.txt']],
    ['*/f.txt', ['d1/f.txt']],
    ['.*/f.txt', ['.hidden/f.txt']],
    ['d*/x/*', ['d1/x/g', 'd2/x/g']],
    ['*/*/g', ['d1/x/g', 'd2/x/g']],
    ['d?', ['d1', 'd2', 'd3']],
    ['d?/', ['d1/', 'd2/', 'd3/']],
    ['*.txt/', ['*.txt/']],
    ['/d1/*', ['/d1/f.txt', '/d1/x']],
    ['./*.bin', ['c.bin']],
    ['d1/../*.bin', ['d1/../c.bin']],
    ['d1/./f*', ['d1/./f.txt'].map((path) => path.replace('/./', '/'))],
    ['//d1//f*', ['/d1/f.txt']],
    ['../../*.bin', ['../../c.bin']],
    ['\\[x]*', ['[x]']],
    ['st\\**', ['st*r']],
    ['sp*', ['sp ace']],
  ])('%s', async (pattern, expected) => {
    const found = await expandGlob(files, pattern);
    expect(found.map((path) => path.replaceAll('/./', '/'))).toEqual(expected);
  });

  it('the names that a POSIX shell finds', async () => {
    for (const pattern of ['*', 'd*', '*/*', '.[!.]*', '*/.h', '[a-c]*', '*[!t]', 'd[1-2]/*/g', '**', '*/']) {
      const shell = execFileSync('sh', ['-c', `for f in ${pattern}; do printf '%s\\n' "$f"; done`], {
        cwd: root,
        env: { LC_ALL: 'C' },
      });
      expect([pattern, await expandGlob(files, pattern)]).toEqual([pattern, shell.toString().trimEnd().split('\n')]);
    }
  });
});

describe('without a match', () => {
  it.each<[string, string]>([
    ['nothing*', 'nothing*'],
    ['missing/*', 'missing/*'],
    ['a.txt/*', 'a.txt/*'],
    ['d1/missing*/x', 'd1/missing*/x'],
    ['\\*x\\?*', '*x?*'],
    ['plain', 'plain'],
    ['\\*', '*'],
    ['[', '['],
    ['', ''],
  ])('%s stands for itself', async (pattern, expected) => {
    expect(await expandGlob(files, pattern)).toEqual([expected]);
  });
});

it('a literal part behind a wildcard must be there', async () => {
  expect(await expandGlob(files, 'd*/f.txt')).toEqual(['d1/f.txt']);
});

it('links to directories are gone through inside the root only', async () => {
  await symlink('/d1', join(root, 'e1'));
  await symlink('/etc', join(root, 'e2'));
  expect(await expandGlob(files, 'e*/f*')).toEqual(['e1/f.txt']);
  expect(await expandGlob(files, '../*/passwd')).toEqual(['../*/passwd']);
});

it('a large folder is read bit by bit, and no further than the bounds allow', async () => {
  let read = 0;
  const large = {
    ...files,
    directory: async (path: string): Promise<Directory> => {
      const directory = await files.directory(path);
      return Object.assign(Object.create(directory) as Directory, {
        close: () => directory.close(),
        names: async function* ({ gradual }: { readonly gradual?: boolean } = {}) {
          if (gradual !== true) throw new Error('all at once');
          for (; read < 100_000; read++) yield `${read}`;
        },
      });
    },
  };
  await expect(expandGlob(large, '*', { bounds: new GlobBounds(20) })).rejects.toMatchObject({ code: 'ERR_LIMIT' });
  expect(read).toBeLessThan(100);
  read = 0;
  expect(await expandGlob(large, '*7', { bounds: new GlobBounds(20_000) })).toHaveLength(10_000);
});

it('names that are not UTF-8 match', async () => {
  await writeFile(Buffer.concat([Buffer.from(`${root}/z`), Buffer.of(0xff)]), '');
  expect(await expandGlob(files, 'z?')).toEqual(['z\u{dcff}']);
});

it('matches and names are bounded', async () => {
  const tooMany = { code: 'ERR_LIMIT' };
  await expect(expandGlob(files, '*', { bounds: new GlobBounds(3) })).rejects.toMatchObject(tooMany);
  await expect(expandGlob(files, '*/*', { bounds: new GlobBounds(100, 12) })).rejects.toMatchObject(tooMany);
  expect(await expandGlob(files, '*.txt', { bounds: new GlobBounds(2) })).toHaveLength(2);
});

it('directories that are looked into for a name count too', async () => {
  // The directory itself, and three in it.
  await expect(expandGlob(files, 'd?/none', { bounds: new GlobBounds(1, 20, 3) })).rejects.toThrow(
    'Argument list too long',
  );
  expect(await expandGlob(files, 'd?/none', { bounds: new GlobBounds(1, 20, 4) })).toEqual(['d?/none']);
});

it('patterns with the same bounds share them', async () => {
  const names = new GlobBounds(100, 30);
  await expandGlob(files, '*.txt', { bounds: names });
  await expandGlob(files, '*.bin', { bounds: names });
  await expect(expandGlob(files, '*.txt', { bounds: names })).rejects.toMatchObject({ code: 'ERR_LIMIT' });
  const matches = new GlobBounds(3);
  await expandGlob(files, '*.txt', { bounds: matches });
  await expect(expandGlob(files, '*.txt', { bounds: matches })).rejects.toMatchObject({ code: 'ERR_LIMIT' });
});

it('ends when it is aborted', async () => {
  const stop = new AbortController();
  const looked: string[] = [];
  const watched: FileSystem = {
    ...files,
    directory: (path) => {
      looked.push(path);
      if (looked.length === 3) stop.abort(new Error('enough'));
      return files.directory(path);
    },
  };
  await expect(expandGlob(watched, '*/../*/../*', { signal: stop.signal })).rejects.toThrow('enough');
  expect(looked.length).toBe(3);
});

it('a pattern that could match in many ways takes little time', async () => {
  const name = 'a'.repeat(200);
  await writeFile(join(root, name), '');
  const start = performance.now();
  expect(await expandGlob(files, `${'*a'.repeat(90)}b`)).toHaveLength(1);
  expect(performance.now() - start).toBeLessThan(1000);
});
