import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback that holds back every byte for a while, so that the server seems to be far away. */
export interface DelayingProxy extends AsyncDisposable {
  readonly port: number;
  /** Resets all connections. */
  cut(): void;
  /** What has passed towards the server, in bytes. */
  readonly sent: number;
}

/** @param delayMs for each direction: half of a round trip */
export async function startDelayingProxy(targetPort: number, delayMs: number): Promise<DelayingProxy> {
  const sockets = new Set<Socket>();
  let sent = 0;
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    const break_ = (): void => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', break_);
      from.on('close', () => sockets.delete(from));
      from.on('end', () => setTimeout(() => to.end(), delayMs));
      from.on('data', (chunk: Buffer) => {
        if (from === client) sent += chunk.length;
        setTimeout(() => {
          if (!to.destroyed) to.write(chunk);
        }, delayMs);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    get sent() {
      return sent;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
