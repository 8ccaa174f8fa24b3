import { expect, it } from 'vitest';
import { type ConnectionInfo, describeEvent, type ServerEvent } from '../../src/server/events.ts';

const connection: ConnectionInfo = { id: 7, address: '::1', port: 1234, user: 'alice' };
const evil = '\u001b[2J\r\nfake: line\u202e';

it.each<[ServerEvent, string]>([
  [{ type: 'connection-opened', connection: { id: 1, address: '127.0.0.1', port: 9 } }, '#1 127.0.0.1:9: connected'],
  [
    { type: 'connection-refused', address: '::1', limit: 'connections', reason: 'full' },
    'connection from ::1 refused: full',
  ],
  [
    { type: 'connection-closed', connection, durationMs: 1500, bytesRead: 1, bytesWritten: 2 },
    '#7 alice@[::1]:1234: closed after 1.5 s',
  ],
  [
    { type: 'login-accepted', connection, method: 'publickey', key: 'SHA256:x' },
    '#7 alice@[::1]:1234: logged in by publickey with key SHA256:x',
  ],
  [
    {
      type: 'transfer-ended',
      connection,
      transfer: 1,
      service: 'scp',
      direction: 'sent',
      path: '/f',
      files: 1,
      bytes: 5,
      durationMs: 10,
      status: undefined,
    },
    '#7 alice@[::1]:1234: transfer cut off: sent 1 files, 5 bytes in 0.0 s, /f',
  ],
])('%j is one line', (event, line) => {
  expect(describeEvent(event)).toBe(line);
});

it.each<ServerEvent>([
  { type: 'connection-closed', connection, reason: evil, durationMs: 0, bytesRead: 0, bytesWritten: 0 },
  { type: 'login-refused', connection, user: evil.repeat(100), method: 'password', reason: 'x' },
  { type: 'request-refused', connection, request: evil },
  { type: 'transfer-started', connection, transfer: 1, service: 'scp', direction: 'sent', path: evil },
  { type: 'file-moved', connection, direction: 'received', name: evil, bytes: 0, landed: true },
  { type: 'entry-failed', connection, reason: evil },
  { type: 'warning', text: evil },
])('a text from a peer cannot leave its line: $type', (event) => {
  expect(describeEvent(event)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
