import { execFileSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileError } from '../../src/base/errors.ts';
import { descriptors } from '../../src/files/descriptors.ts';
import type { Directory, OpenFile } from '../../src/files/file-system.ts';
import { land } from '../../src/files/landing.ts';
import { locate } from '../../src/files/path.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { tempDirectory } from '../support/temp.ts';

let outside: string;
let root: string;
let files: RootedFileSystem;

/** `secret` lies beside the root and must never be reached. */
beforeEach(async () => {
  outside = await tempDirectory('rooted');
  root = join(outside, 'root');
  await mkdir(join(root, 'a', 'b'), { recursive: true });
  await mkdir(join(outside, 'private'));
  await writeFile(join(outside, 'secret'), 'SECRET');
  await writeFile(join(outside, 'private', 'secret'), 'SECRET');
  await writeFile(join(root, 'a', 'inside'), 'inside');
  files = rootedFileSystem(root);
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no error',
    (error: FileError) => error.code,
  );
}

async function content(file: OpenFile): Promise<string> {
  const buffer = Buffer.alloc(100);
  const length = await file.read(buffer, 0);
  await file.close();
  return buffer.toString('utf8', 0, length);
}

/** Reads what a path leads to as a download does: the last link is followed. */
async function read(path: string): Promise<string> {
  const { directory, name } = await locate(files, path);
  try {
    return await content(await directory.open(name, { access: 'read', follow: true }));
  } finally {
    await directory.close();
  }
}

async function withDirectory<T>(path: string, work: (directory: Directory) => Promise<T>): Promise<T> {
  const directory = await files.directory(path);
  try {
    return await work(directory);
  } finally {
    await directory.close();
  }
}

async function namesIn(path: string): Promise<string[]> {
  return await withDirectory(path, async (directory) => {
    const names: string[] = [];
    for await (const name of directory.names()) names.push(name);
    return names.sort();
  });
}

describe('a path of many folders', () => {
  const deep = (levels: number): string => '/l'.repeat(levels);

  beforeEach(async () => {
    await mkdir(join(root, deep(100)), { recursive: true });
    await writeFile(join(root, 'l', 'found'), 'found');
    await writeFile(join(root, deep(70), 'found'), 'found deep');
    await symlink(`${'../'.repeat(99)}found`, join(root, deep(100), 'up'));
    await symlink('/l/found', join(root, deep(100), 'absolute'));
    await symlink('../'.repeat(200), join(root, deep(100), 'top'));
  });

  it.each([
    ['', '/l/found', 'found'],
    [deep(100), `/${'../'.repeat(99)}found`, 'found'],
    [deep(100), `/${'../'.repeat(30)}found`, 'found deep'],
    [deep(100), `/${'../'.repeat(40)}${'l/'.repeat(10)}found`, 'found deep'],
    [deep(100), `/${'../'.repeat(300)}l/found`, 'found'],
    [deep(100), '/up', 'found'],
    [deep(100), '/absolute', 'found'],
    [deep(100), '/top/l/found', 'found'],
  ])('%s%s leads where it says', async (down, rest, expected) => {
    expect(await read(`${down}${rest}`)).toBe(expected);
  });

  it('holds few descriptors while it is looked up', async () => {
    const before = descriptors.held;
    let most = 0;
    const take = descriptors.take.bind(descriptors);
    const spy = vi.spyOn(descriptors, 'take').mockImplementation(async (open) => {
      const opened = await take(open);
      most = Math.max(most, descriptors.held - before);
      return opened;
    });
    await withDirectory(deep(100), async ({ path }) => expect(path).toBe(deep(100)));
    spy.mockRestore();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(5);
    expect(descriptors.held).toBe(before);
  });

  it('goes up and down again a bounded number of times', async () => {
    const zigzag = '../../../l/l/l/';
    expect(await read(`${deep(100)}/${zigzag.repeat(90)}up`)).toBe('found');
    expect(await codeOf(files.directory(`${deep(100)}/${zigzag.repeat(200)}`))).toBe('ELOOP');
  });

  it('whose folder is moved away meanwhile leads nowhere else', async () => {
    const take = descriptors.take.bind(descriptors);
    let opened = 0;
    const spy = vi.spyOn(descriptors, 'take').mockImplementation(async (open) => {
      if (++opened === 101) {
        await rename(join(root, 'l'), join(root, 'moved'));
        await symlink('../private', join(root, 'l'));
      }
      return await take(open);
    });
    expect(await codeOf(files.directory(`${deep(100)}/${'../'.repeat(90)}`))).toBe('ELOOP');
    spy.mockRestore();
  });
});

describe('a path', () => {
  it.each([
    '/a/inside',
    'a/inside',
    './a//inside',
    'a/b/../inside',
    '../a/inside',
    '../../../a/inside',
    '/../a/inside',
    'a/../../a/inside',
    '/a/./b/.././inside',
  ])('%s stays below the root', async (path) => {
    expect(await read(path)).toBe('inside');
  });

  it.each([
    '/etc/passwd',
    '../secret',
    '/../secret',
    'a/../../secret',
    'a/b/../../../secret',
    '../private/secret',
    '..//..//secret',
  ])('%s does not lead out', async (path) => {
    expect(await codeOf(read(path))).toBe('ENOENT');
  });

  it('of the root itself is the root, whichever way it is written', async () => {
    for (const path of ['/', '.', '', '..', '../..', 'a/..', '//', '/./']) expect(await namesIn(path)).toEqual(['a']);
  });

  it('is shown as its user sees it, never as the machine does', async () => {
    for (const path of ['missing/x', '/a/inside/x', '/a/b/c/d', 'x\0y/z']) {
      const error = (await files.directory(path).catch((reason: unknown) => reason)) as FileError;
      expect(error.message).not.toContain(outside);
      expect(error.message).not.toContain('/proc/');
    }
  });
});

describe('a link', () => {
  it.each<[string, string]>([
    ['absolute, to a file outside', '/etc/passwd'],
    ['relative, to a file outside', '../secret'],
    ['relative, far up', '../../../../../../../../etc/passwd'],
    ['through a directory that is there', 'a/../../secret'],
    ['through the links of the process', '/proc/self/root/etc/passwd'],
  ])('%s, is not followed there', async (_, target) => {
    await symlink(target, join(root, 'out'));
    expect(await codeOf(read('out'))).toBe('ENOENT');
    await withDirectory('/', async (directory) => {
      expect(await directory.status('out', { follow: true })).toBeUndefined();
      expect(await codeOf(directory.directory('out', { follow: true }))).toMatch(/ENOENT|ENOTDIR/);
      expect(await codeOf(directory.open('out', { access: 'write', follow: true }))).toBe('ENOENT');
      expect((await directory.status('out'))?.kind).toBe('symlink');
    });
    expect(await codeOf(files.directory('out/private'))).toMatch(/ENOENT|ENOTDIR/);
  });

  it('to a directory outside gives no way to what lies there', async () => {
    await symlink(join(outside, 'private'), join(root, 'absolute'));
    await symlink('../private', join(root, 'relative'));
    await symlink('../../private', join(root, 'a', 'up'));
    for (const path of ['absolute/secret', 'relative/secret', 'a/up/secret'])
      expect(await codeOf(read(path))).toBe('ENOENT');
  });

  it('that is chained leads to where it leads inside the root', async () => {
    await symlink('/two', join(root, 'one'));
    await symlink('a/three', join(root, 'two'));
    await symlink('../../../../a/inside', join(root, 'a', 'three'));
    expect(await read('one')).toBe('inside');
    expect(await files.followLast('one')).toMatch(/inside$/);
    await withDirectory('/', async (directory) => {
      expect(await directory.status('one', { follow: true })).toMatchObject({ kind: 'file', size: 6 });
    });
  });

  it('relative to where it really lies, not to the way it was reached', async () => {
    await symlink('../inside', join(root, 'a', 'b', 'up'));
    await symlink('/a/b', join(root, 'short'));
    expect(await read('short/up')).toBe('inside');
  });

  it('to a directory is entered inside the root', async () => {
    await symlink('/a', join(root, 'to-a'));
    await symlink('.', join(root, 'here'));
    await symlink('..', join(root, 'a', 'above'));
    expect(await namesIn('to-a')).toContain('inside');
    await withDirectory('/', async (directory) => {
      const inner = await directory.directory('to-a', { follow: true });
      expect(inner.path).toBe('/a');
      await inner.close();
      expect(await directory.status('here', { follow: true })).toMatchObject({ kind: 'directory' });
      expect(await codeOf(directory.directory('to-a'))).toBe('ELOOP');
    });
    expect(await namesIn('a/above/a')).toContain('inside');
  });

  it('that leads in a circle is an error, not a hang', async () => {
    await symlink('two', join(root, 'one'));
    await symlink('one', join(root, 'two'));
    await symlink('self/self', join(root, 'self'));
    for (const name of ['one', 'self']) {
      expect(await codeOf(read(name))).toBe('ELOOP');
      expect(await codeOf(files.directory(name))).toBe('ELOOP');
      expect(await codeOf(files.followLast(name))).toBe('ELOOP');
    }
  });

  it('that is not followed is not followed', async () => {
    await symlink('a/inside', join(root, 'l'));
    await withDirectory('/', async (directory) => {
      expect(await codeOf(directory.open('l', { access: 'read' }))).toBe('ELOOP');
      expect(await codeOf(land(directory, 'l', { mode: 0o644 }))).toBe('ELOOP');
    });
  });

  it('that leads out is not written through', async () => {
    await symlink(join(outside, 'secret'), join(root, 'l'));
    await withDirectory('/', async (directory) => {
      expect(await codeOf(land(directory, 'l', { mode: 0o644, follow: true }))).toBe('ENOENT');
    });
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('SECRET');
  });

  it('that leads nowhere names a file that can be made, inside the root', async () => {
    await symlink('/a/new', join(root, 'l'));
    await withDirectory('/', async (directory) => {
      const landing = await land(directory, 'l', { mode: 0o644, follow: true });
      await landing.write(Buffer.from('made'));
      await landing.commit({});
    });
    expect(await readFile(join(root, 'a', 'new'), 'utf8')).toBe('made');
  });
});

describe('a race', () => {
  it('with somebody who swaps a directory for a link that leads out is lost by them', async () => {
    const trap = join(root, 'd');
    await mkdir(trap);
    await writeFile(join(trap, 'secret'), 'inside');
    await symlink(join(outside, 'private'), join(root, 'evil'));
    let swapping = true;
    const swapper = (async () => {
      while (swapping) {
        await rename(trap, join(root, 'aside'));
        await rename(join(root, 'evil'), trap);
        await rename(trap, join(root, 'evil'));
        await rename(join(root, 'aside'), trap);
      }
    })();
    const seen = new Map<string, number>();
    const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
    try {
      for (let i = 0; i < 1000 || (seen.get('inside') ?? 0) <= 50; i++) {
        note(await read('d/secret').catch((error: FileError) => error.code));
        await withDirectory('/', async (directory) => {
          const inner = await directory.directory('d', { follow: true });
          try {
            note(await content(await inner.open('secret', { access: 'read', follow: true })));
          } finally {
            await inner.close();
          }
        }).catch((error: FileError) => note(error.code));
        await writeTo('d/upload').catch((error: FileError) => note(error.code));
      }
    } finally {
      swapping = false;
      await swapper;
    }
    expect([...seen.keys()].filter((key) => !['inside', 'ENOENT', 'ELOOP', 'ENOTDIR', 'EINVAL'].includes(key))).toEqual(
      [],
    );
    expect(await readdir(join(outside, 'private'))).toEqual(['secret']);
  }, 60_000);

  it('with somebody who swaps a file for a link that leads out is lost by them', async () => {
    const name = join(root, 'f');
    await writeFile(join(root, 'real'), 'inside');
    let swapping = true;
    const swapper = (async () => {
      while (swapping) {
        await link(join(root, 'real'), name);
        await unlink(name);
        await symlink(join(outside, 'secret'), name);
        await unlink(name);
      }
    })();
    const seen = new Set<string>();
    try {
      for (let i = 0; i < 2000 || !seen.has('inside'); i++)
        seen.add(await read('f').catch((error: FileError) => error.code));
    } finally {
      swapping = false;
      await swapper;
    }
    expect(seen.has('SECRET')).toBe(false);
  }, 60_000);
});

/** Uploads a small file as the server does. */
async function writeTo(path: string): Promise<void> {
  const { directory, name } = await locate(files, path);
  try {
    const landing = await land(directory, name, { mode: 0o644 });
    try {
      await landing.write(Buffer.from('x'));
      await landing.commit({});
    } catch (error) {
      await landing.discard();
      throw error;
    }
  } finally {
    await directory.close();
  }
}

it('a directory that was moved away while it was open is still the one that was opened', async () => {
  await withDirectory('a', async (directory) => {
    await rename(join(root, 'a'), join(root, 'moved'));
    await symlink(join(outside, 'private'), join(root, 'a'));
    expect(await content(await directory.open('inside', { access: 'read', follow: true }))).toBe('inside');
    expect(await directory.status('secret')).toBeUndefined();
  });
});

it('names that are not UTF-8 are names like others', async () => {
  const raw = Buffer.concat([Buffer.from(`${root}/a/`), Buffer.of(0x66, 0xff, 0xfe)]);
  await writeFile(raw, 'bytes');
  await symlink(Buffer.concat([Buffer.from('a/f'), Buffer.of(0xff, 0xfe)]), join(root, 'l'));
  expect(await namesIn('a')).toContain('f\u{dcff}\u{dcfe}');
  expect(await read('a/f\u{dcff}\u{dcfe}')).toBe('bytes');
  expect(await read('l')).toBe('bytes');
});

it('a FIFO is neither read nor written', async () => {
  execFileSync('sh', ['-c', 'mkfifo "$0"', join(root, 'fifo')]);
  await withDirectory('/', async (directory) => {
    expect(await codeOf(directory.open('fifo', { access: 'read', follow: true }))).toBe('ERR_NOT_REGULAR_FILE');
    expect(await codeOf(land(directory, 'fifo', { mode: 0o644 }))).toBe('ENXIO');
  });
});

it('no descriptor is left open', async () => {
  const count = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  await symlink('a/inside', join(root, 'l'));
  await symlink('missing', join(root, 'dangling'));
  await read('l');
  const before = await count();
  for (let i = 0; i < 20; i++) {
    await read('l');
    await codeOf(read('dangling'));
    await codeOf(files.directory('a/inside/x'));
    await codeOf(files.directory('a/b/missing/x'));
    await namesIn('a/b');
    await withDirectory('/', (directory) => directory.status('dangling', { follow: true }));
  }
  expect(await count()).toBe(before);
  await rm(join(root, 'l'));
});
