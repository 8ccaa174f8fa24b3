import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { AccountingRecord } from '../../../src/aaa/accounting/record.ts';
import { SYSLOG_QUEUE, Syslog } from '../../../src/aaa/accounting/syslog.ts';

function record(id: string): AccountingRecord {
  return {
    record: 'start',
    kind: 'session',
    time: '2030-01-01T00:00:00.000Z',
    id,
    user: 'a\n',
    address: '::1',
    port: 1,
    authentication: 'local',
    method: 'password',
    privilege: 1,
  };
}

function syslog(protocol: 'udp' | 'tcp', port: number, warn: (text: string) => void = () => {}): Syslog {
  const one = new Syslog({ host: '127.0.0.1', port, protocol }, { hostname: 'here', pid: 1, warn });
  onTestFinished(() => one.close());
  return one;
}

/** A server that splits what comes into messages by their lengths. */
async function receiver(port = 0): Promise<{ port: number; messages: string[]; server: Server; sockets: Socket[] }> {
  const messages: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let buffered = '';
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      buffered += data.toString('latin1');
      for (let parts = /^(\d+) /.exec(buffered); parts !== null; parts = /^(\d+) /.exec(buffered)) {
        const end = parts[0].length + Number(parts[1]);
        if (buffered.length < end) return;
        messages.push(buffered.slice(parts[0].length, end));
        buffered = buffered.slice(end);
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, messages, server, sockets };
}

it('a message goes out as one datagram', async () => {
  const socket = createSocket('udp4');
  onTestFinished(() => {
    socket.close();
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const received = once(socket, 'message') as Promise<[Buffer]>;
  const one = syslog('udp', socket.address().port);
  one.write(record('a'));
  one.close();
  const [message] = await received;
  expect(message.toString()).toMatch(
    /^<190>1 2030-01-01T00:00:00\.000Z here sealift 1 session-start - \{.*"a\\n".*\}$/,
  );
});

it('messages go out in order over one connection, each behind its length', async () => {
  const { port, messages, sockets } = await receiver();
  const one = syslog('tcp', port);
  for (let i = 0; i < 50; i++) one.write(record(`r${i}`));
  await vi.waitFor(() => expect(messages).toHaveLength(50), { timeout: 10_000 });
  expect(messages.map((message) => /"id":"(\w+)"/.exec(message)?.[1])).toEqual(
    Array.from({ length: 50 }, (_, i) => `r${i}`),
  );
  expect(sockets).toHaveLength(1);
  expect(one.waiting).toBe(0);
});

it('what is written while the server is away is sent when it is back', async () => {
  const first = await receiver();
  const one = syslog('tcp', first.port);
  one.write(record('a'));
  await vi.waitFor(() => expect(first.messages).toHaveLength(1), { timeout: 10_000 });
  first.server.close();
  for (const socket of first.sockets) socket.destroy();
  await once(first.server, 'close');
  await vi.waitFor(() => expect(one.isConnected).toBe(false), { timeout: 10_000 });
  one.write(record('b'));
  const second = await receiver(first.port);
  await vi.waitFor(() => expect(second.messages).toEqual([expect.stringContaining('"id":"b"')]), { timeout: 20_000 });
}, 40_000);

it('what waits when the server stops is sent first', async () => {
  const { port, messages } = await receiver();
  const one = syslog('tcp', port);
  for (let i = 0; i < 100; i++) one.write(record(`r${i}`));
  one.close();
  await vi.waitFor(() => expect(messages).toHaveLength(100), { timeout: 10_000 });
});

it('what waits is bounded, and its loss is told once', () => {
  const warnings: string[] = [];
  // Nothing listens on the port of discard.
  const one = syslog('tcp', 9, (text) => warnings.push(text));
  for (let i = 0; i < SYSLOG_QUEUE + 100; i++) one.write(record(`${i}`));
  expect(one.waiting).toBe(SYSLOG_QUEUE);
  expect(warnings).toEqual([expect.stringContaining('takes no messages')]);
});
