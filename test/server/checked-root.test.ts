import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientChannel } from 'ssh2';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountingRecord } from '../../src/aaa/accounting/record.ts';
import { type RootOptions, Roots } from '../../src/server/roots.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { MARK, type MarkCheck, markCheck, marked } from '../support/content-check.ts';
import { tempDirectory } from '../support/temp.ts';
import { login, run, sftpChannel, startTestServer, type TestServer } from './support.ts';

const NEW = 2 | 8 | 16;

let base: string;
let check: MarkCheck;
let roots: readonly RootOptions[];
let records: AccountingRecord[];

beforeEach(async () => {
  base = await tempDirectory('checked');
  check = markCheck();
  records = [];
  for (const name of ['images', 'drop', 'any']) await mkdir(join(base, name));
  roots = [
    { name: 'images', path: join(base, 'images'), accept: check, quota: 10_000 },
    { name: 'drop', path: join(base, 'drop'), accept: check, mode: 'drop' },
    { name: 'any', path: join(base, 'any') },
  ];
});

const start = (): Promise<TestServer> => startTestServer({ roots, account: (record) => records.push(record) });

async function openSftp(port: number): Promise<{ sftp: SftpSession; stderr: () => string; channel: ClientChannel }> {
  const channel = await sftpChannel(await login(port));
  let text = '';
  channel.stderr.on('data', (data: Buffer) => {
    text += data.toString();
  });
  const sftp = await SftpSession.open({ input: channel, output: channel }, { host: 'server' });
  return { sftp, channel, stderr: () => text };
}

async function put(sftp: SftpSession, path: string, content: string | Buffer): Promise<void> {
  const handle = await sftp.open(path, NEW);
  await sftp.write(handle, 0, [Buffer.from(content)]);
  await sftp.closeHandle(handle);
}

const stops = (): AccountingRecord[] => records.filter(({ record, kind }) => record === 'stop' && kind === 'transfer');

describe('a root whose contents are checked', () => {
  it('tells by SFTP why content was refused: in the status, beside the protocol, in the log and in the account', async () => {
    const server = await start();
    const { sftp, stderr } = await openSftp(server.port);
    await put(sftp, '/images/good', marked('x'));
    await expect(put(sftp, '/images/bad', 'x')).rejects.toThrow('has no signature envelope');
    expect(stderr()).toBe('/images/bad: has no signature envelope\n');
    expect(await server.event('content-refused')).toMatchObject({
      path: '/images/bad',
      code: 'ERR_IMAGE_UNSIGNED',
      reason: 'has no signature envelope',
      connection: { user: 'alice' },
    });
    expect(await readdir(join(base, 'images'))).toEqual(['good']);
    expect(stops()).toMatchObject([
      { path: '/images/good', status: 'complete', signer: 'production A' },
      { path: '/images/bad', status: 'failed', error: '/images/bad: has no signature envelope' },
    ]);
    const ended = server.events.filter((event) => event.type === 'transfer-ended');
    expect(ended).toMatchObject([{ signer: 'production A', status: 0 }, { status: 1 }]);
  });

  it('tells by the SCP protocol why, and goes on with the other files', async () => {
    const server = await start();
    const client = await login(server.port);
    const file = (name: string, content: string): string => `C0644 ${content.length} ${name}\n${content}\0`;
    const tree = `D0755 0 t\n${file('a', `a${MARK}`)}${file('b', 'b')}${file('c', `c${MARK}`)}E\n`;
    const { code, stdout } = await run(client, 'scp -r -t /images', tree);
    expect(code).toBe(1);
    expect(stdout.toString()).toContain('\u0001scp: /images/t/b: has no signature envelope\n');
    expect((await readdir(join(base, 'images', 't'))).sort()).toEqual(['a', 'c']);
    expect(await server.event('content-refused')).toMatchObject({ path: '/images/t/b', code: 'ERR_IMAGE_UNSIGNED' });
    expect(server.events.filter((event) => event.type === 'file-moved')).toMatchObject([
      { name: 'a', landed: true, signer: 'production A' },
      { name: 'b', landed: false },
      { name: 'c', landed: true, signer: 'production A' },
    ]);
    expect(stops()).toMatchObject([
      { status: 'complete', signer: 'production A' },
      { status: 'failed', error: '/images/t/b: has no signature envelope' },
      { status: 'complete', signer: 'production A' },
    ]);
  });

  it('fills no log, and no window of a client, whatever is refused how often', async () => {
    const server = await start();
    const { sftp, stderr } = await openSftp(server.port);
    for (let at = 0; at < 230; at++)
      await expect(put(sftp, `/images/bad${at}`, 'x')).rejects.toThrow('has no signature envelope');
    expect(server.events.filter((event) => event.type === 'content-refused')).toHaveLength(200);
    expect(stderr().split('\n')).toHaveLength(21);
    expect(await readdir(join(base, 'images'))).toEqual([]);
    // What was refused does not count for the quota either.
    await put(sftp, '/images/good', marked('x'.repeat(9_000)));
  });

  it('refuses renames and links that are not good as what they are', async () => {
    const server = await start();
    await writeFile(join(base, 'images', 'old'), 'old');
    const { sftp } = await openSftp(server.port);
    await expect(sftp.rename('/images/old', '/images/new')).rejects.toThrow('has no signature envelope');
    await expect(sftp.extensions.hardlink('/images/old', '/images/new')).rejects.toThrow('has no signature envelope');
    await expect(sftp.symlink('/images/link', '/etc/passwd')).rejects.toMatchObject({ code: 'EACCES' });
    await put(sftp, '/any/file', 'x');
    await expect(sftp.rename('/any/file', '/images/file')).rejects.toBeInstanceOf(Error);
    expect(await readdir(join(base, 'images'))).toEqual(['old']);
    expect(server.events.filter((event) => event.type === 'content-refused')).toMatchObject([
      { path: '/images/new' },
      { path: '/images/new' },
    ]);
    // Told once, although the file and the operation fail.
    await writeFile(join(base, 'images', 'signed'), marked('x'));
    await expect(sftp.setstat('/images/signed', { size: 1 })).rejects.toThrow('has no signature envelope');
    expect(server.events.filter((event) => event.type === 'content-refused')).toHaveLength(3);
    const others = server.events.filter((event) => event.type === 'operation-refused');
    expect(others).toMatchObject([{ operation: 'symlink' }]);
  });

  it('is a drop zone too, by both protocols', async () => {
    const { port } = await start();
    const { sftp } = await openSftp(port);
    await put(sftp, '/drop/good', marked('x'));
    await expect(put(sftp, '/drop/bad', 'x')).rejects.toThrow('has no signature envelope');
    await expect(sftp.open('/drop/good', NEW)).rejects.toMatchObject({ code: 'EACCES' });
    await expect(sftp.open('/drop/good', 1)).rejects.toMatchObject({ code: 'EACCES' });
    const content = marked('y').toString();
    const client = await login(port);
    expect(await run(client, 'scp -t /drop', `C0644 ${content.length} scp\n${content}\0`)).toMatchObject({ code: 0 });
    expect(await run(client, 'scp -t /drop', 'C0644 1 scp2\nx\0')).toMatchObject({ code: 1 });
    expect((await readdir(join(base, 'drop'))).sort()).toEqual(['good', 'scp']);
  });

  it('takes nothing while nothing can be judged, gives what it has, and others are not affected', async () => {
    const { port } = await start();
    await writeFile(join(base, 'images', 'old'), 'old');
    check.unusable = 'SECRET PLACE';
    const { sftp } = await openSftp(port);
    await expect(put(sftp, '/images/new', marked('x'))).rejects.toThrow('cannot be used: nothing is taken');
    const { stdout } = await run(await login(port), 'scp -t /images', `C0644 1 new\nx\0`);
    expect(stdout.toString()).toContain('cannot be used: nothing is taken');
    expect(stdout.toString()).not.toContain('SECRET');
    const handle = await sftp.open('/images/old', 1);
    expect(Buffer.concat([...((await sftp.read(handle, 0, 10)) ?? [])]).toString()).toBe('old');
    await put(sftp, '/any/new', 'x');
    await sftp.remove('/images/old');
    expect(await readdir(join(base, 'images'))).toEqual([]);
    check.unusable = undefined;
    await put(sftp, '/images/new', marked('x'));
    expect(await readFile(join(base, 'images', 'new'), 'utf8')).toBe(`x${MARK}`);
  });

  it('has no other root that leads round it', async () => {
    await mkdir(join(base, 'images', 'inner'));
    const open = (...list: RootOptions[]): Promise<Roots> => Roots.open(list);
    const images = { name: 'images', path: join(base, 'images'), accept: check };
    const reason = 'takes signed images only';
    for (const path of ['images', 'images/inner', '.'])
      await expect(open(images, { name: 'b', path: join(base, path) })).rejects.toThrow(reason);
    (await open(images, { name: 'b', path: join(base, 'images'), mode: 'read-only' })).close();
    (await open(images, { name: 'b', path: join(base, 'images', 'inner'), accept: check, mode: 'drop' })).close();
    (await open(images, { name: 'b', path: join(base, 'any') })).close();
    await expect(open(images, { name: 'b', path: join(base, 'images', 'inner'), mode: 'drop' })).rejects.toThrow(
      reason,
    );
  });
});
