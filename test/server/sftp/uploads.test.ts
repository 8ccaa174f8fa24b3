import { createHash } from 'node:crypto';
import { chmod, chown, link, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Directory } from '../../../src/files/file-system.ts';
import { LayerDirectory } from '../../../src/files/layer.ts';
import { dropZone } from '../../../src/files/presets.ts';
import { isPrivateName, keptName, uploadName } from '../../../src/files/private-names.ts';
import { thisProcess } from '../../../src/files/process-mark.ts';
import { rootedFileSystem } from '../../../src/files/rooted.ts';
import type { SftpHandle } from '../../../src/sftp/handle.ts';
import type { SftpSession } from '../../../src/sftp/session.ts';
import { faultyFileSystem } from '../../support/faulty-files.ts';
import { openClient } from '../../support/sftp-client.ts';
import { tempDirectory } from '../../support/temp.ts';

const READ = 1;
const WRITE = 2;
const APPEND = 4;
const CREAT = 8;
const TRUNC = 16;
const EXCL = 32;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function put(client: SftpSession, path: string, text: string, flags = WRITE | CREAT | TRUNC): Promise<void> {
  const handle = await client.open(path, flags);
  await client.write(handle, 0, [Buffer.from(text)]);
  await client.closeHandle(handle);
}

async function get(client: SftpSession, handle: SftpHandle, length = 1000): Promise<string> {
  return Buffer.concat([...((await client.read(handle, 0, length)) ?? [])]).toString();
}

async function list(client: SftpSession, path: string): Promise<string[]> {
  const handle = await client.opendir(path);
  const names: string[] = [];
  for (let some = await client.readdir(handle); some !== undefined; some = await client.readdir(handle))
    names.push(...some.map(({ filename, attributes }) => `${filename} ${attributes.size}`));
  await client.closeHandle(handle);
  return names.filter((name) => !name.startsWith('. ') && !name.startsWith('.. ')).sort();
}

/** Tells of each file that is removed. */
class Watched extends LayerDirectory {
  readonly #onRemove: () => void;

  constructor(inner: Directory, onRemove: () => void) {
    super(inner, Watched);
    this.#onRemove = onRemove;
  }

  protected override over(inner: Directory): Directory {
    return new Watched(inner, this.#onRemove);
  }

  override async remove(name: string): Promise<void> {
    await super.remove(name);
    this.#onRemove();
  }
}

describe('an upload', () => {
  it('gets its name when it is closed, and until then is seen by its session only', async () => {
    const root = await tempDirectory();
    const { client, seen } = await openClient({ root });
    const other = await openClient({ root, user: 'bob' });
    const handle = await client.open('/new', WRITE | CREAT | TRUNC | EXCL, { permissions: 0o100640 });
    await client.write(handle, 0, [Buffer.from('hello')]);
    expect(await client.stat('new')).toMatchObject({ size: 5, permissions: 0o100640 });
    expect(await list(client, '/')).toEqual(['new 5']);
    expect(await list(other.client, '/')).toEqual([]);
    await expect(other.client.stat('/new')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stat(join(root, 'new'))).rejects.toMatchObject({ code: 'ENOENT' });
    await client.closeHandle(handle);
    expect(await readdir(root)).toEqual(['new']);
    expect(await readFile(join(root, 'new'), 'utf8')).toBe('hello');
    expect(await other.client.stat('/new')).toMatchObject({ size: 5, permissions: 0o100640 });
    expect(seen).toEqual([`received /new complete 5 ${sha256('hello')}`]);
  });

  it('leaves the old content in its place until it is closed', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'f'), 'old content', { mode: 0o604 });
    const { client } = await openClient({ root });
    const other = await openClient({ root, user: 'bob' });
    const handle = await client.open('/f', WRITE | CREAT | TRUNC);
    expect(await client.stat('/f')).toMatchObject({ size: 0 });
    expect(await other.client.stat('/f')).toMatchObject({ size: 11 });
    await client.write(handle, 0, [Buffer.from('new')]);
    expect(await list(client, '/')).toEqual(['f 3']);
    expect(await list(other.client, '/')).toEqual(['f 11']);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('old content');
    await client.closeHandle(handle);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('new');
    expect((await stat(join(root, 'f'))).mode & 0o777).toBe(0o604);
    expect(await readdir(root)).toEqual(['f']);
  });

  it('is discarded where its session breaks off and the name has old content', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'f'), 'old');
    const { client, cut, seen } = await openClient({ root });
    const handle = await client.open('/f', WRITE | CREAT | TRUNC);
    await client.write(handle, 0, [Buffer.from('new')]);
    await cut();
    expect(await readdir(root)).toEqual(['f']);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('old');
    expect(seen).toEqual(['received /f cut 3']);
  });

  it('without TRUNC lies over the old content, whose rest stays where it is not cut off', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'f'), '0123456789');
    const { client } = await openClient({ root });
    const handle = await client.open('/f', READ | WRITE | CREAT);
    expect(await get(client, handle)).toBe('0123456789');
    await client.write(handle, 0, [Buffer.from('ab')]);
    expect(await get(client, handle)).toBe('ab23456789');
    await client.write(handle, 4, [Buffer.from('ef')]);
    expect(await get(client, handle)).toBe('ab23ef6789');
    expect(await client.fstat(handle)).toMatchObject({ size: 10 });
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('0123456789');
    await client.closeHandle(handle);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('ab23ef6789');
  });

  it('is cut by FSETSTAT, as scp does at its end', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'f'), '0123456789');
    const { client, seen } = await openClient({ root });
    const handle = await client.open('/f', WRITE | CREAT);
    await client.write(handle, 0, [Buffer.from('abc')]);
    await client.fsetstat(handle, { size: 3 });
    await client.fsetstat(handle, { permissions: 0o600, atimeSeconds: 5, mtimeSeconds: 6 });
    expect(await client.fstat(handle)).toMatchObject({ size: 3, permissions: 0o100600, mtimeSeconds: 6 });
    await client.closeHandle(handle);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('abc');
    expect(await stat(join(root, 'f'))).toMatchObject({ size: 3, mtimeMs: 6000, mode: 0o100600 });
    expect(seen).toEqual([`received /f complete 3 ${sha256('abc')}`]);
  });

  it('appends', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'f'), 'one ');
    const { client } = await openClient({ root });
    const handle = await client.open('/f', WRITE | CREAT | APPEND);
    await client.write(handle, 0, [Buffer.from('two ')]);
    await client.write(handle, 0, [Buffer.from('three')]);
    await client.closeHandle(handle);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('one two three');
  });

  it('that changes nothing leaves the file as it is', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'f'), 'x');
    const before = await stat(join(root, 'f'));
    const { client } = await openClient({ root });
    await client.closeHandle(await client.open('/f', WRITE | CREAT));
    const after = await stat(join(root, 'f'));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    const handle = await client.open('/f', WRITE);
    await client.fsetstat(handle, { permissions: 0o611, atimeSeconds: 1, mtimeSeconds: 2 });
    await client.closeHandle(handle);
    expect(await stat(join(root, 'f'))).toMatchObject({ ino: before.ino, mode: 0o100611, mtimeMs: 2000 });
    expect(await readdir(root)).toEqual(['f']);
  });

  it('with EXCL fails where the name is taken, at the start or at the end', async () => {
    const root = await tempDirectory();
    await symlink('nowhere', join(root, 'link'));
    const { client } = await openClient({ root });
    const handle = await client.open('/f', WRITE | CREAT | EXCL);
    await client.write(handle, 0, [Buffer.from('mine')]);
    await writeFile(join(root, 'f'), 'theirs');
    await expect(client.closeHandle(handle)).rejects.toMatchObject({ message: '/f: File exists' });
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('theirs');
    for (const path of ['/f', '/link'])
      await expect(client.open(path, WRITE | CREAT | EXCL)).rejects.toMatchObject({ message: `${path}: File exists` });
    expect((await readdir(root)).sort()).toEqual(['f', 'link']);
  });

  it('writes through a link to what it leads to, inside the root', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    await writeFile(join(root, 'd', 'f'), 'old');
    await symlink('d/f', join(root, 'link'));
    await symlink('/d/fresh', join(root, 'dangling'));
    await symlink('../../etc/evil', join(root, 'out'));
    const { client } = await openClient({ root });
    await put(client, '/link', 'new');
    await put(client, '/dangling', 'made');
    expect(await readFile(join(root, 'd', 'f'), 'utf8')).toBe('new');
    expect(await readFile(join(root, 'd', 'fresh'), 'utf8')).toBe('made');
    await expect(put(client, '/out', 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(root)).sort()).toEqual(['d', 'dangling', 'link', 'out']);
  });

  it('follows changes of its name in its session', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    await writeFile(join(root, 'd', 'old'), 'old');
    const { client } = await openClient({ root });
    const handle = await client.open('/a', WRITE | CREAT | TRUNC);
    await client.write(handle, 0, [Buffer.from('content')]);
    await client.setstat('/a', { permissions: 0o100600 });
    await client.rename('/a', '/b');
    await expect(client.stat('/a')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await client.stat('/b')).toMatchObject({ size: 7, permissions: 0o100600 });
    await expect(client.rename('/b', '/d/old')).rejects.toMatchObject({ message: '/d/old: File exists' });
    await client.extensions.posixRename('/b', '/d/old');
    expect(await readFile(join(root, 'd', 'old'), 'utf8')).toBe('old');
    await client.closeHandle(handle);
    expect(await readFile(join(root, 'd', 'old'), 'utf8')).toBe('content');
    expect(await readdir(root)).toEqual(['d']);
    expect(await readdir(join(root, 'd'))).toEqual(['old']);
  });

  it('over a file moves that file too when it is renamed', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'a'), 'old');
    const { client } = await openClient({ root });
    const handle = await client.open('/a', WRITE | TRUNC);
    await client.write(handle, 0, [Buffer.from('new')]);
    await client.extensions.posixRename('/a', '/b');
    expect(await readdir(root)).toEqual(expect.arrayContaining(['b']));
    expect(await readFile(join(root, 'b'), 'utf8')).toBe('old');
    await client.closeHandle(handle);
    expect(await readdir(root)).toEqual(['b']);
    expect(await readFile(join(root, 'b'), 'utf8')).toBe('new');
  });

  it('goes nowhere where its name is removed or given to another file meanwhile', async () => {
    const root = await tempDirectory();
    const { client } = await openClient({ root });
    const first = await client.open('/a', WRITE | CREAT);
    await client.remove('/a');
    await expect(client.stat('/a')).rejects.toMatchObject({ code: 'ENOENT' });
    await client.write(first, 0, [Buffer.from('gone')]);
    const second = await client.open('/b', WRITE | CREAT);
    await put(client, '/c', 'c');
    await client.extensions.posixRename('/c', '/b');
    await client.closeHandle(first);
    await client.closeHandle(second);
    expect(await readdir(root)).toEqual(['b']);
    expect(await readFile(join(root, 'b'), 'utf8')).toBe('c');
  });

  it('is one for all handles of its session, and lands with the last that may write', async () => {
    const root = await tempDirectory();
    const { client } = await openClient({ root });
    const one = await client.open('/f', WRITE | CREAT);
    const two = await client.open('/f', READ | WRITE);
    const reader = await client.open('/f', READ);
    await client.write(one, 0, [Buffer.from('ab')]);
    await client.write(two, 2, [Buffer.from('cd')]);
    expect(await get(client, reader)).toBe('abcd');
    await client.closeHandle(one);
    await expect(stat(join(root, 'f'))).rejects.toMatchObject({ code: 'ENOENT' });
    await client.closeHandle(two);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('abcd');
    expect(await get(client, reader)).toBe('abcd');
    await client.closeHandle(reader);
  });

  it('breaks the tie to other names of the file that it replaces', async () => {
    const root = await tempDirectory();
    await writeFile(join(root, 'a'), 'old');
    await link(join(root, 'a'), join(root, 'b'));
    const { client } = await openClient({ root });
    await put(client, '/a', 'new');
    expect(await readFile(join(root, 'b'), 'utf8')).toBe('old');
  });

  it.runIf(process.getuid?.() === 0)(
    'over a file whose owner may not be given: the old content is whole until the end, and the new file is the server’s',
    async () => {
      const root = await tempDirectory();
      const path = join(root, 'f');
      await writeFile(path, 'old content');
      await chmod(path, 0o664);
      await chown(path, 12_345, 23_456);
      const fileSystem = faultyFileSystem(rootedFileSystem(root), (operation) =>
        operation === 'setOwner' ? 'EPERM' : undefined,
      );
      for (const ends of [false, true]) {
        const { client, cut } = await openClient({ root, fileSystem });
        const handle = await client.open('/f', WRITE | CREAT | TRUNC);
        await client.write(handle, 0, [Buffer.from('new')]);
        expect(await readFile(path, 'utf8')).toBe('old content');
        if (ends) await client.closeHandle(handle);
        await cut();
        expect(await readFile(path, 'utf8')).toBe(ends ? 'new' : 'old content');
        expect(await readdir(root)).toEqual(['f']);
      }
      expect(await stat(path)).toMatchObject({ mode: 0o100644, uid: 0, gid: 0 });
    },
  );

  it('limits modes to 0777 and leaves owners alone', async () => {
    const root = await tempDirectory();
    const { client } = await openClient({ root });
    await put(client, '/f', 'x');
    await client.setstat('/f', { permissions: 0o106755, uid: 12345, gid: 12345 });
    expect(await stat(join(root, 'f'))).toMatchObject({ mode: 0o100755, uid: process.getuid?.() });
    await client.setstat('/f', { size: 3, permissions: 0o100640 });
    expect(await readFile(join(root, 'f'), 'latin1')).toBe('x\0\0');
    expect(await stat(join(root, 'f'))).toMatchObject({ mode: 0o100640 });
    await client.setstat('/f', { size: 0 });
    expect(await stat(join(root, 'f'))).toMatchObject({ size: 0 });
    expect(await readdir(root)).toEqual(['f']);
  });
});

describe('what is kept of a new file', () => {
  async function keptFile(root: string, text = 'half', path = '/f'): Promise<void> {
    const { client, cut } = await openClient({ root });
    const handle = await client.open(path, WRITE | CREAT | TRUNC);
    await client.write(handle, 0, [Buffer.from(text)]);
    await cut();
  }

  it('is seen and continued by later sessions of the same user', async () => {
    const root = await tempDirectory();
    await keptFile(root);
    expect(await readdir(root)).toEqual([expect.stringMatching(/^\.f\.[0-9a-f]{16}\.sealift-partial$/)]);
    const { client } = await openClient({ root });
    expect(await client.stat('/f')).toMatchObject({ size: 4 });
    expect(await list(client, '/')).toEqual(['f 4']);
    const reader = await client.open('/f', READ);
    expect(await get(client, reader)).toBe('half');
    await client.closeHandle(reader);
    const handle = await client.open('/f', WRITE | CREAT);
    await client.write(handle, 4, [Buffer.from(' and half')]);
    await client.closeHandle(handle);
    expect(await readdir(root)).toEqual(['f']);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('half and half');
  });

  it('is kept again where the next session breaks off too', async () => {
    const root = await tempDirectory();
    await keptFile(root);
    const { client, cut } = await openClient({ root });
    const handle = await client.open('/f', WRITE);
    await client.write(handle, 4, [Buffer.from('more')]);
    await cut();
    const again = await openClient({ root });
    expect(await again.client.stat('/f')).toMatchObject({ size: 8 });
  });

  it('is never content of two attempts: what is written anew from the start is all that is kept of it', async () => {
    const root = await tempDirectory();
    await keptFile(root, '0123456789');
    const write = async (...pieces: readonly (readonly [number, string])[]): Promise<string> => {
      const { client, cut } = await openClient({ root });
      const handle = await client.open('/f', READ | WRITE | CREAT);
      for (const [at, text] of pieces) await client.write(handle, at, [Buffer.from(text)]);
      await cut();
      const again = await openClient({ root });
      return await get(again.client, await again.client.open('/f', READ));
    };
    expect(await write([10, 'ab'])).toBe('0123456789ab');
    expect(await write([0, 'new'], [3, 'er'])).toBe('newer');
    expect(await write([0, 'NEWER'], [5, '!'])).toBe('NEWER!');
    // Where it goes on within what was kept, the client has decided that it fits.
    expect(await write([4, 'R'])).toBe('NEWER');
    expect(await write([0, 'n'], [4, 'r'])).toBe('n');
  });

  it('is gone on with in a drop zone, and read by nobody: whoever has the same name may be somebody else', async () => {
    const root = await tempDirectory();
    const session = async (): ReturnType<typeof openClient> =>
      await openClient({ root, fileSystem: dropZone(rootedFileSystem(root), { isOwnName: isPrivateName }) });
    const first = await session();
    const handle = await first.client.open('/f', READ | WRITE | CREAT);
    await first.client.write(handle, 0, [Buffer.from('half')]);
    expect(await get(first.client, handle)).toBe('half');
    await first.cut();
    const { client } = await session();
    expect(await client.stat('/f')).toMatchObject({ size: 4 });
    await expect(client.open('/f', READ)).rejects.toMatchObject({ code: 'EACCES' });
    const again = await client.open('/f', READ | WRITE | CREAT);
    await expect(client.read(again, 0, 4)).rejects.toMatchObject({ code: 'EACCES' });
    const range = { algorithms: ['sha256'], offset: 0, length: 0, blockSize: 0 };
    await expect(client.extensions.checkFileHandle(again, range)).rejects.toMatchObject({ code: 'EACCES' });
    const copy = await client.open('/g', WRITE | CREAT);
    const whole = { fromPosition: 0, toPosition: 0, length: 0 };
    await expect(client.extensions.copyData({ from: again, to: copy, ...whole })).rejects.toMatchObject({
      code: 'EACCES',
    });
    await client.closeHandle(copy);
    await client.write(again, 4, [Buffer.from(' and half')]);
    await client.closeHandle(again);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('half and half');
  });

  it('is seen by nobody else, and does not stand in their way', async () => {
    const root = await tempDirectory();
    await keptFile(root);
    const [disk = ''] = await readdir(root);
    await symlink(disk, join(root, 'link'));
    const { client } = await openClient({ root, user: 'bob' });
    expect(await list(client, '/')).toEqual([`link ${disk.length}`]);
    for (const path of ['/f', '/link', `/${disk}`])
      await expect(client.stat(path)).rejects.toMatchObject({ code: path === '/f' ? 'ENOENT' : 'EACCES' });
    for (const path of ['/link', `/${disk}`])
      await expect(client.open(path, WRITE | CREAT)).rejects.toMatchObject({ code: 'EACCES' });
    await put(client, '/f', 'of bob');
    const alice = await openClient({ root });
    expect(await alice.client.stat('/f')).toMatchObject({ size: 6 });
    expect(await list(alice.client, '/')).toEqual([`f 6`, `link ${disk.length}`]);
  });

  it('begins anew with TRUNC, is gone when it is removed, and counts as there for EXCL', async () => {
    const root = await tempDirectory();
    await keptFile(root);
    const { client } = await openClient({ root });
    await expect(client.open('/f', WRITE | CREAT | EXCL)).rejects.toMatchObject({ message: '/f: File exists' });
    await expect(client.mkdir('/f')).rejects.toMatchObject({ message: '/f: File exists' });
    await put(client, '/f', 'x');
    expect(await readdir(root)).toEqual(['f']);
    await client.remove('/f');
    await keptFile(root);
    await client.remove('/f');
    expect(await readdir(root)).toEqual([]);
    await expect(client.remove('/f')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends where the first gap begins', async () => {
    const root = await tempDirectory();
    const { client, cut } = await openClient({ root });
    const handle = await client.open('/f', WRITE | CREAT);
    await client.write(handle, 0, [Buffer.from('abc')]);
    await client.write(handle, 100, [Buffer.from('xyz')]);
    await client.write(handle, 3, [Buffer.from('def')]);
    await cut();
    const again = await openClient({ root });
    expect(await again.client.stat('/f')).toMatchObject({ size: 6 });
  });

  it('keeps its name, and how long it has been kept', async () => {
    const root = await tempDirectory();
    await keptFile(root);
    await mkdir(join(root, 'd'));
    const { client } = await openClient({ root });
    for (const to of ['/g', '/d/f']) {
      await expect(client.rename('/f', to)).rejects.toThrow('the upload is not complete: go on with it, or remove it');
      await expect(client.extensions.posixRename('/f', to)).rejects.toThrow('the upload is not complete');
    }
    await client.setstat('/f', { permissions: 0o640, atimeSeconds: 4_000_000_000, mtimeSeconds: 4_000_000_000 });
    const { mtimeSeconds = 0, permissions } = await client.stat('/f');
    expect(mtimeSeconds).toBeLessThan(Date.now() / 1000 + 60);
    expect((permissions ?? 0) & 0o777).toBe(0o640);
    expect(await list(client, '/')).toEqual([expect.stringMatching(/^d /), 'f 4']);
    expect(await readdir(join(root, 'd'))).toEqual([]);
  });

  it('is nothing where the upload was to get another name', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    const { client, cut } = await openClient({ root });
    const handle = await client.open('/f', WRITE | CREAT);
    await client.write(handle, 0, [Buffer.from('half')]);
    await client.rename('/f', '/d/f');
    await cut();
    expect(await readdir(root)).toEqual(['d']);
    expect(await readdir(join(root, 'd'))).toEqual([]);
  });

  it('keeps no directory from being removed', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    const first = await openClient({ root });
    const handle = await first.client.open('/d/f', WRITE | CREAT);
    await first.client.write(handle, 0, [Buffer.from('x')]);
    const { client } = await openClient({ root, user: 'bob' });
    await expect(client.rmdir('/d')).rejects.toMatchObject({ message: '/d: Directory not empty' });
    await first.cut();
    await client.rmdir('/d');
    expect(await readdir(root)).toEqual([]);
  });

  it('stays where the directory has something else in it after all: an upload that is under way', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    await keptFile(root, 'half', '/d/a');
    const { client } = await openClient({ root, user: 'bob' });
    const handle = await client.open('/d/z', WRITE | CREAT);
    await expect(client.rmdir('/d')).rejects.toMatchObject({ message: '/d: Directory not empty' });
    const names = (await readdir(join(root, 'd'))).map((name) => name.replace(/^.*\./, ''));
    expect(names.sort()).toEqual(['sealift-partial', 'sealift-upload']);
    await client.closeHandle(handle);
    const again = await openClient({ root });
    expect(await again.client.stat('/d/a')).toMatchObject({ size: 4 });
  });

  it('is no longer cleared away from a directory once everything is to stop', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    for (let index = 0; index < 100; index++) await writeFile(join(root, 'd', keptName(`${index}`, 'bob')), 'x');
    const stop = new AbortController();
    const below = rootedFileSystem(root);
    let removed = 0;
    const directory = async (path: string): Promise<Directory> =>
      new Watched(await below.directory(path), () => {
        if (++removed === 10) stop.abort();
      });
    const { client } = await openClient({ root, fileSystem: { ...below, directory }, signal: stop.signal });
    await expect(client.rmdir('/d')).rejects.toMatchObject({ message: '/d: Interrupted system call' });
    expect(await readdir(join(root, 'd'))).toHaveLength(90);
  });

  it('is no longer looked for in a directory once everything is to stop', async () => {
    const root = await tempDirectory();
    const stop = new AbortController();
    const { client } = await openClient({ root, signal: stop.signal });
    const handle = await client.opendir('/');
    await client.readdir(handle);
    stop.abort();
    await expect(client.readdir(handle)).rejects.toThrow('Interrupted system call');
  });

  it('has a name of any length, but is listed only where the whole name fits', async () => {
    const root = await tempDirectory();
    const name = 'ü'.repeat(127);
    const { client, cut } = await openClient({ root });
    const handle = await client.open(`/${name}`, WRITE | CREAT);
    await client.write(handle, 0, [Buffer.from('x')]);
    await cut();
    const again = await openClient({ root });
    expect(await again.client.stat(`/${name}`)).toMatchObject({ size: 1 });
    expect(await list(again.client, '/')).toEqual([]);
  });

  it('is not there after a day, nor what a killed process left', async () => {
    const root = await tempDirectory();
    await keptFile(root);
    const [disk = ''] = await readdir(root);
    await utimes(join(root, disk), 1, Date.now() / 1000 - 25 * 3600);
    const [place, boot] = thisProcess.id.split('-');
    await writeFile(join(root, uploadName(`${place}-${boot}-999999999-1-00000000`)), 'left');
    const { client } = await openClient({ root });
    await expect(client.stat('/f')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await list(client, '/')).toEqual([]);
    await put(client, '/f', 'new');
    expect((await readdir(root)).filter((name) => name !== disk)).toEqual(['f']);
  });

  it('is not taken from another server, nor is what that is writing, whatever this one knows of processes', async () => {
    const root = await tempDirectory();
    const theirs = [uploadName('0123456789ab-01234567-1-7-00000000'), uploadName('999999999')];
    for (const name of theirs) {
      await writeFile(join(root, name), 'under way');
      await utimes(join(root, name), 1, Date.now() / 1000 - 48 * 3600);
    }
    const { client } = await openClient({ root });
    expect(await list(client, '/')).toEqual([]);
    expect((await readdir(root)).sort()).toEqual(theirs.sort());
  });

  it('is on stable storage before it has its name, and is not kept where that fails', async () => {
    const root = await tempDirectory();
    const calls: string[] = [];
    let isBroken = false;
    const fileSystem = faultyFileSystem(rootedFileSystem(root), (operation) => {
      calls.push(operation);
      return isBroken && operation === 'sync' ? 'EIO' : undefined;
    });
    for (isBroken of [false, true]) {
      const { client, cut } = await openClient({ root, fileSystem });
      const handle = await client.open(`/${isBroken}`, WRITE | CREAT | TRUNC);
      await client.write(handle, 0, [Buffer.from('half')]);
      calls.length = 0;
      await cut();
      expect(calls.filter((call) => ['sync', 'rename'].includes(call))).toEqual(
        isBroken ? ['sync'] : ['sync', 'rename'],
      );
    }
    expect(await readdir(root)).toEqual([expect.stringMatching(/^\.false\..*\.sealift-partial$/)]);
  });
});

describe('names that our own client uses', () => {
  it('are files like any other: .sealift-part', async () => {
    const root = await tempDirectory();
    const { client } = await openClient({ root });
    await put(client, '/.f.0123456789ab.sealift-part', 'part');
    expect(await list(client, '/')).toEqual(['.f.0123456789ab.sealift-part 4']);
    await client.extensions.posixRename('/.f.0123456789ab.sealift-part', '/f');
    expect(await readdir(root)).toEqual(['f']);
  });
});
