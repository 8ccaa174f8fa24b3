import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';
import type { AccountingRecord } from '../../src/aaa/accounting/record.ts';

/** A syslog server by TCP, on loopback. */
export interface SyslogReceiver {
  readonly port: number;
  /** What has come, without the lengths. */
  readonly messages: string[];
  readonly server: Server;
  readonly sockets: Socket[];
  /** The ids of the records that have come. */
  ids(): string[];
  /** Waits until so many messages have come. */
  have(count: number): Promise<void>;
  /** Goes away, connections included. */
  leave(): Promise<void>;
}

/**
 * A server that splits what comes into messages by their lengths.
 *
 * @param port 0: any that is free
 * @param onConnection called for each connection, in place of reading it
 */
export async function receiver(port = 0, onConnection?: (socket: Socket) => void): Promise<SyslogReceiver> {
  const messages: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ pauseOnConnect: onConnection !== undefined }, (socket) => {
    sockets.push(socket);
    let buffered = '';
    socket.on('error', () => {});
    if (onConnection !== undefined) {
      onConnection(socket);
      return;
    }
    socket.on('data', (data: Buffer) => {
      buffered += data.toString('latin1');
      let at = 0;
      for (let parts = /^(\d+) /.exec(buffered); parts !== null; parts = /^(\d+) /.exec(buffered.slice(at, at + 9))) {
        const end = at + parts[0].length + Number(parts[1]);
        if (buffered.length < end) break;
        messages.push(buffered.slice(at + parts[0].length, end));
        at = end;
      }
      buffered = buffered.slice(at);
    });
  });
  const leave = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  onTestFinished(leave);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    server,
    sockets,
    ids: () => messages.map((message) => /"id":"([\w-]+)"/.exec(message)?.[1] ?? message),
    have: async (count) => {
      await vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(count), { timeout: 15_000 });
    },
    leave,
  };
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const { port, leave } = await receiver();
  await leave();
  return port;
}

/** A start of a session. @param user makes it longer */
export function startRecord(id: string, user = 'a'): AccountingRecord {
  return {
    record: 'start',
    kind: 'session',
    time: '2030-01-01T00:00:00.000Z',
    id,
    user,
    address: '::1',
    port: 1,
    authentication: 'local',
    method: 'password',
    privilege: 1,
  };
}

/** `prefix0`, `prefix1` … */
export function ids(count: number, prefix = 'r'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}
