import { expect, it, vi } from 'vitest';
import { MAX_UNDER_WAY, UdpSender } from '../../../src/aaa/accounting/syslog-udp.ts';

/** What the system was given, and has not taken. */
const waiting: ((error: Error | null) => void)[] = [];

vi.mock('node:dgram', () => ({
  createSocket: () => ({
    on() {},
    unref() {},
    ref() {},
    close() {},
    send: (_message: Buffer, _port: number, _host: string, done: (error: Error | null) => void) => waiting.push(done),
  }),
}));

it('datagrams that the system does not take are bounded, and their loss is told once', () => {
  const warnings: string[] = [];
  const sender = new UdpSender({ host: 'collector.example', port: 514, warn: (text) => warnings.push(text) });
  for (let index = 0; index < MAX_UNDER_WAY + 10; index++) sender.send(`${index}`);
  expect(waiting).toHaveLength(MAX_UNDER_WAY);
  expect(sender.lost).toBe(10);
  expect(warnings).toEqual([`syslog collector.example:514: ${MAX_UNDER_WAY} messages wait: messages are lost`]);
  for (const done of waiting.splice(0)) done(null);
  sender.send('again');
  expect(waiting).toHaveLength(1);
  for (const done of waiting.splice(0)) done(new Error('getaddrinfo ENOTFOUND'));
  expect(sender.lost).toBe(11);
  expect(warnings).toHaveLength(2);
  sender.close();
});
