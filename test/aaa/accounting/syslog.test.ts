import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Syslog } from '../../../src/aaa/accounting/syslog.ts';
import { SYSLOG_QUEUE } from '../../../src/aaa/accounting/syslog-tcp.ts';
import { receiver, startRecord } from '../../support/syslog-receiver.ts';

function syslog(protocol: 'udp' | 'tcp', port: number, warn: (text: string) => void = () => {}): Syslog {
  const one = new Syslog({ host: '127.0.0.1', port, protocol }, { hostname: 'here', pid: 1, warn });
  onTestFinished(() => one.close());
  return one;
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
  one.write(startRecord('a', 'a\n'));
  one.close();
  const [message] = await received;
  expect(message.toString()).toMatch(
    /^<190>1 2030-01-01T00:00:00\.000Z here sealift 1 session-start - \{.*"a\\n".*\}$/,
  );
});

it('messages go out in order over one connection, each behind its length', async () => {
  const { port, messages, sockets } = await receiver();
  const one = syslog('tcp', port);
  for (let i = 0; i < 50; i++) one.write(startRecord(`r${i}`));
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
  one.write(startRecord('a'));
  await vi.waitFor(() => expect(first.messages).toHaveLength(1), { timeout: 10_000 });
  first.server.close();
  for (const socket of first.sockets) socket.destroy();
  await once(first.server, 'close');
  await vi.waitFor(() => expect(one.isConnected).toBe(false), { timeout: 10_000 });
  one.write(startRecord('b'));
  const second = await receiver(first.port);
  await vi.waitFor(() => expect(second.messages).toEqual([expect.stringContaining('"id":"b"')]), { timeout: 20_000 });
}, 40_000);

it('what waits when the server stops is sent first', async () => {
  const { port, messages } = await receiver();
  const one = syslog('tcp', port);
  for (let i = 0; i < 100; i++) one.write(startRecord(`r${i}`));
  one.close();
  await vi.waitFor(() => expect(messages).toHaveLength(100), { timeout: 10_000 });
});

it('what waits is bounded, and its loss is told once', () => {
  const warnings: string[] = [];
  // Nothing listens on the port of discard.
  const one = syslog('tcp', 9, (text) => warnings.push(text));
  for (let i = 0; i < SYSLOG_QUEUE + 100; i++) one.write(startRecord(`${i}`));
  expect(one.waiting).toBe(SYSLOG_QUEUE);
  expect(warnings).toEqual([expect.stringContaining('takes no messages')]);
});
