import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open as openFile, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { encodeName, osPath } from '../../src/base/byte-name.ts';
import { FileError } from '../../src/base/errors.ts';
import { SSH_FXF_CREAT, SSH_FXF_READ, SSH_FXF_TRUNC, SSH_FXF_WRITE } from '../../src/sftp/constants.ts';
import { sftpFileSystem } from '../../src/sftp/file-system.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

const MEBIBYTE = 1024 * 1024;

/** A session with OpenSSH's server, in an empty directory of its own. */
async function start(): Promise<{ session: SftpSession; dir: string; server: ChildProcess }> {
  const dir = await tempDirectory('sftp');
  const server = spawn(needsPeer('sftp-server'), ['-d', dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void server.kill());
  const session = await SftpSession.open({ input: server.stdout, output: server.stdin }, { host: 'local' });
  return { session, dir, server };
}

describePeer('sftp-server', "a session with OpenSSH's sftp-server", () => {
  it('knows its limits and extensions', async () => {
    const { session } = await start();
    expect(session.version).toBe(3);
    for (const name of [
      'posix-rename',
      'statvfs',
      'fstatvfs',
      'hardlink',
      'fsync',
      'lsetstat',
      'limits',
      'expand-path',
    ])
      expect(session.has(`${name}@openssh.com`), name).toBe(true);
    const told = await session.extensions.limits();
    expect(told.maxReadBytes).toBe(261_120n);
    expect(session.limits).toMatchObject({ maxPacketBytes: 262_144, maxReadBytes: 261_120, maxWriteBytes: 261_120 });
    expect(session.limits.maxOpenHandles).toBe(Number(told.maxOpenHandles));
  });

  it('does everything that version 3 can', async () => {
    const { session, dir } = await start();
    const file = await session.open('f', SSH_FXF_READ | SSH_FXF_WRITE | SSH_FXF_CREAT | SSH_FXF_TRUNC, {
      permissions: 0o600,
    });
    await session.write(file, 0, [Buffer.from('hello '), Buffer.from('world')]);
    expect(Buffer.concat((await session.read(file, 6, 100)) ?? []).toString()).toBe('world');
    expect(await session.read(file, 11, 100)).toBeUndefined();
    await session.fsetstat(file, { permissions: 0o640, atimeSeconds: 1, mtimeSeconds: 2 });
    expect(await session.fstat(file)).toMatchObject({
      size: 11,
      permissions: 0o100640,
      atimeSeconds: 1,
      mtimeSeconds: 2,
    });
    await session.fsetstat(file, { size: 5 });
    await session.closeHandle(file);
    await expect(session.closeHandle(file)).rejects.toBeInstanceOf(FileError);
    expect(await readFile(join(dir, 'f'), 'utf8')).toBe('hello');

    await session.setstat('f', { size: 4 });
    await session.symlink('l', 'f');
    expect(await readlink(join(dir, 'l'))).toBe('f');
    expect(await session.readlink('l')).toBe('f');
    expect((await session.lstat('l')).permissions).toBe(0o120777);
    expect(await session.stat('l')).toMatchObject({ size: 4, permissions: 0o100640 });
    await session.mkdir('d', { permissions: 0o700 });
    expect((await stat(join(dir, 'd'))).mode & 0o777).toBe(0o700);
    await session.rename('f', 'd/g');
    expect(await session.realpath('d/../d/g')).toBe(join(dir, 'd/g'));
    expect(await session.realpath('.')).toBe(dir);

    const listing = await session.opendir('d');
    const entries = (await session.readdir(listing)) ?? [];
    expect(entries.map(({ filename }) => filename).sort()).toEqual(['.', '..', 'g']);
    expect(await session.readdir(listing)).toBeUndefined();
    await session.closeHandle(listing);

    await expect(session.rmdir('d')).rejects.toMatchObject({ code: 'ERR_FILE', message: 'd: Failure' });
    await session.remove('d/g');
    await session.rmdir('d');
    await session.remove('l');
    await expect(session.lstat('l')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(session.open('nope/f', SSH_FXF_READ)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(session.opendir('nope')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('does everything that the extensions can', async () => {
    const { session, dir } = await start();
    const { extensions } = session;
    await writeFile(join(dir, 'a'), 'aaa');
    await writeFile(join(dir, 'b'), 'b');
    await expect(session.rename('a', 'b')).rejects.toMatchObject({ code: 'ERR_FILE' });
    await extensions.posixRename('a', 'b');
    expect(await readFile(join(dir, 'b'), 'utf8')).toBe('aaa');
    await extensions.hardlink('b', 'c');
    expect((await stat(join(dir, 'b'))).nlink).toBe(2);
    await symlink('b', join(dir, 'l'));
    await extensions.lsetstat('l', { atimeSeconds: 7, mtimeSeconds: 8 });
    expect((await lstat(join(dir, 'l'))).mtimeMs).toBe(8000);
    expect((await stat(join(dir, 'b'))).mtimeMs).not.toBe(8000);

    const file = await session.open('b', SSH_FXF_READ | SSH_FXF_WRITE);
    await extensions.fsync(file);
    const space = await extensions.fstatvfs(file);
    expect(space.bsize).toBeGreaterThan(0n);
    expect(space.namemax).toBe(255n);
    expect((await extensions.statvfs('.')).blocks).toBe(space.blocks);
    expect(await extensions.expandPath('~')).toBe(dir);
    expect(await extensions.expandPath('~root/x')).toBe('/root/x');
    await expect(extensions.expandPath('~nobodyatall')).rejects.toMatchObject({ operation: 'expand-path@openssh.com' });

    if (session.has('copy-data')) {
      const copy = await session.open('copy', SSH_FXF_WRITE | SSH_FXF_CREAT);
      await extensions.copyData({ from: file, fromPosition: 1, to: copy, toPosition: 2, length: 0 });
      await session.closeHandle(copy);
      expect(await readFile(join(dir, 'copy'), 'latin1')).toBe('\0\0aa');
    }
    if (session.has('home-directory')) expect(await extensions.homeDirectory('root')).toBe('/root');
    if (session.has('users-groups-by-id@openssh.com'))
      expect(await extensions.usersGroupsById({ uids: [0, 4_000_000], gids: [0] })).toEqual({
        userNames: ['root', ''],
        groupNames: ['root'],
      });
    await session.closeHandle(file);
    await expect(
      extensions.checkFileName('b', { algorithms: ['md5'], offset: 0, length: 0, blockSize: 0 }),
    ).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: 'b: the server does not offer check-file-name',
    });
  });

  it('carries 100 MiB both ways, byte for byte', async () => {
    const { session, dir } = await start();
    const content = randomBytes(100 * MEBIBYTE + 12_345);
    const directory = await sftpFileSystem(session).directory('.');
    const file = await directory.open('big', { access: 'write', create: 'new', mode: 0o600 });
    const writer = file.writerFrom?.(0);
    for (let at = 0; at < content.length; at += 262_144) await writer?.write(content.subarray(at, at + 262_144));
    expect(await writer?.flush()).toBe(content.length);
    await file.sync();
    await file.close();
    expect((await readFile(join(dir, 'big'))).equals(content)).toBe(true);

    const reread = await directory.open('big', { access: 'read' });
    for (const size of [content.length, content.length + 1, 0]) {
      let at = 0;
      let same = true;
      for await (const chunk of reread.contentFrom?.(0, size) ?? []) {
        same &&= content.subarray(at, at + chunk.length).equals(chunk);
        at += chunk.length;
      }
      expect([same, at]).toEqual([true, content.length]);
    }
    await reread.close();
  });

  it('keeps names of any bytes', async () => {
    const { session, dir } = await start();
    const names = ['caf\udce9', 'a\nb', ' x ', '-rf', 'ü', '~', '*', 'x'.repeat(255), '\u001b[2J'];
    const directory = await sftpFileSystem(session).directory('.');
    for (const name of names) await (await directory.open(name, { access: 'write', create: 'new' })).close();
    const listed: string[] = [];
    for await (const name of directory.names()) listed.push(name);
    expect(listed.sort()).toEqual([...names].sort());
    for (const name of names) expect((await lstat(osPath(join(dir, name)))).isFile()).toBe(true);
    await directory.makeLink('link', 'to\udcff');
    expect(await directory.readLink('link')).toBe('to\udcff');
    expect((await readlink(join(dir, 'link'), { encoding: 'buffer' })).equals(encodeName('to\udcff'))).toBe(true);
  });

  it('lists a directory of 20,000 names with their statuses', async () => {
    const { session, dir } = await start();
    await mkdir(join(dir, 'many'));
    for (let first = 0; first < 20_000; first += 500) {
      const batch = Array.from({ length: 500 }, (_, index) => writeFile(join(dir, 'many', `f${first + index}`), 'x'));
      await Promise.all(batch);
    }
    const directory = await sftpFileSystem(session).directory('many');
    const seen = new Set<string>();
    for await (const { name, status } of directory.entries()) {
      expect(status).toMatchObject({ kind: 'file', size: 1 });
      seen.add(name);
    }
    expect(seen.size).toBe(20_000);
  });

  it('serves as a file system', async () => {
    const { session, dir } = await start();
    const directory = await sftpFileSystem(session, { shown: (path) => `host:${path}` }).directory('.');
    await directory.makeDirectory('d', 0o750);
    await expect(directory.makeDirectory('d', 0o750)).rejects.toMatchObject({
      code: 'EEXIST',
      message: 'host:d: File exists',
    });
    const below = await directory.directory('d');
    const file = await below.open('f', { access: 'write', create: 'new', mode: 0o640 });
    await file.write([Buffer.from('hello '), Buffer.alloc(0), Buffer.from('world')], 0);
    await file.write([Buffer.from('W')], 6);
    await file.truncate(9);
    await file.setTimes(1.5, 2);
    expect(await file.status()).toMatchObject({ kind: 'file', size: 9, mode: 0o640, mtimeSeconds: 2, atimeSeconds: 1 });
    await file.close();
    await file.close();
    await expect(below.open('f', { access: 'write', create: 'new' })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(join(dir, 'd/f'), 'utf8')).toBe('hello Wor');
    const reread = await below.open('f', { access: 'read' });
    const buffer = Buffer.alloc(20);
    expect(await reread.read(buffer, 6)).toBe(3);
    expect(await reread.read(buffer, 9)).toBe(0);
    await reread.close();
    await below.makeLink('l', 'f');
    await expect(below.open('l', { access: 'read' })).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(below.open('l', { access: 'write', create: 'if-missing' })).rejects.toMatchObject({ code: 'ELOOP' });
    await (await below.open('l', { access: 'read', follow: true })).close();
    await expect(below.directory('f')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(below.directory('l')).rejects.toMatchObject({ code: 'ELOOP' });
    await below.rename('f', 'g');
    await below.remove('g');
    expect(await below.status('g')).toBeUndefined();
    await below.setOwnTimes(3, 4);
    await below.setOwnMode(0o700);
    expect(await below.ownStatus()).toMatchObject({ kind: 'directory', mode: 0o700, mtimeSeconds: 4 });
  });

  it('reads a file of /proc, whose size is 0', async () => {
    const { session } = await start();
    const directory = await sftpFileSystem(session).directory('/proc');
    const expected = await readFile('/proc/version', 'utf8');
    const file = await directory.open('version', { access: 'read' });
    expect((await file.status()).size).toBe(0);
    let text = '';
    for await (const chunk of file.contentFrom?.(0, 0) ?? []) text += Buffer.from(chunk).toString();
    expect(text).toBe(expected);
    await file.close();
  });

  it('is left in order by a reader that stops early, and by one that finds less than it expected', async () => {
    const { session, dir } = await start();
    const sparse = await openFile(join(dir, 'sparse'), 'w');
    await sparse.truncate(64 * MEBIBYTE);
    await sparse.close();
    const directory = await sftpFileSystem(session).directory('.');
    const file = await directory.open('sparse', { access: 'read', follow: true });
    for await (const chunk of file.contentFrom?.(0, 64 * MEBIBYTE) ?? []) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    let count = 0;
    for await (const chunk of file.contentFrom?.(63 * MEBIBYTE, 64 * MEBIBYTE) ?? []) count += chunk.length;
    expect(count).toBe(MEBIBYTE);
    await file.close();
    expect(await session.realpath('.')).toBe(dir);
  });

  it('is lost with its server', async () => {
    const { session, server } = await start();
    server.kill('SIGKILL');
    await new Promise((resolve) => server.once('close', resolve));
    await expect(session.lstat('.')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  });
});
