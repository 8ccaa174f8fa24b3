import { expect, it } from 'vitest';
import { LiveTransfer, LiveTransfers, type TransferStart } from '../../src/server/live-transfers.ts';

const limits = { transfers: 3, transfersPerUser: 2 };

function start(user: string): TransferStart {
  const connection = { id: 1, address: '127.0.0.1', port: 9, user };
  return { connection, service: 'scp', direction: 'received', path: '/f' };
}

function begin(live: LiveTransfers, user: string): LiveTransfer {
  const transfer = live.begin(start(user), limits);
  if (typeof transfer === 'string') throw new Error(transfer);
  return transfer;
}

it('lists what is under way with what has moved, and forgets what has ended', () => {
  const live = new LiveTransfers(() => 1234);
  const transfer = begin(live, 'alice');
  transfer.begin('big', 100);
  transfer.moved(40);
  transfer.begin('small', 10);
  transfer.moved(5);
  expect(live.list()).toMatchObject([
    { id: 1, startedAtMs: 1234, bytes: 45, file: 'small', fileBytes: 5, fileSize: 10, path: '/f' },
  ]);
  expect(live.total).toEqual({ received: 45, sent: 0 });
  transfer.end();
  expect(live.list()).toEqual([]);
  expect(live.total).toEqual({ received: 45, sent: 0 });
});

it('takes so many in all and of one user; a place is free once, however often a transfer is ended', () => {
  const live = new LiveTransfers();
  const first = begin(live, 'alice');
  begin(live, 'alice');
  expect(live.begin(start('alice'), limits)).toBe('2 transfers of this user are under way, more are not allowed');
  begin(live, 'bob');
  expect(live.begin(start('carol'), limits)).toBe('3 transfers are under way, more are not allowed');
  first.end();
  first.end();
  expect(live.size).toBe(2);
  expect(live.begin(start('alice'), limits)).toBeInstanceOf(LiveTransfer);
  expect(live.begin(start('alice'), limits)).toBeTypeOf('string');
});
