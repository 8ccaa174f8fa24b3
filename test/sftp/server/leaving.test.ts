import { describe, expect, it } from 'vitest';
import type { ServerSessionOptions } from '../../../src/sftp/server/session.ts';
import { settle } from '../scripted-peer.ts';
import { openScripted, type ScriptedClient, str, u32, u64 } from './scripted-client.ts';

/** READ, WRITE, CREAT. */
const UPLOAD = 1 | 2 | 8;

/** When what was sent has come as far as it may: nobody takes answers any more, and nothing more comes. */
async function leave(client: ScriptedClient): Promise<void> {
  await settle();
  client.wire.right.output.destroy(new Error('gone'));
  client.end();
}

/** A session whose calls that match wait. */
async function held(matches: RegExp, options: ServerSessionOptions = {}): Promise<ScriptedClient> {
  const client = await openScripted(options);
  client.files.contents.set('/from', Buffer.alloc(1_000_000, 'x'));
  client.files.hold(matches);
  return client;
}

/** What was called when what is held goes on, until the session is over. */
async function callsUntilEnd(client: ScriptedClient): Promise<string[]> {
  await settle();
  const before = client.files.calls.length;
  client.files.letGo();
  expect(await client.served).toBeUndefined();
  expect(client.files.ended).toBe(true);
  return client.files.calls.slice(before).filter((call) => !call.startsWith('{'));
}

describe('once the client has left', () => {
  it.each<[string, number, Buffer[]]>([
    ['OPEN for reading', 3, [str('/f'), u32(1), u32(0)]],
    ['OPEN for writing', 3, [str('/f'), u32(2 | 8), u32(0)]],
    ['LSTAT', 7, [str('/f')]],
    ['SETSTAT', 9, [str('/f'), u32(4), u32(0o600)]],
    ['OPENDIR', 11, [str('/d')]],
    ['REMOVE', 13, [str('/f')]],
    ['MKDIR', 14, [str('/d'), u32(0)]],
    ['RMDIR', 15, [str('/d')]],
    ['REALPATH', 16, [str('/f')]],
    ['STAT', 17, [str('/f')]],
    ['RENAME', 18, [str('/a'), str('/b')]],
    ['READLINK', 19, [str('/f')]],
    ['SYMLINK', 20, [str('/a'), str('/b')]],
    ['posix-rename', 200, [str('posix-rename@openssh.com'), str('/a'), str('/b')]],
    ['hardlink', 200, [str('hardlink@openssh.com'), str('/a'), str('/b')]],
    ['statvfs', 200, [str('statvfs@openssh.com'), str('/')]],
    ['lsetstat', 200, [str('lsetstat@openssh.com'), str('/f'), u32(4), u32(0o600)]],
    ['check-file-name', 200, [str('check-file-name'), str('/from'), str('md5'), u64(0), u64(0), u32(0)]],
  ])('%s that waits for its turn is dropped', async (_name, type, fields) => {
    const client = await held(/held/);
    client.send(14, str('/held'), u32(0));
    client.send(type, ...fields);
    await leave(client);
    expect(client.files.calls).toEqual(['mkdir /held undefined']);
    expect(await callsUntilEnd(client)).toEqual([]);
  });

  it.each<[string, (handle: Buffer) => [number, Buffer[]]]>([
    ['READ', (handle) => [5, [handle, u64(0), u32(10)]]],
    ['FSTAT', (handle) => [8, [handle]]],
    ['fstatvfs', (handle) => [200, [str('fstatvfs@openssh.com'), handle]]],
    ['check-file', (handle) => [200, [str('check-file-handle'), handle, str('md5'), u64(0), u64(0), u32(0)]]],
  ])('%s behind a WRITE is dropped, and the CLOSE behind it is done', async (_name, request) => {
    const client = await openScripted();
    const handle = await client.handle('/f', UPLOAD);
    client.files.hold(/^write/);
    client.send(6, handle, u64(0), str('x'));
    const [type, fields] = request(handle);
    client.send(type, ...fields);
    client.send(4, handle);
    await leave(client);
    expect(await callsUntilEnd(client)).toEqual(['close /f']);
  });

  it('READDIR that waits is dropped', async () => {
    const client = await held(/^readdir/);
    const { body: handle } = await client.answer(client.send(11, str('/d')));
    client.send(12, handle);
    client.send(12, handle);
    client.send(4, handle);
    await leave(client);
    expect(await callsUntilEnd(client)).toEqual(['closedir /d']);
  });

  it('what completes an upload that is open goes on, in order', async () => {
    const client = await openScripted();
    const handle = await client.handle('/f', UPLOAD);
    client.files.hold(/^write \/f 0/);
    client.send(6, handle, u64(0), str('one'));
    client.send(14, str('/d'), u32(0));
    client.send(6, handle, u64(100), str('two'));
    client.send(10, handle, u32(1), u64(50));
    client.extended('fsync@openssh.com', handle);
    client.send(4, handle);
    client.send(18, str('/f'), str('/g'));
    await leave(client);
    expect(await callsUntilEnd(client)).toEqual(['write /f 100 3', 'fsetstat /f 50', 'fsync /f', 'close /f']);
  });

  it('so does what has not begun because so much is under way, and thousands of other requests are not done', async () => {
    const client = await openScripted();
    const handle = await client.handle('/f', UPLOAD);
    client.files.hold(/^write/);
    for (let index = 0; index < 300; index++) client.send(6, handle, u64(index * 100), str('x'));
    for (let index = 0; index < 20_000; index++) client.send(14, str(`/d${index}`), u32(0));
    client.send(4, handle);
    await leave(client);
    const calls = await callsUntilEnd(client);
    expect(calls.filter((call) => call.startsWith('write'))).toHaveLength(299);
    expect(calls.filter((call) => call.startsWith('mkdir'))).toEqual([]);
    expect(calls.at(-1)).toBe('close /f');
  });

  it('a copy within the server is given up, and what it was to fill does not land', async () => {
    const client = await held(/^write/);
    const from = await client.handle('/from');
    const to = await client.handle('/to', UPLOAD);
    client.extended('copy-data', from, u64(0), u64(0), to, u64(0));
    client.send(4, to);
    await leave(client);
    expect(await callsUntilEnd(client)).toEqual([]);
    expect(client.files.openCount).toBe(2);
  });

  it('neither does what a copy was to fill that had not begun', async () => {
    const client = await openScripted();
    const from = await client.handle('/from');
    const to = await client.handle('/to', UPLOAD);
    client.files.hold(/^write/);
    client.send(6, to, u64(0), str('x'));
    client.extended('copy-data', from, u64(0), u64(0), to, u64(1));
    client.send(4, to);
    await leave(client);
    expect(await callsUntilEnd(client)).toEqual([]);
  });

  it('whoever knows of it without a stream that ends can say so', async () => {
    const gone = new AbortController();
    const client = await openScripted({ gone: gone.signal });
    const handle = await client.handle('/f', UPLOAD);
    client.files.hold(/^write|held/);
    client.send(14, str('/held'), u32(0));
    client.send(14, str('/d'), u32(0));
    client.send(6, handle, u64(0), str('x'));
    client.send(4, handle);
    await settle();
    gone.abort();
    expect(await callsUntilEnd(client)).toEqual(['close /f']);
  });
});

describe('when everything is to stop', () => {
  it('nothing is begun any more, not even what completes an upload', async () => {
    const stop = new AbortController();
    const client = await openScripted({ signal: stop.signal });
    const handle = await client.handle('/f', UPLOAD);
    client.files.hold(/^write/);
    client.send(6, handle, u64(0), str('one'));
    client.send(6, handle, u64(100), str('two'));
    for (let index = 0; index < 1000; index++) client.send(4, handle);
    await settle();
    stop.abort();
    expect(await callsUntilEnd(client)).toEqual([]);
  });

  it('a session that has nothing to do ends, though its client has not left', async () => {
    const stop = new AbortController();
    const client = await openScripted({ signal: stop.signal });
    stop.abort();
    expect(await client.served).toBeUndefined();
    expect(client.files.ended).toBe(true);
  });
});
