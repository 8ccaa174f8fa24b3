import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback that cuts its connections after so many bytes. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes of both directions after which a connection is reset. Infinity lets it live. */
  cutAfter: number;
  /** What passed on the connection that was made last. */
  readonly passed: number;
  /** How many connections were made. */
  readonly connections: number;
}

export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const state = { cutAfter: Number.POSITIVE_INFINITY, passed: 0, connections: 0 };
  const server = createServer((client) => {
    state.passed = 0;
    state.connections++;
    const limit = state.cutAfter;
    const upstream = connect(targetPort, '127.0.0.1');
    const cut = () => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', cut);
      from.on('close', () => {
        sockets.delete(from);
        to.end();
      });
      from.on('data', (chunk: Buffer) => {
        const room = limit - state.passed;
        state.passed += chunk.length;
        if (chunk.length >= room) cut();
        else if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get cutAfter() {
      return state.cutAfter;
    },
    set cutAfter(bytes: number) {
      state.cutAfter = bytes;
    },
    get passed() {
      return state.passed;
    },
    get connections() {
      return state.connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
