import { chmod, link, mkdir, readdir, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileError } from '../../src/base/errors.ts';
import { type FileOperation, fileOperations } from '../../src/base/file-operation.ts';
import type { Directory } from '../../src/files/file-system.ts';
import { guarded } from '../../src/files/guard.ts';
import { MAX_PARTS, MAX_RENAMED_DEPTH, MAX_RENAMED_ENTRIES } from '../../src/files/guard-rules.ts';
import { land } from '../../src/files/landing.ts';
import { mounts } from '../../src/files/mounts.ts';
import { MAX_OWN_FILES } from '../../src/files/own-files.ts';
import { locate } from '../../src/files/path.ts';
import { dropZone, readOnly } from '../../src/files/presets.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { tempDirectory } from '../support/temp.ts';

let root: string;

beforeEach(async () => {
  root = await tempDirectory('guard');
  await mkdir(join(root, 'd'));
  await writeFile(join(root, 'd', 'old'), 'old', { mode: 0o644 });
  await mkdir(join(root, 'secret'));
  await writeFile(join(root, 'secret', 'f'), 'SECRET');
});

/** Who may do what below which paths; the longest path that fits decides. */
function permitBy(rules: Readonly<Record<string, readonly FileOperation[]>>) {
  const paths = Object.keys(rules).sort((a, b) => b.length - a.length);
  return (operation: FileOperation, path: string): boolean => {
    const found = paths.find((one) => path === one || one === '/' || path.startsWith(`${one}/`));
    return found !== undefined && rules[found]?.includes(operation) === true;
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'done',
    (error: FileError) => error.code,
  );
}

async function messageOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'done',
    (error: FileError) => error.message,
  );
}

async function at<T>(
  files: RootedFileSystem,
  path: string,
  work: (d: Directory, name: string) => Promise<T>,
): Promise<T> {
  const { directory, name } = await locate(files, path);
  try {
    return await work(directory, name);
  } finally {
    await directory.close();
  }
}

/** Uploads as the server does. */
async function upload(
  files: RootedFileSystem,
  path: string,
  content: string,
  before?: () => Promise<void>,
): Promise<void> {
  await at(files, path, async (directory, name) => {
    const landing = await land(directory, name, { mode: 0o644, durable: true });
    try {
      await landing.write(Buffer.from(content));
      await before?.();
      await landing.commit({ mode: 0o640, times: { atimeSeconds: 5, mtimeSeconds: 6 } });
    } catch (error) {
      await landing.discard();
      throw error;
    }
  });
}

async function read(files: RootedFileSystem, path: string): Promise<string> {
  return await at(files, path, async (directory, name) => {
    const file = await directory.open(name, { access: 'read', follow: true });
    try {
      const buffer = Buffer.alloc(100);
      return buffer.toString('utf8', 0, await file.read(buffer, 0));
    } finally {
      await file.close();
    }
  });
}

const names = async (files: RootedFileSystem, path: string): Promise<string[]> => {
  const directory = await files.directory(path);
  try {
    const all: string[] = [];
    for await (const name of directory.names()) all.push(name);
    return all.sort();
  } finally {
    await directory.close();
  }
};

const everything = async (path: string): Promise<string[]> => (await readdir(path, { recursive: true })).sort();

describe('a drop zone', () => {
  let files: RootedFileSystem;
  beforeEach(() => {
    files = dropZone(rootedFileSystem(root));
  });

  it('takes new files, with their modes and times, and leaves nothing else', async () => {
    await upload(files, '/d/new', 'new');
    expect(await everything(join(root, 'd'))).toEqual(['new', 'old']);
    expect(await stat(join(root, 'd', 'new'))).toMatchObject({ mode: 0o100640, mtimeMs: 6000, nlink: 1, size: 3 });
  });

  it('does not take a file whose name is taken, and says so before any content comes', async () => {
    await symlink('old', join(root, 'd', 'link'));
    for (const name of ['old', 'link', '../d'])
      expect(await codeOf(at(files, `/d/${name}`, (d, last) => land(d, last, { mode: 0o644 })))).toMatch(
        /EACCES|EISDIR/,
      );
    expect(await messageOf(at(files, '/d/old', (d, name) => land(d, name, { mode: 0o644 })))).toBe(
      '/d/old: Permission denied',
    );
    expect(await everything(join(root, 'd'))).toEqual(['link', 'old']);
  });

  it('does not replace what has come while a file was on its way', async () => {
    const other = async (): Promise<void> => await writeFile(join(root, 'd', 'new'), 'other');
    expect(await messageOf(upload(files, '/d/new', 'mine', other))).toBe('/d/new: Permission denied');
    expect(await readFile(join(root, 'd', 'new'), 'utf8')).toBe('other');
    expect(await everything(join(root, 'd'))).toEqual(['new', 'old']);
  });

  it('gives a name that many want at a time to one of them', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => codeOf(upload(dropZone(rootedFileSystem(root)), '/d/n', `by ${i}`))),
    );
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['done', 'EACCES']));
    expect(await readFile(join(root, 'd', 'n'), 'utf8')).toBe(`by ${outcomes.indexOf('done')}`);
    expect(await everything(join(root, 'd'))).toEqual(['n', 'old']);
  });

  it('does not tell what is there, nor give it back', async () => {
    expect(await codeOf(names(files, '/d'))).toBe('EACCES');
    expect(await codeOf(read(files, '/d/old'))).toBe('EACCES');
    expect(await codeOf(read(files, '/d/nope'))).toBe('EACCES');
    await at(files, '/d/old', async (d) => {
      expect(await d.status('old')).toBeUndefined();
      expect(await d.status('nope')).toBeUndefined();
      expect(await messageOf(d.makeDirectory('old', 0o755))).toBe('/d/old: Permission denied');
    });
    expect(await at(files, '/d', (top) => top.status('d'))).toMatchObject({ kind: 'directory' });
  });

  it('shows a session what it has sent itself, and lets it set modes and times, not those of others', async () => {
    await upload(files, '/d/new', 'new');
    await at(files, '/d/new', async (d) => {
      expect(await d.status('new')).toMatchObject({ kind: 'file', size: 3 });
      await d.setAttributes('new', { mode: 0o600, times: { atimeSeconds: 7, mtimeSeconds: 8 } });
      expect(await codeOf(d.setAttributes('old', { mode: 0o600 }))).toBe('EACCES');
      expect(await codeOf(d.setAttributes('nope', { mode: 0o600 }))).toBe('EACCES');
      expect(await codeOf(d.setOwnMode(0o700))).toBe('EACCES');
      expect(await codeOf(d.setOwnTimes(1, 1))).toBe('EACCES');
    });
    expect(await stat(join(root, 'd', 'new'))).toMatchObject({ mode: 0o100600, mtimeMs: 8000 });
    expect(await codeOf(read(files, '/d/new'))).toBe('EACCES');
    expect(await codeOf(at(files, '/d/new', (d) => land(d, 'new', { mode: 0o644 })))).toBe('EACCES');
    const another = dropZone(rootedFileSystem(root));
    expect(await at(another, '/d/new', (d) => d.status('new'))).toBeUndefined();
    expect(await codeOf(at(another, '/d/new', (d) => d.setAttributes('new', { mode: 0 })))).toBe('EACCES');
    // Another file under the name is not the session's own.
    await writeFile(join(root, 'd', 'x'), 'x');
    await rename(join(root, 'd', 'x'), join(root, 'd', 'new'));
    expect(await at(files, '/d/new', (d) => d.status('new'))).toBeUndefined();
    expect(await codeOf(at(files, '/d/new', (d) => d.setAttributes('new', { mode: 0 })))).toBe('EACCES');
  });

  it('takes new folders and files in them, with the mode of each', async () => {
    await at(files, '/d/new', async (d) => {
      await d.makeDirectory('new', 0o700);
      expect(await d.status('new')).toMatchObject({ kind: 'directory' });
      expect(await codeOf(d.makeDirectory('new', 0o700))).toBe('EEXIST');
      const inner = await d.directory('new');
      await inner.setOwnMode(0o711);
      await inner.setOwnTimes(3, 4);
      await inner.close();
    });
    await upload(files, '/d/new/f', 'f');
    expect((await stat(join(root, 'd', 'new'))).mode & 0o777).toBe(0o711);
    expect(await everything(join(root, 'd'))).toEqual(['new', 'new/f', 'old']);
  });

  it('has nothing removed, renamed, linked or truncated', async () => {
    await upload(files, '/d/new', 'new');
    await at(files, '/d/x', async (d) => {
      for (const name of ['old', 'new', 'nope']) {
        expect(await codeOf(d.remove(name))).toBe('EACCES');
        expect(await codeOf(d.rename(name, 'y'))).toBe('EACCES');
        expect(await codeOf(d.makeHardLink(name, 'y'))).toBe('EACCES');
        expect(await codeOf(d.removeDirectory(name))).toBe('EACCES');
        expect(await codeOf(d.open(name, { access: 'write' }))).toBe('EACCES');
        expect(await codeOf(d.open(name, { access: 'read-write' }))).toBe('EACCES');
      }
      for (const name of ['old', 'new']) {
        expect(await codeOf(d.open(name, { access: 'write', create: 'if-missing' }))).toBe('EACCES');
        expect(await codeOf(d.open(name, { access: 'write', create: 'new' }))).toBe('EACCES');
      }
      expect(await codeOf(d.makeLink('l', '/etc/passwd'))).toBe('EACCES');
      expect(await codeOf(d.readLink('old'))).toBe('ENOENT');
    });
    expect(await everything(join(root, 'd'))).toEqual(['new', 'old']);
    expect(await readFile(join(root, 'd', 'old'), 'utf8')).toBe('old');
  });

  it('lets what is written where it stands be new only', async () => {
    await at(files, '/d/x', async (d) => {
      const file = await d.open('x', { access: 'read-write', create: 'if-missing' });
      await file.write([Buffer.from('abc')], 0);
      await file.truncate(2);
      await file.setMode(0o600);
      expect(await file.read(Buffer.alloc(9), 0)).toBe(2);
      await file.close();
      expect(await codeOf(d.open('x', { access: 'write', create: 'if-missing' }))).toBe('EACCES');
    });
  });

  it('forgets what it has sent after a thousand files more, and takes no more than a thousand at a time', async () => {
    expect([MAX_OWN_FILES, MAX_PARTS]).toEqual([1000, 1000]);
    await at(files, '/d/x', async (d) => {
      await d.makeDirectory('first', 0o755);
      const first = await d.directory('first');
      expect(await codeOf(first.setOwnMode(0o755))).toBe('done');
      for (let i = 0; i < MAX_OWN_FILES; i++) await d.makeDirectory(`n${i}`, 0o755);
      expect(await codeOf(first.setOwnMode(0o755))).toBe('EACCES');
      await first.close();
      for (let i = 0; i < MAX_PARTS; i++)
        await (await d.open(`.p${i}`, { access: 'write', create: 'new', shownAs: `t${i}` })).close();
      const open = async (): Promise<void> =>
        await (await d.open('.more', { access: 'write', create: 'new', shownAs: 'more' })).close();
      expect(await codeOf(open())).toBe('EMFILE');
      await d.remove('.p0');
      expect(await codeOf(open())).toBe('done');
    });
  }, 60_000);
});

describe('a root that is read only', () => {
  it('can be listed and read, and nothing else', async () => {
    const files = readOnly(rootedFileSystem(root));
    await symlink('old', join(root, 'd', 'link'));
    expect(await names(files, '/d')).toEqual(['link', 'old']);
    expect(await read(files, '/d/link')).toBe('old');
    await at(files, '/d/x', async (d) => {
      expect(await d.readLink('link')).toBe('old');
      const file = await d.open('old', { access: 'read' });
      const changes: Promise<unknown>[] = [
        file.setMode(0o777),
        file.setTimes(1, 1),
        file.setOwner(0, 0),
        file.truncate(0),
        land(d, 'old', { mode: 0o644 }),
        land(d, 'new', { mode: 0o644 }),
        d.open('old', { access: 'write' }),
        d.open('new', { access: 'write', create: 'if-missing' }),
        d.makeDirectory('new', 0o755),
        d.remove('old'),
        d.removeDirectory('old'),
        d.rename('old', 'new'),
        d.makeHardLink('old', 'new'),
        d.makeLink('new', 'old'),
        d.setAttributes('old', { mode: 0 }),
        d.setAttributes('link', { mode: 0 }, { follow: true }),
        d.setOwnMode(0o777),
        d.setOwnTimes(1, 1),
      ];
      expect(new Set(await Promise.all(changes.map(codeOf)))).toEqual(new Set(['EROFS']));
      expect(await messageOf(d.remove('old'))).toBe('/d/old: Read-only file system');
      await file.close();
    });
    expect(await readdir(join(root, 'd'))).toEqual(['link', 'old']);
  });
});

describe('rights by path', () => {
  it('need write for a free name and overwrite for a taken one', async () => {
    const allowed = async (...operations: FileOperation[]): Promise<string[]> => {
      await writeFile(join(root, 'd', 'old'), 'old');
      await unlink(join(root, 'd', 'new')).catch(() => {});
      const files = guarded(rootedFileSystem(root), permitBy({ '/d': ['list', ...operations] }));
      return await Promise.all([codeOf(upload(files, '/d/new', 'n')), codeOf(upload(files, '/d/old', 'n'))]);
    };
    expect(await allowed()).toEqual(['EACCES', 'EACCES']);
    expect(await allowed('write')).toEqual(['done', 'EACCES']);
    expect(await allowed('overwrite')).toEqual(['EACCES', 'done']);
    expect(await allowed('write', 'overwrite')).toEqual(['done', 'done']);
    expect(await everything(join(root, 'd'))).toEqual(['new', 'old']);
  });

  it('keep the mode of a file that is replaced, also for somebody who may not read it', async () => {
    await chmod(join(root, 'd', 'old'), 0o604);
    const files = guarded(rootedFileSystem(root), permitBy({ '/d': ['overwrite'] }));
    await at(files, '/d/old', async (d, name) => {
      const landing = await land(d, name, { mode: 0o666 });
      await landing.write(Buffer.from('new'));
      await landing.commit({});
    });
    expect(await stat(join(root, 'd', 'old'))).toMatchObject({ mode: 0o100604, size: 3 });
    await at(files, '/d/old', async (d) => {
      const file = await d.open('old', { access: 'read-write' });
      expect(await codeOf(file.read(Buffer.alloc(1), 0))).toBe('EACCES');
      await file.close();
    });
  });

  it('make no difference between what is missing and what is forbidden', async () => {
    const files = guarded(rootedFileSystem(root), permitBy({ '/d': ['list', 'read'] }));
    const answers = async (path: string): Promise<string[]> =>
      await Promise.all(
        [
          read(files, path),
          at(files, path, (d, name) => d.status(name)),
          at(files, path, (d, name) => d.status(name, { follow: true })),
          at(files, path, (d, name) => d.directory(name)),
          at(files, path, (d, name) => d.readLink(name)),
          at(files, path, (d, name) => d.remove(name)),
          at(files, path, (d, name) => d.makeDirectory(name, 0o755)),
          at(files, path, (d, name) => land(d, name, { mode: 0o644 })),
          at(files, path, (d, name) => d.setAttributes(name, { mode: 0 })),
          files.directory(`${path}/x`),
          names(files, path),
          files.resolve(path),
          files.followLast(path),
          files.resolve(`${path}/x`),
          read(files, `${path}/x/y`),
        ].map(async (work) => (await messageOf(work)).replaceAll(path, 'PATH')),
      );
    const forbidden = await answers('/secret/f');
    expect(forbidden.slice(0, 9).every((one) => one === 'PATH: Permission denied')).toBe(true);
    expect(forbidden.every((one) => one.endsWith(': Permission denied'))).toBe(true);
    expect(await answers('/secret/g')).toEqual(forbidden);
    expect(await answers('/nope/f')).toEqual(forbidden);
    // Where listing is allowed, what is missing is missing.
    expect(await messageOf(read(files, '/d/nope/x'))).toBe('/d/nope/x: No such file or directory');
  });

  it('go by where a link leads, not by where it is', async () => {
    const files = guarded(rootedFileSystem(root), permitBy({ '/d': fileOperations }));
    await at(files, '/d/x', async (d) => {
      await d.makeLink('link', '/secret/f');
      await d.makeLink('folder', '../secret');
      await d.makeLink('fine', 'old');
    });
    expect(await read(files, '/d/fine')).toBe('old');
    for (const path of ['/d/link', '/d/folder/f', '/d/folder/../secret/f'])
      expect(await codeOf(read(files, path))).toBe('EACCES');
    await at(files, '/d/x', async (d) => {
      expect(await d.status('link')).toMatchObject({ kind: 'symlink' });
      expect(await codeOf(d.status('link', { follow: true }))).toBe('EACCES');
      expect(await codeOf(d.setAttributes('link', { mode: 0o777 }, { follow: true }))).toBe('EACCES');
      expect(await codeOf(d.open('link', { access: 'write', follow: true }))).toBe('EACCES');
      expect(await codeOf(land(d, 'link', { mode: 0o644, follow: true }))).toBe('EACCES');
      const folder = await d.directory('folder', { follow: true });
      expect(await codeOf(folder.remove('f'))).toBe('EACCES');
      await folder.close();
    });
    expect(await readFile(join(root, 'secret', 'f'), 'utf8')).toBe('SECRET');
  });

  it('are no way round for who renames a folder over rules about what is in it', async () => {
    await mkdir(join(root, 'd', 'a', 'locked'), { recursive: true });
    await mkdir(join(root, 'd', 'b', 'c'), { recursive: true });
    await writeFile(join(root, 'd', 'a', 'locked', 'f'), 'SECRET');
    const files = guarded(
      rootedFileSystem(root),
      permitBy({ '/d': fileOperations, '/d/a/locked': [], '/d/e/c': ['read'] }),
    );
    await at(files, '/d/x', async (d) => {
      expect(await codeOf(d.rename('a', 'z'))).toBe('EACCES');
      expect(await codeOf(d.rename('b', 'e'))).toBe('EACCES');
      expect(await codeOf(d.rename('b', 'z'))).toBe('done');
    });
    expect(await read(files, '/d/old')).toBe('old');
    expect(MAX_RENAMED_ENTRIES).toBe(10_000);
  });

  it('of a folder is given up at a signal while it is looked at what is in it', async () => {
    await mkdir(join(root, 'd', 'many'));
    for (let file = 0; file < 100; file++) await writeFile(join(root, 'd', 'many', `${file}`), '');
    const stop = new AbortController();
    let asked = 0;
    const permit = (): boolean => {
      if (++asked === 20) stop.abort();
      return true;
    };
    const files = guarded(rootedFileSystem(root), permit, { signal: stop.signal });
    await at(files, '/d/x', async (d) => expect(await codeOf(d.rename('many', 'z'))).toBe('EINTR'));
    expect(asked).toBeLessThan(30);
    expect(await readdir(join(root, 'd'))).toContain('many');
  });

  it('of a folder holds few descriptors, however deep it is', async () => {
    const files = guarded(rootedFileSystem(root), () => true);
    const chain = (name: string, levels: number): string => join(root, 'd', name, 'x/'.repeat(levels - 1));
    await mkdir(chain('deep', MAX_RENAMED_DEPTH), { recursive: true });
    await mkdir(chain('deeper', MAX_RENAMED_DEPTH + 1), { recursive: true });
    await at(files, '/d/x', async (d) => {
      expect(await codeOf(d.rename('deep', 'y'))).toBe('done');
      expect(await messageOf(d.rename('deeper', 'z'))).toMatch(/holds more than 256 levels of folders/);
    });
    expect((await readdir(join(root, 'd'))).sort()).toEqual(['deeper', 'old', 'y']);
  });

  it('need rename, and write or overwrite, for a new name', async () => {
    const may = async (...operations: FileOperation[]): Promise<string[]> => {
      const files = guarded(rootedFileSystem(root), permitBy({ '/d': operations }));
      await writeFile(join(root, 'd', 'a'), 'a');
      await writeFile(join(root, 'd', 'b'), 'b');
      await unlink(join(root, 'd', 'free')).catch(() => {});
      return await at(files, '/d/x', async (d) => [
        await codeOf(d.rename('a', 'b')),
        await codeOf(d.rename('old', 'free')),
      ]);
    };
    expect(await may('write', 'overwrite', 'delete')).toEqual(['EACCES', 'EACCES']);
    expect(await may('rename')).toEqual(['EACCES', 'EACCES']);
    expect(await may('rename', 'overwrite')).toEqual(['done', 'EACCES']);
    expect(await may('rename', 'write')).toEqual(['EACCES', 'done']);
    expect(await readFile(join(root, 'd', 'free'), 'utf8')).toBe('old');
    expect(await readdir(join(root, 'd'))).not.toContain('old');
  });

  it('take a second name and the end of the first for a rename', async () => {
    const files = guarded(rootedFileSystem(root), permitBy({ '/d': ['rename', 'write', 'list'] }));
    await link(join(root, 'd', 'old'), join(root, 'd', 'other'));
    await at(files, '/d/x', async (d) => {
      expect(await codeOf(d.remove('old'))).toBe('EACCES');
      expect(await codeOf(d.makeHardLink('old', 'other'))).toBe('EEXIST');
      await d.makeHardLink('old', 'new');
      expect(await codeOf(d.remove('new'))).toBe('EACCES');
      await d.remove('old');
    });
    expect(await everything(join(root, 'd'))).toEqual(['new', 'other']);
  });

  it('of who may not overwrite do not replace what comes while something is renamed', async () => {
    const inner = rootedFileSystem(root);
    const files = guarded(inner, permitBy({ '/d': ['rename', 'write'] }));
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        await writeFile(join(root, 'd', `f${i}`), `f${i}`);
        return await codeOf(at(files, '/d/x', (d) => d.rename(`f${i}`, 'one')));
      }),
    );
    const winner = outcomes.indexOf('done');
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
    expect(await readFile(join(root, 'd', 'one'), 'utf8')).toBe(`f${winner}`);
    expect(await readdir(join(root, 'd'))).toHaveLength(11);
  });

  it('hold for what a file that is open for reading lets change', async () => {
    const files = guarded(rootedFileSystem(root), permitBy({ '/d': ['read'] }));
    await at(files, '/d/old', async (d, name) => {
      const file = await d.open(name, { access: 'read' });
      expect(await codeOf(file.setMode(0o777))).toBe('EACCES');
      expect(await codeOf(file.setTimes(1, 1))).toBe('EACCES');
      expect(await codeOf(file.setOwner(0, 0))).toBe('EACCES');
      await file.close();
    });
  });

  it('ask about single paths where only those are allowed', async () => {
    const files = guarded(rootedFileSystem(root), permitBy({ '/d/old': ['read'] }));
    expect(await read(files, '/d/old')).toBe('old');
    expect(await codeOf(read(files, '/d/nope'))).toBe('EACCES');
    expect(await codeOf(names(files, '/d'))).toBe('EACCES');
  });
});

describe('an upload under way', () => {
  it('that was given another name needs rename for the first and write for the second', async () => {
    const move = async (rules: Readonly<Record<string, readonly FileOperation[]>>): Promise<string> => {
      const files = guarded(rootedFileSystem(root), permitBy(rules));
      return await at(files, '/d/x', async (d) => {
        await (await d.open('.part', { access: 'write', create: 'new', shownAs: 'first' })).close();
        const outcome = await codeOf(d.rename('.part', 'second'));
        await d.remove('.part').catch(() => {});
        return outcome;
      });
    };
    expect(await move({ '/d': ['write'] })).toBe('EACCES');
    expect(await move({ '/d': ['write', 'rename'], '/d/second': [] })).toBe('EACCES');
    expect(await readdir(join(root, 'd'))).toEqual(['old']);
    expect(await move({ '/d': ['write', 'rename'] })).toBe('done');
  });

  it('may be kept under a name of the server and taken up again', async () => {
    const files = dropZone(rootedFileSystem(root), { isOwnName: (name) => name.endsWith('.kept') });
    await at(files, '/d/x', async (d) => {
      await (await d.open('.part', { access: 'write', create: 'new', shownAs: 'new' })).close();
      await d.rename('.part', '.new.kept');
      expect(await d.status('.new.kept')).toMatchObject({ kind: 'file' });
      await d.setAttributes('.new.kept', { mode: 0o600 });
      // Another session of the same name may be somebody else.
      expect(await codeOf(d.open('.new.kept', { access: 'read', shownAs: 'new' }))).toBe('EACCES');
      expect(await codeOf(d.open('.new.kept', { access: 'read' }))).toBe('EACCES');
      await d.rename('.new.kept', '.again.kept');
      const file = await d.open('.again.kept', { access: 'read-write', shownAs: 'new' });
      expect(await codeOf(file.read(Buffer.alloc(3), 0))).toBe('EACCES');
      await file.write([Buffer.from('new')], 0);
      await file.close();
      await d.rename('.again.kept', 'new');
      await (await d.open('.x.kept', { access: 'write', create: 'new', shownAs: 'y' })).close();
      await d.remove('.x.kept');
    });
    expect(await readFile(join(root, 'd', 'new'), 'utf8')).toBe('new');
    expect(await everything(join(root, 'd'))).toEqual(['new', 'old']);
  });

  it('is kept in its own folder only: in another one other rights may hold', async () => {
    const files = guarded(rootedFileSystem(root), permitBy({ '/d': fileOperations }), {
      isOwnName: (name) => name.endsWith('.kept'),
    });
    const [here, there] = [await files.directory('/d'), await files.directory('/secret')];
    await (await here.open('.part', { access: 'write', create: 'new', shownAs: 'new' })).close();
    expect(await codeOf(here.rename('.part', '.new.kept', there))).toBe('EACCES');
    await here.rename('.part', '.new.kept');
    expect(await codeOf(here.rename('.new.kept', '.new.kept', there))).toBe('EACCES');
    for (const directory of [here, there]) await directory.close();
    expect(await readdir(join(root, 'secret'))).toEqual(['f']);
  });

  it('takes its name by a hard link of the server as well', async () => {
    const files = dropZone(rootedFileSystem(root));
    await at(files, '/d/x', async (d) => {
      await (await d.open('.part', { access: 'write', create: 'new', shownAs: 'new' })).close();
      expect(await codeOf(d.makeHardLink('.part', 'old'))).toBe('EACCES');
      await d.makeHardLink('.part', 'new');
      await d.remove('.part');
      expect(await d.status('new')).toMatchObject({ links: 1 });
    });
  });

  it('fails on a file system without hard links rather than replace anything', async () => {
    const files = dropZone(withoutHardLinks(rootedFileSystem(root)));
    const message = await messageOf(upload(files, '/d/new', 'new'));
    expect(message).toMatch(/^\/d\/new: the file system has no hard links/);
    expect(await everything(join(root, 'd'))).toEqual(['old']);
  });
});

function withoutHardLinks(inner: RootedFileSystem): RootedFileSystem {
  return {
    ...inner,
    directory: async (path) => {
      const directory = await inner.directory(path);
      directory.makeHardLink = async (_from, to) => {
        const { FileError: Failure } = await import('../../src/base/errors.ts');
        throw new Failure(to, 'link', 'EPERM');
      };
      return directory;
    },
  };
}

it('layers ask one after the other: what one forbids no other allows', async () => {
  const zones = mounts([
    { name: 'in', fileSystem: dropZone(rootedFileSystem(join(root, 'd'))) },
    { name: 'out', fileSystem: readOnly(rootedFileSystem(join(root, 'secret'))) },
  ]);
  const admin = guarded(zones, () => true);
  await upload(admin, '/in/new', 'new');
  expect(await codeOf(upload(admin, '/in/old', 'new'))).toBe('EACCES');
  expect(await codeOf(upload(admin, '/out/f', 'new'))).toBe('EROFS');
  expect(await read(admin, '/out/f')).toBe('SECRET');
  const guest = guarded(zones, permitBy({ '/in': ['write'] }));
  await upload(guest, '/in/second', 'second');
  expect(await codeOf(upload(guest, '/in/second', 'third'))).toBe('EACCES');
  expect(await codeOf(read(guest, '/out/f'))).toBe('EACCES');
  expect(await codeOf(at(guest, '/in/x', (d) => d.makeDirectory('x', 0o755)))).toBe('EACCES');
  expect(await everything(join(root, 'd'))).toEqual(['new', 'old', 'second']);
});
