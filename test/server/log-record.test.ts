import { expect, it } from 'vitest';
import type { ConnectionInfo } from '../../src/server/events.ts';
import { logRecord } from '../../src/server/log-record.ts';

const connection: ConnectionInfo = { id: 7, address: '::1', port: 1234, user: 'alice' };

it('an event has its fields under their own names, and its connection beside them', () => {
  const record = logRecord({
    type: 'transfer-ended',
    connection,
    transfer: 3,
    service: 'scp',
    direction: 'sent',
    path: '/f',
    files: 1,
    bytes: 5,
    durationMs: 10.4,
    status: 0,
  });
  expect(record).toEqual({
    level: 'info',
    message: '#7 alice@[::1]:1234: transfer complete: sent 1 files, 5 bytes in 0.0 s, /f',
    fields: {
      event: 'transfer-ended',
      connection: 7,
      address: '::1',
      port: 1234,
      user: 'alice',
      transfer: 3,
      service: 'scp',
      direction: 'sent',
      path: '/f',
      files: 1,
      bytes: 5,
      durationMs: 10,
      status: 0,
    },
  });
});

it('the name that was tried stands for a login that failed', () => {
  const { user: _, ...stranger } = connection;
  const event = {
    type: 'login-refused',
    connection: stranger,
    user: 'root',
    method: 'password',
    reason: 'no',
  } as const;
  expect(logRecord(event)).toMatchObject({ level: 'warn', fields: { user: 'root', method: 'password' } });
});

it("a peer's text is printable and has an end", () => {
  const { fields, message } = logRecord({
    type: 'request-refused',
    connection,
    request: `\u001b[2J\n\u202e${'x'.repeat(5000)}`,
  });
  expect(fields['request']).toMatch(/^\\033\[2J\\012\\342\\200\\256x+$/);
  expect(String(fields['request']).length).toBeLessThan(1100);
  expect(message).not.toContain('\n');
});
