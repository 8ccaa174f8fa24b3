import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Client, ClientChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AccountingRecord } from '../../src/aaa/accounting/record.ts';
import { LocalDirectory } from '../../src/files/local-directory.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { Leaving } from '../../src/server/leaving.ts';
import { LEFT_MS, STOP_MS } from '../../src/server/limits.ts';
import { framed } from '../sftp/scripted-peer.ts';
import { str, u8, u32, u64 } from '../sftp/server/scripted-client.ts';
import { tempDirectory } from '../support/temp.ts';
import { exec, login, sftpChannel, startTestServer } from './support.ts';

/** More than any server does in the time of these tests. */
const MANY = 20_000;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const look = async (): Promise<void> => {
    if (!(await condition())) throw new Error('it did not come to that');
  };
  await vi.waitFor(look, { interval: 5, timeout: 20_000 });
}

function leave(client: Client): void {
  (client as unknown as { _sock: Socket })._sock.destroy();
}

/** The stop records, as `session cut`, in any order. */
function stopsIn(records: readonly AccountingRecord[]): string[] {
  return records.flatMap((one) => (one.record === 'stop' ? `${one.kind} ${one.status}` : [])).sort();
}

/** A session whose queue is full of folders to make, some of which are made. */
async function busySession(port: number, root: string): Promise<{ client: Client; channel: ClientChannel }> {
  const client = await login(port);
  const channel = await sftpChannel(client);
  channel.resume();
  const requests = Array.from({ length: MANY }, (_, id) => framed(u8(14), u32(id), str(`/d${id}`), u32(0)));
  channel.write(Buffer.concat([framed(u8(1), u32(3)), ...requests]));
  await until(async () => (await readdir(root)).length > 10);
  return { client, channel };
}

/** Stands for a million paths where there are a hundred folders. */
const PATTERN = '/*/../*/../*/../nope';

/** A root with a hundred folders, and how often one was looked into. */
async function foldersWatched(): Promise<{ files: () => RootedFileSystem; looks: () => number }> {
  const root = await tempDirectory('folders');
  for (let index = 0; index < 100; index++) await mkdir(join(root, `${index}`));
  const below = rootedFileSystem(root);
  let looks = 0;
  const directory: typeof below.directory = (...path) => {
    looks++;
    return below.directory(...path);
  };
  return { files: () => ({ ...below, directory }), looks: () => looks };
}

/** That no more folders are made. */
async function expectStopped(root: string): Promise<void> {
  const count = (await readdir(root)).length;
  expect(count).toBeLessThan(MANY / 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await readdir(root)).length).toBe(count);
}

describe('work that a client has left behind', () => {
  it('is not done, but for what completes its uploads', async () => {
    const { port, root, event, server } = await startTestServer();
    const { client } = await busySession(port, root);
    leave(client);
    await event('connection-closed');
    expect(server.sessions()).toEqual([]);
    await expectStopped(root);
  });

  it('ends with a pattern that stands for very much', async () => {
    const { files, looks } = await foldersWatched();
    const { port, event } = await startTestServer({ fileSystemFor: files });
    const client = await login(port);
    const channel = await exec(client, `scp -f ${PATTERN}`);
    channel.write('\0');
    await until(() => looks() > 100);
    leave(client);
    expect(await event('connection-closed')).toMatchObject({ connection: { user: 'alice' } });
    expect(await event('transfer-ended')).toMatchObject({ files: 0, status: undefined });
    expect(looks()).toBeLessThan(MANY);
  });
});

describe('the records of a client that leaves', () => {
  const ways: readonly [string, (client: Client) => void][] = [
    ['the connection is reset', (client) => void (client as unknown as { _sock: Socket })._sock.resetAndDestroy()],
    ['the connection is closed', leave],
    ['it says goodbye', (client) => void client.end()],
  ];

  it.each(ways)('in the middle of an upload by SCP say so: %s', async (_, goes) => {
    const records: AccountingRecord[] = [];
    const { port, event, server } = await startTestServer({ account: (record) => records.push(record) });
    const client = await login(port);
    (await exec(client, 'scp -t /f')).write('C0644 100 f\nhalf of it');
    await until(() => server.transfers()[0]?.fileBytes === 10);
    goes(client);
    await event('connection-closed');
    expect(stopsIn(records)).toEqual(['session cut', 'transfer cut']);
  });

  it.each(ways)('in the middle of an upload by SFTP say so: %s', async (_, goes) => {
    const records: AccountingRecord[] = [];
    const { port, event, server } = await startTestServer({ account: (record) => records.push(record) });
    const client = await login(port);
    const open = framed(u8(3), u32(0), str('/f'), u32(2 | 8), u32(0));
    (await sftpChannel(client)).resume().write(Buffer.concat([framed(u8(1), u32(3)), open]));
    await until(() => server.transfers().length === 1);
    goes(client);
    await event('connection-closed');
    expect(stopsIn(records)).toEqual(['session cut', 'transfer cut']);
  });

  it('say that all is complete where its upload is, whether it has waited for that or not', async () => {
    const records: AccountingRecord[] = [];
    const { port, root, event } = await startTestServer({ account: (record) => records.push(record) });
    const client = await login(port);
    const handle = Buffer.concat([u32(4), u32(0)]);
    const channel = await sftpChannel(client);
    channel.resume();
    channel.write(Buffer.concat([framed(u8(1), u32(3)), framed(u8(3), u32(0), str('/f'), u32(2 | 8), u32(0))]));
    await until(() => records.length > 1);
    channel.write(Buffer.concat([framed(u8(6), u32(1), handle, u64(0), str('whole')), framed(u8(4), u32(2), handle)]));
    client.end();
    await event('connection-closed');
    expect(stopsIn(records)).toEqual(['session complete', 'transfer complete']);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('whole');
  });
});

describe('kick', () => {
  it('ends everything at once, and says so in the records', async () => {
    const records: AccountingRecord[] = [];
    const { port, root, event, server } = await startTestServer({ account: (record) => records.push(record) });
    await writeFile(join(root, 'old'), 'old');
    const client = await login(port);
    const uploading = await sftpChannel(client);
    uploading.resume();
    const opens = ['/new', '/old'].map((path, id) => framed(u8(3), u32(id), str(path), u32(2 | 8), u32(0)));
    const handle = Buffer.concat([u32(4), u32(0)]);
    uploading.write(Buffer.concat([framed(u8(1), u32(3)), ...opens]));
    await until(() => records.filter(({ kind }) => kind === 'transfer').length === 2);
    uploading.write(framed(u8(6), u32(2), handle, u64(0), str('half')));
    await until(() => server.transfers()[0]?.bytes === 4);
    const sink = await exec(client, 'scp -t /sunk');
    sink.write('C0644 100 sunk\nhalf of it');
    await until(() => server.transfers().some(({ service, file }) => service === 'scp' && file !== undefined));
    // What completes an upload goes on where a client has only left. None of them leaves the file empty: nothing would be kept of it.
    const cuts = Array.from({ length: MANY }, (_, id) => framed(u8(10), u32(id + 10), handle, u32(1), u64(id + 1)));
    uploading.write(Buffer.concat([...cuts, framed(u8(4), u32(9), handle)]));
    await until(() => (server.sessions()[0]?.bytesRead ?? 0) > MANY * 29);
    expect(server.kick(server.sessions()[0]?.id ?? 0)).toBe(true);
    expect(await event('connection-closed')).toMatchObject({ reason: 'ended by the operator' });
    expect(server.sessions()).toEqual([]);
    expect(server.transfers()).toEqual([]);
    expect(stopsIn(records)).toEqual(['session cut', 'transfer cut', 'transfer cut', 'transfer cut']);
    expect(await readFile(join(root, 'old'), 'utf8')).toBe('old');
    expect(await readdir(root)).toEqual([expect.stringMatching(/^\.new\..*partial$/), 'old']);
  });

  it('ends the look into a folder that is to be renamed, which keeps its name', async () => {
    const allow = ['list', 'read', 'write', 'overwrite', 'delete', 'rename', 'mkdir'] as const;
    const { port, root, event, server } = await startTestServer({ rights: [{ paths: ['/'], allow: [...allow] }] });
    await mkdir(join(root, 'many'));
    for (let file = 0; file < 9000; file++) await writeFile(join(root, 'many', `${file}`), '');
    const channel = await sftpChannel(await login(port));
    channel.resume();
    channel.write(Buffer.concat([framed(u8(1), u32(3)), framed(u8(18), u32(1), str('/many'), str('/renamed'))]));
    await until(() => server.sessions()[0]?.transfers === 1);
    const before = performance.now();
    server.kick(server.sessions()[0]?.id ?? 0);
    await event('connection-closed');
    expect(performance.now() - before).toBeLessThan(STOP_MS - 1000);
    expect(await readdir(root)).toEqual(['many']);
  });

  it.each(['scp -f', 'scp -t'])('ends the reading of a pattern: %s', async (command) => {
    const { files, looks } = await foldersWatched();
    const { port, event, server } = await startTestServer({ fileSystemFor: files });
    const channel = await exec(await login(port), `${command} ${PATTERN}`);
    channel.write('\0');
    await until(() => looks() > 100);
    server.kick(server.sessions()[0]?.id ?? 0);
    await event('connection-closed');
    expect(server.transfers()).toEqual([]);
    expect(looks()).toBeLessThan(MANY);
  });
});

describe('the end of the server', () => {
  it('waits for the grace time, and for nothing that clients have asked for beyond it', async () => {
    const { port, root, server, events } = await startTestServer();
    await busySession(port, root);
    const before = performance.now();
    await server.close({ graceMs: 200 });
    expect(performance.now() - before).toBeGreaterThan(190);
    expect(performance.now() - before).toBeLessThan(200 + STOP_MS);
    expect(events.filter(({ type }) => type === 'connection-closed')).toMatchObject([
      { reason: 'the server is stopping' },
    ]);
    await expectStopped(root);
  });

  it('does not wait for the look for leftovers where the system does not answer', async () => {
    const open = vi.spyOn(LocalDirectory, 'open').mockImplementation(() => new Promise(() => {}));
    onTestFinished(() => open.mockRestore());
    const { server } = await startTestServer();
    const before = performance.now();
    await server.close();
    expect(open).toHaveBeenCalled();
    expect(performance.now() - before).toBeLessThan(STOP_MS + 1000);
  });

  it('comes a few seconds after the grace time even where the system does not answer', async () => {
    const files = rootedFileSystem(await tempDirectory('hung'));
    const hung = { ...files, resolve: () => new Promise<string>(() => {}) };
    const records: AccountingRecord[] = [];
    const { port, server } = await startTestServer({
      fileSystemFor: () => hung,
      account: (record) => records.push(record),
    });
    const channel = await sftpChannel(await login(port));
    channel.write(Buffer.concat([framed(u8(1), u32(3)), framed(u8(16), u32(1), str('/x'))]));
    await until(() => server.sessions()[0]?.transfers === 1);
    const before = performance.now();
    await server.close({ graceMs: 100 });
    expect(performance.now() - before).toBeLessThan(100 + STOP_MS + 1000);
    expect(records.at(-1)).toMatchObject({ record: 'stop', kind: 'session', status: 'cut' });
  });
});

describe('the steps of an end', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('a client that has left nothing behind is gone at once', () => {
    const over = vi.fn();
    const leaving = new Leaving(over);
    leaving.left(false);
    expect(over).toHaveBeenCalledOnce();
    expect([leaving.gone.aborted, leaving.stopped.aborted]).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('what goes on has its time, is told to stop, and is not waited for any longer', () => {
    const over = vi.fn();
    const leaving = new Leaving(over);
    leaving.left(true);
    vi.advanceTimersByTime(LEFT_MS - 1);
    expect([leaving.gone.aborted, leaving.stopped.aborted]).toEqual([true, false]);
    vi.advanceTimersByTime(1);
    expect(leaving.stopped.aborted).toBe(true);
    vi.advanceTimersByTime(STOP_MS - 1);
    expect(over).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    leaving.finish();
    expect(over).toHaveBeenCalledOnce();
  });

  it('whoever is expelled is told to stop first, and the time does not begin anew', () => {
    const over = vi.fn();
    const leaving = new Leaving(over);
    leaving.stop('expelled');
    expect([leaving.gone.aborted, leaving.stopped.aborted]).toEqual([false, true]);
    vi.advanceTimersByTime(STOP_MS - 1);
    leaving.left(true);
    leaving.stop('again');
    vi.advanceTimersByTime(1);
    expect(over).toHaveBeenCalledOnce();
  });

  it('what ends as it hears of the end leaves no timer', () => {
    const leaving = new Leaving(() => {});
    leaving.gone.addEventListener('abort', () => leaving.finish());
    leaving.left(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
