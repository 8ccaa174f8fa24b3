import { expect, it } from 'vitest';
import type { FileStatus } from '../../src/files/file-system.ts';
import { MAX_REMEMBERED, RecentFiles } from '../../src/server/recent-files.ts';

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

it('for ten minutes after it was sent, whoever has logged in when; who has sent it knows it for longer', () => {
  let now = 0;
  const recent = new RecentFiles(() => now);
  const first = recent.of('alice', 'x');
  const early = recent.of('alice', 'x');
  first('rights').add('/old', status);
  now += 10 * MINUTE_MS;
  first('rights').add('/f', status);
  const late = recent.of('alice', 'x');
  for (const other of [early, late]) {
    expect(other('rights').has('/old', status)).toBe(true);
    expect(other('rights').has('/f', status)).toBe(true);
  }
  now += 1;
  for (const other of [early, late, recent.of('alice', 'x')]) {
    expect(other('rights').has('/old', status)).toBe(false);
    expect(other('rights').has('/f', status)).toBe(true);
  }
  now += 10 * MINUTE_MS;
  expect(late('rights').has('/f', status)).toBe(false);
  expect(first('rights').has('/f', status)).toBe(true);
});

it('what is removed is forgotten by all, and another file of that name is not taken for it', () => {
  const recent = new RecentFiles();
  const [first, other] = [recent.of('alice', 'x'), recent.of('alice', 'x')];
  first('rights').add('/f', status);
  expect(other('rights').has('/f', { ...status, inode: 3 })).toBe(false);
  other('rights').forget('/f');
  expect(other('rights').has('/f', status)).toBe(false);
});

it('so many files of all users are remembered, those that came last', () => {
  const recent = new RecentFiles();
  const sent = recent.of('alice', 'x')('rights');
  for (let file = 0; file <= MAX_REMEMBERED; file++) sent.add(`/${file}`, status);
  const other = recent.of('alice', 'x')('rights');
  expect(other.has(`/${MAX_REMEMBERED}`, status)).toBe(true);
  expect(other.has('/1', status)).toBe(true);
  expect(other.has('/0', status)).toBe(false);
});
