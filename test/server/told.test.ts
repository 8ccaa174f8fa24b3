import { expect, it } from 'vitest';
import { MAX_TOLD, Told } from '../../src/server/told.ts';
import type { SessionEvent } from '../../src/server/transfer-count.ts';

const bounded: readonly [SessionEvent, SessionEvent][] = [
  [
    { type: 'request-refused', request: 'shell' },
    { type: 'request-refused', request: 'shell (further ones of this connection are not told)' },
  ],
  [
    { type: 'operation-refused', operation: 'stat', reason: '/f: Permission denied' },
    {
      type: 'operation-refused',
      operation: 'stat',
      reason: '/f: Permission denied (further ones of this connection are not told)',
    },
  ],
  [
    { type: 'entry-failed', reason: 'no' },
    { type: 'entry-failed', reason: 'no (further ones of this connection are not told)' },
  ],
];

it('what a client is refused is told so many times, each kind by itself, and the last one says that it is', () => {
  const told = new Told();
  for (const [event, last] of bounded) {
    for (let count = 1; count < MAX_TOLD; count++) expect(told.bounded(event)).toBe(event);
    expect(told.bounded(event)).toEqual(last);
    for (let count = 0; count < 10; count++) expect(told.bounded(event)).toBeUndefined();
  }
});

it('what a client does is told each time', () => {
  const told = new Told();
  const event: SessionEvent = { type: 'entry-changed', operation: 'mkdir', path: '/d' };
  for (let count = 0; count < 2 * MAX_TOLD; count++) expect(told.bounded(event)).toBe(event);
});
