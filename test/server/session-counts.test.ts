import { expect, it } from 'vitest';
import { SessionCounts } from '../../src/server/session-counts.ts';

const limits = { sessions: 4, sessionsPerUser: 2, sessionsPerSource: 3 };

it('takes so many sessions in all, of one user and from one source, and names the limit that is reached', () => {
  const counts = new SessionCounts();
  const take = (user: string, source: string): string | undefined => counts.take({ user, source }, limits);
  expect([take('a', '1'), take('a', '2')]).toEqual([undefined, undefined]);
  expect(take('a', '3')).toBe('limit sessions-per-user: 2 are open');
  expect([take('b', '1'), take('c', '1')]).toEqual([undefined, undefined]);
  expect(take('d', '9')).toBe('limit sessions: 4 are open');
  counts.release({ user: 'a', source: '2' });
  expect(take('d', '1')).toBe('limit sessions-per-source: 3 are open');
  expect(take('d', '9')).toBeUndefined();
});

it('forgets users and sources that have none left', () => {
  const counts = new SessionCounts();
  for (let i = 0; i < 1000; i++) {
    const claim = { user: `u${i}`, source: `s${i}` };
    expect(counts.take(claim, limits)).toBeUndefined();
    counts.release(claim);
  }
  expect(counts.size).toBe(0);
});
