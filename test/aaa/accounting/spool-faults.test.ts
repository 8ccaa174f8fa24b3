import { readdir } from 'node:fs/promises';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Spool } from '../../../src/aaa/accounting/spool.ts';
import { targetName } from '../../../src/aaa/accounting/spool-name.ts';
import { Syslog } from '../../../src/aaa/accounting/syslog.ts';
import { SYSLOG_QUEUE } from '../../../src/aaa/accounting/syslog-tcp.ts';
import { freePort, ids, receiver, startRecord } from '../../support/syslog-receiver.ts';
import { tempDirectory } from '../../support/temp.ts';

/** How many bytes a write may write yet, and what else fails. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY, fails: new Set<string>() }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const fail = (code: string, call: string): never => {
    throw Object.assign(new Error(`${code}: ${call}`), { code });
  };
  return {
    ...real,
    writeSync: (descriptor: number, bytes: Buffer): number => {
      const taken = Math.min(bytes.length, disk.room);
      if (taken === 0) fail('ENOSPC', 'write');
      disk.room -= taken;
      return real.writeSync(descriptor, bytes, 0, taken);
    },
    ftruncateSync: (descriptor: number, length: number): void => {
      if (disk.fails.has('ftruncate')) fail('EIO', 'ftruncate');
      real.ftruncateSync(descriptor, length);
    },
    readSync: (...args: Parameters<typeof real.readSync>): number =>
      disk.fails.has('read') ? fail('EIO', 'read') : real.readSync(...args),
    readdirSync: (path: string): string[] =>
      disk.fails.has('readdir') ? fail('EIO', 'readdir') : real.readdirSync(path),
    renameSync: (from: string, to: string): void => {
      if (disk.fails.has('rename')) fail('EIO', 'rename');
      real.renameSync(from, to);
    },
    rmSync: (path: string, options: object): void => {
      if (disk.fails.has('rm')) fail('EIO', 'rm');
      real.rmSync(path, options);
    },
    openSync: (path: string, flags: number, mode: number): number =>
      disk.fails.has('open') ? fail('EMFILE', 'open') : real.openSync(path, flags, mode),
  };
});

beforeEach(() => {
  disk.room = Number.POSITIVE_INFINITY;
  disk.fails.clear();
});

async function spooled(port: number) {
  const directory = await tempDirectory();
  const warnings: string[] = [];
  const warn = (text: string): void => {
    warnings.push(text);
  };
  const spool = new Spool({ directory, target: targetName('127.0.0.1', port), owner: '1-a_b', warn });
  const one = new Syslog({ host: '127.0.0.1', port, protocol: 'tcp' }, { hostname: 'here', pid: 1, warn, spool });
  onTestFinished(() => one.close());
  return { one, spool, directory, warnings };
}

/** What a connection would take. */
function text(spool: Spool): string {
  let all = '';
  for (let part = spool.next(); part !== undefined; part = spool.next()) {
    all += part.data;
    spool.taken(part.bytes);
  }
  return all;
}

it('a full disk leaves the memory, which is told, and is made up for when there is room', async () => {
  const port = await freePort();
  const { one, directory, warnings } = await spooled(port);
  one.write(startRecord('r0'));
  disk.room = 100;
  for (const id of ['r1', 'r2', 'r3']) one.write(startRecord(id));
  expect(one.waiting).toBe(3);
  expect(warnings).toEqual([expect.stringMatching(/No space left on device: messages for syslog are kept in memory/)]);
  disk.room = Number.POSITIVE_INFINITY;
  one.write(startRecord('r4'));
  expect(one.waiting).toBe(0);
  expect(warnings).toEqual([expect.anything(), expect.stringContaining('kept on disk again')]);
  disk.room = 0;
  one.write(startRecord('r5'));
  const server = await receiver(port);
  await server.have(6);
  expect(server.ids()).toEqual(ids(6));
  await vi.waitFor(async () => expect(await readdir(directory)).toEqual([]), { timeout: 15_000 });
  expect(warnings).toHaveLength(3);
}, 40_000);

it('a full disk bounds what waits in memory', async () => {
  const { one, directory, warnings } = await spooled(await freePort());
  disk.room = 0;
  for (let i = 0; i < SYSLOG_QUEUE + 100; i++) one.write(startRecord(`${i}`));
  expect([one.waiting, one.lost]).toEqual([SYSLOG_QUEUE, 100]);
  expect(warnings).toHaveLength(2);
  expect(await readdir(directory)).toEqual([]);
});

it('a line that was cut off and cannot be taken back does not take the next one with it', async () => {
  const { spool } = await spooled(await freePort());
  spool.append('first');
  disk.room = 4;
  disk.fails.add('ftruncate');
  expect([spool.append('second'), spool.append('third')]).toEqual(['failed', 'failed']);
  disk.room = Number.POSITIVE_INFINITY;
  expect(spool.append('fourth')).toBe('kept');
  expect(text(spool)).toBe('5 first6 fourth');
});

it.each(['open', 'readdir'])(
  'where %s fails messages go through memory',
  async (call) => {
    const port = await freePort();
    const { one, warnings } = await spooled(port);
    disk.fails.add(call);
    for (const id of ids(3)) one.write(startRecord(id));
    expect([one.waiting, warnings.length]).toEqual([3, 1]);
    const server = await receiver(port);
    await server.have(3);
    expect(server.ids()).toEqual(ids(3));
  },
  40_000,
);

it('what cannot be read is told of and left, and what is newer is sent', async () => {
  const port = await freePort();
  const { one, directory, warnings } = await spooled(port);
  one.write(startRecord('unreadable'));
  disk.fails.add('read');
  const server = await receiver(port);
  await vi.waitFor(() => expect(warnings).toHaveLength(1), { timeout: 15_000 });
  disk.fails.clear();
  expect(warnings[0]).toContain('wait for the next start');
  one.write(startRecord('newer'));
  await server.have(1);
  expect(server.ids()).toEqual(['newer']);
  expect(await readdir(directory)).toHaveLength(1);
}, 40_000);

it('no fault of the disk reaches whoever writes or ends', async () => {
  for (const call of ['open', 'readdir', 'rename', 'rm', 'read', 'ftruncate']) {
    const { one, spool } = await spooled(await freePort());
    one.write(startRecord('a'));
    disk.fails.add(call);
    disk.room = 10;
    one.write(startRecord('b'));
    one.adopt();
    text(spool);
    spool.empty();
    one.close();
    disk.fails.clear();
    disk.room = Number.POSITIVE_INFINITY;
  }
});
