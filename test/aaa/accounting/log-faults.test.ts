import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { Accounting } from '../../../src/aaa/accounting/accounting.ts';
import { JsonLinesLog } from '../../../src/aaa/accounting/json-lines-log.ts';
import { Ledger } from '../../../src/aaa/accounting/ledger.ts';
import type { AccountingRecord } from '../../../src/aaa/accounting/record.ts';
import { tempDirectory } from '../../support/temp.ts';

/** How many bytes a write may write yet. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  return {
    ...real,
    writeSync: (descriptor: number, data: Buffer | string, offset = 0): number => {
      const bytes = Buffer.from(data as string).subarray(offset);
      const taken = Math.min(bytes.length, disk.room);
      if (taken === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      disk.room -= taken;
      return real.writeSync(descriptor, bytes, 0, taken);
    },
  };
});

beforeEach(() => {
  disk.room = Number.POSITIVE_INFINITY;
});

function record(id: string): AccountingRecord {
  return {
    record: 'start',
    kind: 'session',
    time: '2030-01-01T00:00:00.000Z',
    id,
    user: 'a',
    address: '::1',
    port: 1,
    authentication: 'local',
    method: 'password',
    privilege: 1,
  };
}

it('where there is no room, records are counted, and the count is recorded once there is room', async () => {
  const path = join(await tempDirectory(), 'log');
  const warnings: string[] = [];
  using log = new JsonLinesLog(path, { warn: (text) => warnings.push(text) });
  log.write(record('a'));
  disk.room = 0;
  for (const id of ['b', 'c', 'd']) expect(log.write(record(id))).toBe(false);
  expect(log.lost).toBe(3);
  disk.room = Number.POSITIVE_INFINITY;
  expect(log.write(record('e'))).toBe(true);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { id: 'a' },
    { record: 'lost', count: 3 },
    { id: 'e' },
  ]);
  expect(warnings).toEqual([expect.stringContaining('accounting is lost'), expect.stringContaining('3 were lost')]);
});

it('a line that was cut off by a full disk does not take the next one with it', async () => {
  const path = join(await tempDirectory(), 'log');
  using log = new JsonLinesLog(path, { warn: () => {} });
  log.write(record('a'));
  disk.room = 20;
  expect(log.write(record('b'))).toBe(false);
  expect(log.write(record('c'))).toBe(false);
  disk.room = Number.POSITIVE_INFINITY;
  log.write(record('d'));
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines[1]).toBe('{"record":"start","k');
  expect(lines.slice(2).map((line) => JSON.parse(line) as object)).toMatchObject([
    { record: 'lost', count: 2 },
    { id: 'd' },
  ]);
});

it('sessions go on where nothing can be written', async () => {
  const folder = await tempDirectory();
  const warnings: string[] = [];
  using accounting = Accounting.open(
    { log: join(folder, 'log'), journals: join(folder, 'journals') },
    { pid: process.pid, hostname: 'here', warn: (text) => warnings.push(text) },
  );
  disk.room = 0;
  const session = new Ledger(accounting.account).session({
    user: 'a',
    address: '::1',
    port: 1,
    authentication: 'local',
    method: 'password',
    privilege: 1,
  });
  session.stop({ status: 'complete', bytesReceived: 0, bytesSent: 0 });
  expect(warnings).toHaveLength(2);
});
