import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Client, ClientChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { SftpSession } from '../../../src/sftp/session.ts';
import { login, run, sftpChannel, startTestServer } from '../support.ts';

const WRITE_NEW = 2 | 8 | 16;

async function openSftp(client: Client): Promise<{ channel: ClientChannel; sftp: SftpSession }> {
  const channel = await sftpChannel(client);
  return { channel, sftp: await SftpSession.open({ input: channel, output: channel }, { host: 'server' }) };
}

describe('the subsystem sftp', () => {
  it('serves, reports one start and one end for each file, and ends with status 0', async () => {
    const { port, root, events, event } = await startTestServer();
    const { channel, sftp } = await openSftp(await login(port));
    const handle = await sftp.open('/f', WRITE_NEW);
    await sftp.write(handle, 0, [Buffer.from('content')]);
    await sftp.closeHandle(handle);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('content');
    await sftp.mkdir('/d');
    const exit = once(channel, 'exit');
    sftp.close();
    expect(await exit).toEqual([0]);
    expect(await event('transfer-ended')).toMatchObject({
      direction: 'received',
      path: '/f',
      files: 1,
      bytes: 7,
      status: 0,
      sha256: 'ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73',
      connection: { user: 'alice' },
    });
    expect(events.filter(({ type }) => type.startsWith('transfer-'))).toHaveLength(2);
    expect(await event('entry-changed')).toMatchObject({ operation: 'mkdir', path: '/d' });
  });

  it('keeps what a lost connection has brought of a new file, and lands what was closed', async () => {
    const { port, root, event } = await startTestServer();
    const client = await login(port);
    const { sftp } = await openSftp(client);
    const [whole, half] = [await sftp.open('/whole', WRITE_NEW), await sftp.open('/half', WRITE_NEW)];
    await sftp.write(half, 0, [Buffer.from('half')]);
    await sftp.write(whole, 0, [Buffer.from('whole')]);
    await sftp.closeHandle(whole);
    (client as unknown as { _sock: Socket })._sock.destroy();
    await event('connection-closed');
    expect(await readFile(join(root, 'whole'), 'utf8')).toBe('whole');
    expect((await readdir(root)).filter((name) => name !== 'whole')).toEqual([
      expect.stringMatching(/^\.half\..*\.sealift-partial$/),
    ]);
    const again = await openSftp(await login(port));
    expect(await again.sftp.stat('/half')).toMatchObject({ size: 4 });
    // By the other protocol it cannot be reached.
    const { stdout } = await run(await login(port), "scp -f '*' '.*'", '\0'.repeat(20));
    expect(stdout.toString()).not.toContain('half');
    const [kept = ''] = (await readdir(root)).filter((name) => name !== 'whole');
    for (const command of [`scp -f ${kept}`, `scp -t ${kept}`])
      expect(await run(await login(port), command, '\0C0644 1 x\nx\0\0')).toMatchObject({ code: 1 });
    for (const name of [kept, kept.replace('half', 'other'), 'x.sealift-upload'])
      for (const record of [`D0755 0 ${name}\n`, `C0644 1 ${name}\nx\0`]) {
        const outcome = await run(await login(port), 'scp -r -t .', record);
        expect(outcome.code).toBe(1);
        expect(outcome.stdout.toString()).toContain('Permission denied');
      }
    expect((await readdir(root)).sort()).toEqual([kept, 'whole']);
    expect((await again.sftp.stat('/half')).size).toBe(4);
  });

  it('opens no more files than transfers are allowed, however many are asked for at once, and touches none of the others', async () => {
    const { server, port, root, event } = await startTestServer({ limits: { transfersPerUser: 2 } });
    await writeFile(join(root, 'old'), 'old content');
    const { sftp } = await openSftp(await login(port));
    const tooMany = '2 transfers of this user are under way, more are not allowed';
    const asked = ['/a', '/b', '/old', '/c'].map((path) => sftp.open(path, WRITE_NEW));
    const [a, b, ...refused] = await Promise.allSettled(asked);
    expect([a?.status, b?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(refused).toMatchObject([
      { reason: { message: `/old: ${tooMany}` } },
      { reason: { message: `/c: ${tooMany}` } },
    ]);
    await expect(sftp.open('/old', 1)).rejects.toThrow(tooMany);
    expect(await event('request-refused')).toMatchObject({ request: `sftp: ${tooMany}` });
    expect(await readFile(join(root, 'old'), 'utf8')).toBe('old content');
    for (const opened of await Promise.all(asked.slice(0, 2))) await sftp.closeHandle(opened);
    expect((await readdir(root)).sort()).toEqual(['a', 'b', 'old']);
    // What cannot be opened takes no place.
    for (const path of ['/none', '/none', '/none']) await expect(sftp.open(path, 1)).rejects.toThrow('No such file');
    await sftp.open('/old', 1);
    expect(server.transfers()).toMatchObject([{ direction: 'sent', file: '/old', fileSize: 11 }]);
  });

  it('ends at a broken rule, and says why in the log', async () => {
    const { port, event } = await startTestServer();
    const channel = await sftpChannel(await login(port));
    const exit = once(channel, 'exit');
    channel.resume();
    channel.write(Buffer.from([0, 0, 0, 5, 42, 0, 0, 0, 1]));
    expect(await exit).toEqual([1]);
    expect(await event('entry-failed')).toMatchObject({
      reason: 'sftp: protocol error: packet type 42 came where INIT should be',
    });
  });

  it('counts as idle without an open file, and not with one', async () => {
    const { port, event, events } = await startTestServer({ limits: { idleTimeoutMs: 400 } });
    const { sftp } = await openSftp(await login(port));
    const handle = await sftp.open('/f', WRITE_NEW);
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(events.some(({ type }) => type === 'connection-closed')).toBe(false);
    await sftp.closeHandle(handle);
    expect(await event('connection-closed')).toMatchObject({ reason: 'idle' });
  });

  it('has the time to finish when the server stops', async () => {
    const { port, root, server } = await startTestServer();
    const { sftp } = await openSftp(await login(port));
    const idle = await openSftp(await login(port));
    const handle = await sftp.open('/f', WRITE_NEW);
    const closed = server.close({ graceMs: 20_000 });
    await sftp.write(handle, 0, [Buffer.from('content')]);
    await sftp.closeHandle(handle);
    await closed;
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('content');
    await expect(idle.sftp.stat('/f')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  });

  it('has no more in memory for a client that does not read than the bounds say', async () => {
    const { port, root, server } = await startTestServer();
    await writeFile(join(root, 'big'), Buffer.alloc(64 * 1024 * 1024));
    const client = await login(port);
    const channel = await sftpChannel(client);
    channel.pause();
    const framed = (...parts: Buffer[]): Buffer => {
      const body = Buffer.concat(parts);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length);
      return Buffer.concat([length, body]);
    };
    const u32 = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    channel.write(framed(Buffer.of(1), u32(3)));
    channel.write(framed(Buffer.of(3), u32(1), u32(4), Buffer.from('/big'), u32(1), u32(0)));
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 2; id < 400; id++)
      channel.write(framed(Buffer.of(5), u32(id), u32(4), u32(0), u32(0), u32((id % 256) * 262_144), u32(262_144)));
    await new Promise((resolve) => setTimeout(resolve, 500));
    // Client and server are in this process; 100 MiB were asked for.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * 1024 * 1024);
    expect(server.connections).toBe(1);
  });
});
