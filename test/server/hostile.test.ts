import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import ssh2, { type Client } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeKeyPair } from '../support/key-pair.ts';
import { closedByServer, exec, login, PASSWORD, rawConnect, run, startTestServer } from './support.ts';

const IDENT = 'SSH-2.0-hostile\r\n';

interface Raw {
  readonly _sock: Socket;
  readonly _protocol: Record<string, (...args: unknown[]) => void> & {
    _cipher: { encrypt(packet: Buffer): void; allocPacket(length: number): Buffer };
    _authsQueue: string[];
  };
}

const raw = (client: Client): Raw => client as unknown as Raw;

/** Sends one message as it stands. */
function sendPayload(client: Client, payload: Buffer): void {
  const { _cipher } = raw(client)._protocol;
  const packet = _cipher.allocPacket(payload.length);
  payload.copy(packet, 5);
  _cipher.encrypt(packet);
}

/** The server still does its work. */
async function expectAlive(port: number): Promise<void> {
  const client = await login(port);
  expect(await run(client, 'scp -t .')).toMatchObject({ code: 0 });
  client.end();
}

describe('before the login', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['that says nothing', () => {}],
    ['that stops in the middle of its identification', (socket) => socket.write('SSH-2.0-ha')],
    ['that stops after its identification', (socket) => socket.write(IDENT)],
    [
      'that announces a packet and sends no more',
      (socket) => socket.write(Buffer.concat([Buffer.from(IDENT), Buffer.of(0, 0, 4, 4, 4, 20)])),
    ],
    ['that sends its identification one byte at a time and never its end', (socket) => dribble(socket, 'SSH-2.0-')],
  ])('a client %s is sent away after the login time', async (_, act) => {
    const { port, event } = await startTestServer({ limits: { loginTimeoutMs: 300 } });
    const socket = await rawConnect(port);
    act(socket);
    await closedByServer(socket);
    expect(await event('connection-closed')).toMatchObject({ reason: 'login took too long' });
    await expectAliveWith(port);
  });

  it.each<[string, Buffer]>([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['an identification without end', Buffer.alloc(100_000, 0x53)],
    ['noise', randomBytes(65_536)],
    ['an old version', Buffer.from('SSH-1.5-x\r\n')],
    ['an empty line', Buffer.from('\r\n')],
    ['a packet of 4 GiB', Buffer.concat([Buffer.from(IDENT), Buffer.of(0xff, 0xff, 0xff, 0xff), Buffer.alloc(64)])],
    ['a packet of nothing', Buffer.concat([Buffer.from(IDENT), Buffer.alloc(64)])],
    ['noise after the identification', Buffer.concat([Buffer.from(IDENT), randomBytes(65_536)])],
  ])('a client that sends %s is sent away at once', async (_, bytes) => {
    const { port } = await startTestServer({ limits: { loginTimeoutMs: 60_000 } });
    const socket = await rawConnect(port);
    socket.write(bytes);
    await closedByServer(socket);
    await expectAlive(port);
  });

  it('no sequence of bytes does harm', async () => {
    const { port, server } = await startTestServer();
    const start = fc.constantFrom(Buffer.alloc(0), Buffer.from(IDENT), Buffer.from('SSH-2.0-x\n'));
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 2000 }), async (head, tail) => {
        const socket = await rawConnect(port);
        socket.end(Buffer.concat([head, tail]));
        await closedByServer(socket);
      }),
      { numRuns: 300 },
    );
    await expectAlive(port);
    expect(server.connections).toBeLessThanOrEqual(1);
  });

  it('a client that resets its connection does no harm', async () => {
    const { port } = await startTestServer();
    for (const bytes of ['', 'SSH-2.0', IDENT]) {
      const socket = await rawConnect(port);
      socket.write(bytes);
      socket.resetAndDestroy();
    }
    await expectAlive(port);
  });

  it('silent connections never keep anybody out', async () => {
    const limits = { unauthenticated: 30, unauthenticatedPerSource: 20, loginTimeoutMs: 60_000 };
    const { port, server, events } = await startTestServer({ limits });
    const silent = await Promise.all(Array.from({ length: 100 }, () => rawConnect(port)));
    const start = performance.now();
    await expectAlive(port);
    // Some 100 ms on an idle machine; the login time would be 60 s.
    expect(performance.now() - start).toBeLessThan(5000);
    expect(server.connections).toBeLessThanOrEqual(21);
    expect(
      events.some((one) => one.type === 'connection-closed' && one.reason?.startsWith('too many connections') === true),
    ).toBe(true);
    for (const socket of silent) socket.destroy();
  });

  it('connections are limited in all', async () => {
    const { port, event } = await startTestServer({ limits: { connections: 2 } });
    const clients = [await login(port), await login(port)];
    const socket = await rawConnect(port);
    await closedByServer(socket);
    expect(await event('connection-refused')).toMatchObject({ reason: '2 connections are open' });
    const closed = once(clients[0]!, 'close');
    clients[0]!.end();
    await closed;
    await expect
      .poll(
        async () =>
          await login(port).then(
            () => true,
            () => false,
          ),
      )
      .toBe(true);
  });

  it('requests of the login out of order do no harm', async () => {
    const { port } = await startTestServer({ loginGuard: { penalties: false } });
    for (let i = 0; i < 10; i++) {
      const client = new ssh2.Client();
      onTestFinished(() => void client.end());
      client.on('error', () => {});
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      await new Promise<void>((resolve) => {
        client.connect({ host: '127.0.0.1', port, username: 'alice', authHandler: () => resolve() });
      });
      const { _protocol } = raw(client);
      const key = ssh2.utils.parseKey(makeKeyPair().private);
      for (let j = 0; j < 9; j++) {
        const kind = (i + j) % 4;
        if (kind === 0) _protocol['authPassword']?.('alice', 'wrong');
        else if (kind === 1) _protocol['authKeyboard']?.('alice');
        else if (kind === 2) _protocol['authPK']?.('alice', key);
        else _protocol['authNone']?.('alice');
      }
      if (i % 2 === 0) raw(client)._sock.resetAndDestroy();
      else await closed;
    }
    await expectAlive(port);
  });
});

function dribble(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(text[at] ?? 'x');
    at++;
  }, 20);
}

/** As expectAlive, for a server with a short login time. */
async function expectAliveWith(port: number): Promise<void> {
  const socket = await rawConnect(port);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  expect(greeting.toString()).toMatch(/^SSH-2\.0-/);
}

describe('after the login', () => {
  it('a client that never reads the answers it asks for is cut off', async () => {
    const { port, event } = await startTestServer({ limits: { queuedBytes: 256 * 1024 } });
    const client = await login(port);
    raw(client)._sock.pause();
    const closed = event('connection-closed');
    const timer = setInterval(() => {
      for (let i = 0; i < 5000 && !raw(client)._sock.destroyed; i++) raw(client)._protocol['ping']?.();
    }, 5);
    onTestFinished(() => clearInterval(timer));
    expect(await closed).toMatchObject({ reason: 'does not read what it asks for' });
    clearInterval(timer);
    await expectAlive(port);
  }, 180_000);

  it('a client that asks for empty packets is cut off instead of keeping the server busy for ever', async () => {
    const { port, event } = await startTestServer();
    for (const size of [0, 1, 100]) {
      const client = await login(port);
      const open = Buffer.alloc(24);
      open[0] = 90;
      open.writeUInt32BE(7, 1);
      open.write('session', 5);
      open.writeUInt32BE(0, 12);
      open.writeUInt32BE(0x7fffffff, 16);
      open.writeUInt32BE(size, 20);
      sendPayload(client, open);
      raw(client)._protocol['exec']?.(0, 'scp -f x', true);
      await once(client, 'close');
    }
    expect(await event('connection-closed')).toMatchObject({ reason: expect.stringMatching(/packets of less than/) });
    await expectAlive(port);
  });

  it('a client that ignores the window is cut off', async () => {
    const { port, root, event } = await startTestServer();
    await writeFile(join(root, 'big'), Buffer.alloc(16 * 1024 * 1024));
    const client = await login(port);
    // The client asks for a file and takes only what its window holds, so that nobody reads what it sends meanwhile.
    const channel = await exec(client, 'scp -f big');
    channel.write('\0\0');
    await event('transfer-started');
    const { id } = (channel as unknown as { outgoing: { id: number } }).outgoing;
    const closed = event('connection-closed');
    const data = Buffer.alloc(32_000);
    const timer = setInterval(() => {
      for (let i = 0; i < 40 && !raw(client)._sock.destroyed; i++) raw(client)._protocol['channelData']?.(id, data);
    }, 5);
    onTestFinished(() => clearInterval(timer));
    expect(await closed).toMatchObject({ reason: 'ignores the window' });
    clearInterval(timer);
    await expectAlive(port);
  }, 30_000);

  it('messages that make no sense end the connection at most', async () => {
    const { port } = await startTestServer();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 110 }), fc.uint8Array({ maxLength: 100 }), async (type, body) => {
        const client = await login(port);
        sendPayload(client, Buffer.concat([Buffer.of(type), body]));
        if (type % 3 === 0) await exec(client, 'scp -t .').catch(() => {});
        client.end();
        raw(client)._sock.destroy();
      }),
      { numRuns: 60 },
    );
    await expectAlive(port);
  }, 60_000);

  it('a login that nobody uses ends after the idle time', async () => {
    const { port, event } = await startTestServer({ limits: { idleTimeoutMs: 300 } });
    const client = await login(port);
    await once(client, 'close');
    expect(await event('connection-closed')).toMatchObject({ reason: 'idle' });
  });

  it('one client that misbehaves does not disturb another', async () => {
    const { port } = await startTestServer();
    const good = await login(port);
    const bad = await login(port, { password: PASSWORD });
    raw(bad)._sock.write(randomBytes(4096));
    await once(bad, 'close');
    expect(await run(good, 'scp -t .')).toMatchObject({ code: 0 });
  });
});
