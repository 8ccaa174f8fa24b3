import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { AccountingRecord } from '../../../src/aaa/accounting/record.ts';
import { MAX_TOLD } from '../../../src/server/told.ts';
import { SftpSession } from '../../../src/sftp/session.ts';
import { login, sftpChannel, startTestServer } from '../support.ts';

const READ = 1;
const WRITE_NEW = 2 | 8 | 16;
const CONTENT = Buffer.alloc(100_000, 'content ');

const range = { algorithms: ['sha256'], offset: 0, length: 0, blockSize: 0 };

async function started(options: Parameters<typeof startTestServer>[0] = {}) {
  const records: AccountingRecord[] = [];
  const account = (record: AccountingRecord): void => void records.push(record);
  const server = await startTestServer({ ...options, account });
  await writeFile(join(server.root, 'f'), CONTENT);
  const channel = await sftpChannel(await login(server.port));
  const sftp = await SftpSession.open({ input: channel, output: channel }, { host: 'server' });
  const stops = (): AccountingRecord[] =>
    records.filter(({ record, kind }) => record === 'stop' && kind === 'transfer');
  return { ...server, sftp, records, stops };
}

async function read(sftp: SftpSession, ...ranges: readonly (readonly [number, number])[]): Promise<void> {
  const handle = await sftp.open('/f', READ);
  for (const [offset, length] of ranges) await sftp.read(handle, offset, length);
  await sftp.closeHandle(handle);
}

it('a download is complete when as much was read as there is, in whatever order, and partial before', async () => {
  const { sftp, stops } = await started();
  await read(sftp, [0, 60_000], [60_000, 40_000]);
  await read(sftp, [60_000, 40_000], [0, 60_000]);
  await read(sftp, [0, 1000]);
  await read(sftp);
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  expect(stops()).toMatchObject([
    { status: 'complete', bytes: 100_000, sha256 },
    { status: 'complete', bytes: 100_000 },
    { status: 'partial', bytes: 1000 },
    { status: 'partial', bytes: 0 },
  ]);
  expect(
    stops()
      .slice(1)
      .map((stop) => 'sha256' in stop && stop.sha256 !== undefined),
  ).toEqual([false, false, false]);
});

it('what only a hash is made of is no transfer, and moves nothing', async () => {
  const { sftp, server, records, events } = await started();
  const before = records.length;
  const { hashes } = await sftp.extensions.checkFileName('/f', range);
  expect(hashes).toEqual(createHash('sha256').update(CONTENT).digest());
  expect(records).toHaveLength(before);
  expect(events.filter(({ type }) => type.startsWith('transfer'))).toEqual([]);
  const handle = await sftp.open('/f', READ);
  await sftp.extensions.checkFileHandle(handle, range);
  expect(server.transfers()).toMatchObject([{ bytes: 0, fileSize: 100_000 }]);
  expect(server.moved).toEqual({ received: 0, sent: 0 });
});

it('an upload that fails says why, in the record and in the log, also where the client never closes', async () => {
  const { root, sftp, stops, event } = await started();
  await mkdir(join(root, 'd'));
  const handle = await sftp.open('/new', WRITE_NEW | 32);
  await sftp.write(handle, 0, [Buffer.from('half')]);
  await writeFile(join(root, 'new'), 'taken meanwhile');
  await expect(sftp.closeHandle(handle)).rejects.toThrow('File exists');
  expect(stops()).toMatchObject([{ status: 'failed', bytes: 4, error: '/new: File exists' }]);
  expect(await event('transfer-ended')).toMatchObject({ status: 1, error: '/new: File exists' });
});

it('what somebody may not do is in the log, up to a bound', async () => {
  const { sftp, events } = await started({ rights: [{ paths: ['/f'], allow: ['list'] }] });
  await expect(sftp.open('/f', READ)).rejects.toThrow('Permission denied');
  await expect(sftp.open('/g', WRITE_NEW)).rejects.toThrow('Permission denied');
  await expect(sftp.remove('/f')).rejects.toThrow('Permission denied');
  await expect(sftp.rename('/f', '/g')).rejects.toThrow('Permission denied');
  await expect(sftp.mkdir('/d')).rejects.toThrow('Permission denied');
  const refusals = (): unknown[] => events.filter(({ type }) => type === 'operation-refused');
  await vi.waitFor(() => expect(refusals()).toHaveLength(5), { timeout: 10_000 });
  expect(refusals()).toMatchObject([
    { operation: 'read', reason: '/f: Permission denied', connection: { user: 'alice' } },
    { operation: 'write', reason: '/g: Permission denied' },
    { operation: 'remove' },
    { operation: 'rename' },
    { operation: 'mkdir' },
  ]);
  await Promise.allSettled(Array.from({ length: MAX_TOLD }, () => sftp.mkdir('/d')));
  expect(refusals()).toHaveLength(MAX_TOLD);
  expect(refusals().at(-1)).toMatchObject({ reason: expect.stringMatching(/further ones .* are not told/) as string });
});
