import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { startDelayProxy } from '../../bench/proxy/delay-proxy.mjs';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(handle: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    handle(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function proxyTo(targetPort: number, options: object = {}) {
  const proxy = await startDelayProxy({ targetPort, ...options });
  cleanups.push(() => proxy.stop());
  return proxy;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

describe('the delay proxy', () => {
  it('brings what was sent before one side closed, and the answer to it', async () => {
    const port = await serve((socket) => {
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
    const proxy = await proxyTo(port, { roundTripMs: 4 });
    const socket = await dial(proxy.port);
    socket.end('hello');
    expect(await text(socket)).toBe('heard hello');
    expect(proxy.stats).toMatchObject({ connections: 1, cuts: 0, bytesUp: 5, bytesDown: 11 });
  });

  it('keeps several connections apart, and every byte of them', async () => {
    const port = await serve((socket) => void socket.pipe(socket));
    const proxy = await proxyTo(port, { roundTripMs: 2, bytesPerSecond: 1e9 });
    const answers = await Promise.all(
      ['a', 'b', 'c'].map(async (letter) => {
        const socket = await dial(proxy.port);
        socket.end(Buffer.alloc(300_000, letter));
        return await text(socket);
      }),
    );
    expect(answers.map((answer) => [answer[0], answer.length, new Set(answer).size])).toEqual([
      ['a', 300_000, 1],
      ['b', 300_000, 1],
      ['c', 300_000, 1],
    ]);
  });

  it('cuts a connection where it was told to, on both sides', async () => {
    const seen: Promise<string>[] = [];
    const port = await serve((socket) => {
      socket.resume();
      seen.push(new Promise((resolve) => socket.once('close', () => resolve('closed'))));
    });
    const proxy = await proxyTo(port, { cut: { chance: 1, within: 1000, seed: 3 } });
    const socket = await dial(proxy.port);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.write(Buffer.alloc(1000));
    await closed;
    expect(await Promise.all(seen)).toEqual(['closed']);
    expect(proxy.stats.cuts).toBe(1);
  });

  it('tells one side that the other has reset its connection', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const proxy = await proxyTo(port, { roundTripMs: 2 });
    const socket = await dial(proxy.port);
    const failed = once(socket, 'error');
    socket.write('x');
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('resets a connection to a server that is not there', async () => {
    const proxy = await proxyTo(1);
    const socket = connect({ port: proxy.port, host: '127.0.0.1' });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('lets a sender wait for a receiver that does not read', async () => {
    const port = await serve((socket) => socket.pause());
    const proxy = await proxyTo(port, { bytesPerSecond: 1e9 });
    const socket = await dial(proxy.port);
    socket.on('error', () => {});
    const piece = Buffer.alloc(1024 * 1024);
    // What the kernel holds for both connections is bounded too, by less than this.
    let waits = false;
    for (let sent = 0; sent < 200 && !waits; sent++) {
      if (!socket.write(piece))
        waits = await Promise.race([once(socket, 'drain').then(() => false), idle(proxy.stats)]);
    }
    expect(waits).toBe(true);
    socket.destroy();
  });
});

/** True once nothing has passed for a while. */
async function idle(stats: { bytesUp: number }): Promise<boolean> {
  for (let before = -1; before !== stats.bytesUp; ) {
    before = stats.bytesUp;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  return true;
}
