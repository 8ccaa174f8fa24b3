import { expect, it } from 'vitest';
import type { FileStatus } from '../../src/files/file-system.ts';
import { RecentFiles } from '../../src/server/recent-files.ts';

const status = { device: 1n, inode: 2n } as unknown as FileStatus;
const MINUTE_MS = 60_000;

it('what a user has sent is known to the same user from the same source, layer by layer', () => {
  const recent = new RecentFiles();
  recent.of('alice', '192.0.2.1')('rights').add('/f', status);
  expect(recent.of('alice', '192.0.2.1')('rights').has('/f', status)).toBe(true);
  expect(recent.of('alice', '192.0.2.1')('root inbox').has('/f', status)).toBe(false);
  expect(recent.of('alice', '192.0.2.2')('rights').has('/f', status)).toBe(false);
  expect(recent.of('bob', '192.0.2.1')('rights').has('/f', status)).toBe(false);
});

it('ten minutes after the last login it is forgotten, by whoever logs in then', () => {
  let now = 0;
  const recent = new RecentFiles(() => now);
  const first = recent.of('alice', 'x');
  first('rights').add('/f', status);
  now += 10 * MINUTE_MS;
  expect(recent.of('alice', 'x')('rights').has('/f', status)).toBe(true);
  now += 10 * MINUTE_MS + 1;
  expect(recent.of('alice', 'x')('rights').has('/f', status)).toBe(false);
  expect(first('rights').has('/f', status)).toBe(true);
});

it('a thousand users are remembered, those who came last', () => {
  const recent = new RecentFiles();
  for (let user = 0; user <= 1000; user++) recent.of(String(user), 'x')('rights').add('/f', status);
  expect(recent.of('1000', 'x')('rights').has('/f', status)).toBe(true);
  expect(recent.of('0', 'x')('rights').has('/f', status)).toBe(false);
});
