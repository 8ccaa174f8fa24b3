import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Client, ClientChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { descriptors } from '../../src/files/descriptors.ts';
import type { Directory } from '../../src/files/file-system.ts';
import { LayerDirectory } from '../../src/files/layer.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import { tempDirectory } from '../support/temp.ts';
import { exec, login, run, startTestServer } from './support.ts';

const MIB = 1024 * 1024;

function socketOf(client: Client): Socket {
  return (client as unknown as { _sock: Socket })._sock;
}

/** Writes and waits for the reply of one byte. */
async function say(channel: ClientChannel, bytes: string | Buffer): Promise<number> {
  const answer = once(channel, 'data') as Promise<[Buffer]>;
  channel.write(bytes);
  return (await answer)[0][0] ?? -1;
}

/** Begins an upload and sends a part of it. */
async function halfAnUpload(client: Client, name: string, size: number): Promise<ClientChannel> {
  const channel = await exec(client, 'scp -t .');
  await once(channel, 'data');
  expect(await say(channel, `C0644 ${size} ${name}\n`)).toBe(0);
  channel.write(randomBytes(Math.floor(size / 2)));
  return channel;
}

describe('an upload', () => {
  it('lands with its bytes, and the command ends with status 0', async () => {
    const { port, root, event } = await startTestServer();
    const content = randomBytes(3 * MIB + 1);
    const client = await login(port);
    const { code, stdout } = await run(
      client,
      'scp -t f',
      Buffer.concat([Buffer.from(`C0640 ${content.length} x\n`), content, Buffer.of(0)]),
    );
    expect([code, stdout]).toEqual([0, Buffer.alloc(3)]);
    expect(content.equals(await readFile(join(root, 'f')))).toBe(true);
    expect((await stat(join(root, 'f'))).mode & 0o777).toBe(0o640);
    expect(await event('transfer-ended')).toMatchObject({
      direction: 'received',
      files: 1,
      bytes: content.length,
      status: 0,
    });
  });

  it.each<[string, (client: Client, channel: ClientChannel) => void]>([
    ['the connection is reset', (client) => socketOf(client).resetAndDestroy()],
    ['the connection is closed', (client) => client.end()],
    ['the channel is closed', (_, channel) => channel.close()],
    ['the input ends', (_, channel) => channel.end()],
  ])('that breaks off in the middle leaves the old content whole and nothing else: %s', async (_, breakOff) => {
    const { port, root, event } = await startTestServer();
    await writeFile(join(root, 'f'), 'old');
    const client = await login(port);
    const channel = await halfAnUpload(client, 'f', 4 * MIB);
    await expect.poll(async () => (await readdir(root)).length).toBe(2);
    breakOff(client, channel);
    const { landed } = await event('file-moved');
    expect(landed).toBe(false);
    await event('transfer-ended');
    expect(await readdir(root)).toEqual(['f']);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('old');
  });

  it('that is complete lands even where the client leaves without waiting for the answer', async () => {
    const { port, root, event } = await startTestServer();
    const client = await login(port);
    const channel = await exec(client, 'scp -t .');
    channel.write('C0644 5 f\nhello\0');
    channel.close();
    await event('transfer-ended');
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('hello');
  });

  it('replaces what a link points to and leaves the link, inside the root', async () => {
    const { port, root } = await startTestServer();
    await mkdir(join(root, 'd'));
    await writeFile(join(root, 'd', 'real'), 'old');
    await symlink('/d/real', join(root, 'link'));
    const client = await login(port);
    expect(await run(client, 'scp -t link', 'C0644 3 x\nnew\0')).toMatchObject({ code: 0 });
    expect(await readFile(join(root, 'd', 'real'), 'utf8')).toBe('new');
    expect(await readdir(join(root, 'd'))).toEqual(['real']);
  });

  it('cannot set the set-user-ID bit', async () => {
    const { port, root } = await startTestServer();
    expect(await run(await login(port), 'scp -p -t f', 'C4755 1 f\nx\0')).toMatchObject({ code: 0 });
    expect((await stat(join(root, 'f'))).mode & 0o7777).toBe(0o755);
  });

  it.each(["scp -r -t ''", "scp -r -f ''"])(
    'or download of nothing named is not one of the whole folder (%s)',
    async (command) => {
      const { port, root } = await startTestServer();
      await writeFile(join(root, 'f'), 'private');
      const { code, stdout } = await run(await login(port), command, Buffer.alloc(3));
      expect(stdout.toString('latin1')).toBe("\x01scp: '': No such file or directory\n");
      expect(code).toBe(1);
    },
  );

  it('to more than one name that a pattern stands for is refused', async () => {
    const { port, root } = await startTestServer();
    for (const name of ['d1', 'd2']) await mkdir(join(root, name));
    const client = await login(port);
    const refused = await run(client, 'scp -t d*', '');
    expect([refused.code, refused.stdout.toString()]).toEqual([1, '\u0001scp: d*: ambiguous target\n']);
    expect(await run(client, 'scp -t d?1', '')).toMatchObject({ code: 0 });
  });
});

describe('a download', () => {
  it('holds back while the client does not read, however large its window is', async () => {
    const { port, root, server, event } = await startTestServer();
    await writeFile(join(root, 'big'), Buffer.alloc(96 * MIB));
    const client = await login(port);
    const channel = await exec(client, 'scp -f big');
    const { outgoing } = channel as unknown as { outgoing: { id: number } };
    (
      client as unknown as { _protocol: { channelWindowAdjust(id: number, bytes: number): void } }
    )._protocol.channelWindowAdjust(outgoing.id, 0x7000_0000);
    await event('transfer-started');
    await new Promise((resolve) => setImmediate(resolve));
    socketOf(client).pause();
    const before = process.memoryUsage.rss();
    channel.write('\0\0');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(process.memoryUsage.rss() - before).toBeLessThan(48 * MIB);
    expect(server.connections).toBe(1);
    let received = 0;
    channel.on('data', (data: Buffer) => {
      received += data.length;
    });
    socketOf(client).resume();
    await expect.poll(() => received, { timeout: 20_000 }).toBeGreaterThan(96 * MIB);
    channel.end('\0');
    await once(channel, 'close');
  }, 60_000);

  it('ends at once when the client goes away', async () => {
    const { port, root, event } = await startTestServer();
    await writeFile(join(root, 'big'), Buffer.alloc(64 * MIB));
    const client = await login(port);
    const channel = await exec(client, 'scp -f big');
    channel.write('\0\0');
    await event('transfer-started');
    socketOf(client).resetAndDestroy();
    expect(await event('transfer-ended')).toMatchObject({ status: undefined });
    await event('connection-closed');
  });
});

describe('new keys', () => {
  it.each(['up', 'down'])(
    'are made while bytes move %s, and none is lost',
    async (direction) => {
      const { port, root } = await startTestServer({ limits: { rekeyBytes: MIB } });
      const content = randomBytes(12 * MIB);
      const client = await login(port);
      let rekeys = 0;
      client.on('handshake', () => rekeys++);
      if (direction === 'up') {
        const { code } = await run(
          client,
          'scp -t f',
          Buffer.concat([Buffer.from(`C0644 ${content.length} f\n`), content, Buffer.of(0)]),
        );
        expect(code).toBe(0);
        expect(content.equals(await readFile(join(root, 'f')))).toBe(true);
      } else {
        await writeFile(join(root, 'f'), content);
        const { code, stdout } = await run(client, 'scp -f f', '\0\0\0');
        expect(code).toBe(0);
        expect(stdout.subarray(stdout.indexOf('\n') + 1, -1).equals(content)).toBe(true);
      }
      expect(rekeys).toBeGreaterThan(3);
    },
    60_000,
  );

  it('are made after a time, and a client that does not take part is cut off', async () => {
    const { port, events } = await startTestServer({ limits: { rekeyMs: 300, loginTimeoutMs: 5000 } });
    const good = await login(port);
    await new Promise<void>((resolve) => good.once('handshake', () => resolve()));
    good.end();
    const bad = await login(port);
    socketOf(bad).pause();
    await expect
      .poll(
        () =>
          events.some((one) => one.type === 'connection-closed' && one.reason === 'does not finish the key exchange'),
        { timeout: 30_000 },
      )
      .toBe(true);
  }, 60_000);
});

describe('time', () => {
  it('the idle limit does not end a transfer that is slow', async () => {
    const { port, root } = await startTestServer({ limits: { idleTimeoutMs: 200 } });
    const client = await login(port);
    const channel = await exec(client, 'scp -t .');
    await once(channel, 'data');
    expect(await say(channel, 'C0644 8 f\n')).toBe(0);
    for (let i = 0; i < 8; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      channel.write('x');
    }
    expect(await say(channel, '\0')).toBe(0);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('xxxxxxxx');
    channel.end();
    await new Promise<void>((resolve) => client.once('close', () => resolve()));
  });

  it('a server that stops lets transfers finish, and ends idle clients', async () => {
    const { port, root, server } = await startTestServer();
    const idle = await login(port);
    const idleClosed = new Promise<void>((resolve) => idle.once('close', () => resolve()));
    const client = await login(port);
    const channel = await exec(client, 'scp -t .');
    await once(channel, 'data');
    expect(await say(channel, 'C0644 4 f\n')).toBe(0);
    const stopped = server.close({ graceMs: 10_000 });
    await idleClosed;
    channel.write('data');
    expect(await say(channel, '\0')).toBe(0);
    channel.end();
    await stopped;
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('data');
  });

  it('a server that stops cuts transfers off after the grace time and leaves no half file', async () => {
    const { port, root, server, events } = await startTestServer();
    await halfAnUpload(await login(port), 'f', MIB);
    await server.close({ graceMs: 100 });
    expect(await readdir(root)).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'connection-closed', reason: 'the server is stopping' });
    expect(events.find((one) => one.type === 'transfer-ended')).toMatchObject({ status: undefined });
  });

  it('closing twice is closing once', async () => {
    const { server } = await startTestServer();
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });
});

describe('a folder that is fetched', () => {
  /** Writes down how names are asked for. */
  class Watched extends LayerDirectory {
    static gradual: boolean[] = [];

    constructor(inner: Directory) {
      super(inner, Watched);
    }

    protected override over(inner: Directory): Directory {
      return new Watched(inner);
    }

    override names(options?: { readonly gradual?: boolean }): AsyncIterable<string> {
      Watched.gradual.push(options?.gradual === true);
      return super.names(options);
    }
  }

  async function started(): Promise<{ port: number; before: number }> {
    Watched.gradual = [];
    const root = await tempDirectory('large');
    await mkdir(join(root, 'd', 'e'), { recursive: true });
    for (const name of ['a', 'b', 'c', 'e/f']) await writeFile(join(root, 'd', name), 'content');
    const below = rootedFileSystem(root);
    const directory = async (path: string): Promise<Directory> => new Watched(await below.directory(path));
    const { port } = await startTestServer({ fileSystemFor: () => ({ ...below, directory }) });
    return { port, before: descriptors.held };
  }

  it('is read bit by bit: all the names of a large one would take much memory', async () => {
    const { port, before } = await started();
    const { code, stdout } = await run(await login(port), 'scp -r -f /d', '\0'.repeat(30));
    expect(code).toBe(0);
    for (const name of ['a', 'b', 'c', 'f']) expect(stdout.toString()).toContain(`C0644 7 ${name}\n`);
    expect(Watched.gradual).toEqual([true, true]);
    await expect.poll(() => descriptors.held).toBe(before);
  });

  it('and refused is let go of', async () => {
    const { port, before } = await started();
    const client = await login(port);
    expect(await run(client, 'scp -r -f /d', '\0\x01no folders\n')).toMatchObject({ code: 1 });
    expect(Watched.gradual).toEqual([true]);
    await expect.poll(() => descriptors.held).toBe(before);
  });
});
