import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { checked } from '../../../src/files/checked.ts';
import { mounts } from '../../../src/files/mounts.ts';
import { isPrivateName } from '../../../src/files/private-names.ts';
import { rootedFileSystem } from '../../../src/files/rooted.ts';
import type { SftpSession } from '../../../src/sftp/session.ts';
import { MARK, type MarkCheck, markCheck, marked } from '../../support/content-check.ts';
import { type ClientSession, openClient } from '../../support/sftp-client.ts';
import { tempDirectory } from '../../support/temp.ts';

const READ = 1;
const WRITE = 2;
const CREAT = 8;
const TRUNC = 16;
const EXCL = 32;
const NEW = WRITE | CREAT | TRUNC;

let root: string;
let check: MarkCheck;

beforeEach(async () => {
  root = await tempDirectory('checked');
  check = markCheck();
});

/** A session on the folder, whose contents are checked. */
async function open(user = 'alice'): Promise<ClientSession> {
  const fileSystem = checked(rootedFileSystem(root), { check, isOwnName: isPrivateName });
  return await openClient({ root, fileSystem, user });
}

async function put(client: SftpSession, path: string, content: string | Buffer, flags = NEW): Promise<void> {
  const handle = await client.open(path, flags);
  await client.write(handle, 0, [Buffer.from(content)]);
  await client.closeHandle(handle);
}

const refused = { message: expect.stringContaining('has no signature envelope') };

describe('an upload to where contents are checked', () => {
  it('gets its name if it is good, and leaves nothing if it is not', async () => {
    const { client, seen } = await open();
    await put(client, '/good', marked('x'));
    await put(client, '/exclusive', marked('y'), NEW | EXCL);
    await expect(put(client, '/bad', 'x')).rejects.toMatchObject(refused);
    await expect(put(client, '/bad', 'x', NEW | EXCL)).rejects.toMatchObject(refused);
    await expect(put(client, '/empty', '')).rejects.toMatchObject(refused);
    await expect(client.stat('/bad')).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(root)).sort()).toEqual(['exclusive', 'good']);
    expect(seen.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      `received /good complete ${1 + MARK.length}`,
      `received /exclusive complete ${1 + MARK.length}`,
      'received /bad failed 1',
      'received /bad failed 1',
      'received /empty failed 0',
    ]);
  });

  it('leaves what was there, if it is not good', async () => {
    await writeFile(join(root, 'image'), marked('old'), { mode: 0o640 });
    const { client } = await open();
    await expect(put(client, '/image', 'new')).rejects.toMatchObject(refused);
    await expect(client.setstat('/image', { size: 2 })).rejects.toMatchObject(refused);
    await expect(client.setstat('/image', { size: 0 })).rejects.toMatchObject(refused);
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`old${MARK}`);
    await put(client, '/image', marked('new'));
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`new${MARK}`);
    expect((await stat(join(root, 'image'))).mode & 0o777).toBe(0o640);
    expect(await readdir(root)).toEqual(['image']);
  });

  it('is judged as a whole where it changes a part of a file', async () => {
    await writeFile(join(root, 'image'), marked('old'));
    const { client } = await open();
    const good = await client.open('/image', READ | WRITE);
    await client.write(good, 0, [Buffer.from('OLD')]);
    await client.closeHandle(good);
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`OLD${MARK}`);
    const bad = await client.open('/image', READ | WRITE);
    await client.write(bad, 3 + MARK.length, [Buffer.from('more')]);
    await expect(client.closeHandle(bad)).rejects.toMatchObject(refused);
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`OLD${MARK}`);
    expect(await readdir(root)).toEqual(['image']);
  });

  it('may come in any order, and by two handles', async () => {
    const { client } = await open();
    const first = await client.open('/image', NEW);
    const second = await client.open('/image', READ | WRITE);
    await client.write(second, 3, [Buffer.from(MARK)]);
    await client.write(first, 0, [Buffer.from('abc')]);
    await client.closeHandle(first);
    expect(await readdir(root)).not.toContain('image');
    await client.closeHandle(second);
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`abc${MARK}`);
    const good = await client.open('/other', NEW);
    const spoils = await client.open('/other', WRITE);
    await client.write(good, 0, [marked('abc')]);
    await client.closeHandle(good);
    await client.write(spoils, 0, [Buffer.from('x'.repeat(40))]);
    await expect(client.closeHandle(spoils)).rejects.toMatchObject(refused);
    expect(await readdir(root)).toEqual(['image']);
  });

  it('is kept where it was cut, gone on with, and judged as a whole', async () => {
    const start = 'abc';
    const begin = async (): Promise<void> => {
      const session = await open();
      const handle = await session.client.open('/image', NEW);
      await session.client.write(handle, 0, [Buffer.from(start)]);
      await session.cut();
    };
    await begin();
    expect(await readdir(root)).toEqual([expect.stringMatching(/sealift-partial$/)]);
    await expect((await open('bob')).client.stat('/image')).rejects.toMatchObject({ code: 'ENOENT' });
    const { client } = await open();
    const bad = await client.open('/image', WRITE);
    await client.write(bad, start.length, [Buffer.from('no mark')]);
    await expect(client.closeHandle(bad)).rejects.toMatchObject(refused);
    expect(await readdir(root)).toEqual([]);
    await begin();
    const good = await client.open('/image', WRITE);
    await client.write(good, start.length, [Buffer.from(MARK)]);
    await client.closeHandle(good);
    expect(await readFile(join(root, 'image'), 'utf8')).toBe(`abc${MARK}`);
    expect(await readdir(root)).toEqual(['image']);
  });

  it('is not kept where it was refused while it came', async () => {
    const session = await open();
    const handle = await session.client.open('/image', NEW);
    await session.client.write(handle, 0, [Buffer.from('abc')]);
    await expect(session.client.write(handle, 3, [Buffer.from('!')])).rejects.toMatchObject({
      message: expect.stringContaining('it is certain already'),
    });
    await session.cut();
    expect(await readdir(root)).toEqual([]);
  });

  it('gets the name that it was given while it was open, and no other content', async () => {
    await writeFile(join(root, 'taken'), marked('old'));
    const { client } = await open();
    const good = await client.open('/part', NEW);
    await client.write(good, 0, [marked('new')]);
    await client.extensions.posixRename('/part', '/taken').catch(() => undefined);
    await client.closeHandle(good).catch(() => undefined);
    const bad = await client.open('/part2', NEW);
    await client.write(bad, 0, [Buffer.from('evil')]);
    await client.rename('/part2', '/free');
    await expect(client.closeHandle(bad)).rejects.toMatchObject(refused);
    expect(await readdir(root)).not.toContain('free');
    expect(await readdir(root)).not.toContain('part2');
    for (const name of await readdir(root)) expect(await readFile(join(root, name), 'utf8')).toMatch(/#signed$/);
  });

  it('holds what was verified, also where the client opens, cuts and writes it while it lands', async () => {
    const { client } = await open();
    const other = await open();
    const handle = await client.open('/image', NEW);
    await client.write(handle, 0, [marked('x')]);
    let during: Promise<unknown>[] = [];
    check.beforeEnd = async () => {
      check.beforeEnd = async () => {};
      const quiet = (work: Promise<unknown>): Promise<unknown> => work.catch((error: Error) => error);
      during = [
        quiet(client.setstat('/image', { size: 1 })),
        quiet(client.fsetstat(handle, { size: 1 })),
        quiet(client.write(handle, 0, [Buffer.from('evil')])),
        quiet(put(client, '/image', 'evil')),
        quiet(client.rename('/image', '/other')),
      ];
      // As much time as the server takes to answer somebody else.
      await other.client.stat('/');
    };
    await client.closeHandle(handle);
    await Promise.all(during);
    for (const name of await readdir(root)) expect(await readFile(join(root, name), 'utf8')).toBe(`x${MARK}`);
    expect((await readdir(root)).length).toBe(1);
  });

  it('may be filled by copy-data, which is judged as any other content', async () => {
    await writeFile(join(root, 'source'), marked('abc'));
    const { client } = await open();
    for (const [length, isGood] of [
      [3 + MARK.length, true],
      [3, false],
    ] as const) {
      const from = await client.open('/source', READ);
      const to = await client.open('/copy', NEW);
      await client.extensions.copyData({ from, to, fromPosition: 0, toPosition: 0, length });
      await client.closeHandle(from);
      if (isGood) await client.closeHandle(to);
      else await expect(client.closeHandle(to)).rejects.toMatchObject(refused);
    }
    expect(await readFile(join(root, 'copy'), 'utf8')).toBe(`abc${MARK}`);
    expect((await readdir(root)).sort()).toEqual(['copy', 'source']);
  });

  it('is refused when it is opened, where nothing can be judged', async () => {
    check.unusable = 'the key storage is damaged';
    const { client } = await open();
    await expect(client.open('/image', NEW)).rejects.toMatchObject({
      message: expect.stringContaining('cannot be used: nothing is taken'),
    });
    expect(await readdir(root)).toEqual([]);
  });

  it('is no link, by whatever name', async () => {
    await writeFile(join(root, 'bad'), 'x');
    await writeFile(join(root, 'good'), marked('x'));
    const { client } = await open();
    await expect(client.symlink('/link', '/etc/passwd')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(client.extensions.hardlink('/bad', '/link')).rejects.toMatchObject(refused);
    await expect(client.rename('/bad', '/link')).rejects.toMatchObject(refused);
    await client.extensions.hardlink('/good', '/link');
    await client.rename('/good', '/moved');
    expect((await readdir(root)).sort()).toEqual(['bad', 'link', 'moved']);
  });
});

describe('a root whose contents are checked, beside one that takes anything', () => {
  let client: SftpSession;
  beforeEach(async () => {
    for (const name of ['any', 'images']) await mkdir(join(root, name));
    const images = checked(rootedFileSystem(join(root, 'images')), { check, isOwnName: isPrivateName });
    const any = rootedFileSystem(join(root, 'any'));
    const fileSystem = mounts([
      { name: 'any', fileSystem: any },
      { name: 'images', fileSystem: images },
    ]);
    client = (await openClient({ root, fileSystem })).client;
  });

  it('gets nothing from there by a rename or a link, while it is open or after', async () => {
    await put(client, '/any/file', 'x');
    await expect(client.rename('/any/file', '/images/file')).rejects.toBeInstanceOf(Error);
    await expect(client.extensions.hardlink('/any/file', '/images/file')).rejects.toBeInstanceOf(Error);
    await client.mkdir('/any/folder', {});
    await put(client, '/any/folder/x', 'x');
    await expect(client.rename('/any/folder', '/images/folder')).rejects.toBeInstanceOf(Error);
    const handle = await client.open('/any/open', NEW);
    await client.write(handle, 0, [marked('x')]);
    await client.rename('/any/open', '/images/open').catch(() => undefined);
    await client.closeHandle(handle).catch(() => undefined);
    expect(await readdir(join(root, 'images'))).toEqual([]);
  });
});
