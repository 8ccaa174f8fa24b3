import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerConfig } from 'ssh2';
import { onTestFinished } from 'vitest';
import { makeKeyPair } from '../support/key-pair.ts';

const hostKey = makeKeyPair();

/** A server of a test that listens on loopback. */
export interface ScriptedServer {
  readonly port: number;
  /** For `hostKeys`, which keeps known_hosts out of the test. */
  readonly hostKey: string;
}

async function listen(
  server: Pick<NetServer, 'once' | 'close' | 'address'> & { listen(port: number, host: string): unknown },
) {
  server.listen(0, '127.0.0.1');
  await once(server as unknown as NetServer, 'listening');
  const address = server.address() as { port: number };
  onTestFinished(() => {
    server.close();
  });
  return { port: address.port, hostKey: hostKey.public.split(' ').slice(0, 2).join(' ') };
}

/** Starts an SSH server that decides about logins as the test says and does with a connection what the test says. */
export async function scriptedServer(script: {
  readonly config?: Partial<ServerConfig>;
  /** Called before anything is sent. */
  readonly arrange?: (connection: Connection) => void;
  readonly authenticate?: (context: AuthContext) => void;
  readonly serve?: (connection: Connection) => void;
}): Promise<ScriptedServer> {
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey.private], ...script.config }, (connection) => {
    connections.add(connection);
    script.arrange?.(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => {});
    connection.on('authentication', script.authenticate ?? ((context) => context.accept()));
    connection.on('ready', () => script.serve?.(connection));
  });
  onTestFinished(() => {
    for (const connection of connections) connection.end();
  });
  return await listen(server);
}

/** Starts a TCP server that does with each connection what the test says. */
export async function rawServer(serve: (socket: Socket) => void): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return await listen(server);
}
