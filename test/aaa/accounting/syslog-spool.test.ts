import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Accounting } from '../../../src/aaa/accounting/accounting.ts';
import { Spool } from '../../../src/aaa/accounting/spool.ts';
import { targetName } from '../../../src/aaa/accounting/spool-name.ts';
import { Syslog } from '../../../src/aaa/accounting/syslog.ts';
import { freePort, ids, receiver, startRecord } from '../../support/syslog-receiver.ts';
import { tempDirectory } from '../../support/temp.ts';

const program = fileURLToPath(new URL('../../support/spooling-process.mjs', import.meta.url));

interface Setting {
  readonly folder: string;
  readonly port: number;
  readonly warnings?: string[];
  readonly onlyRecovers?: boolean;
}

function open({ folder, port, warnings = [], onlyRecovers = false }: Setting): Accounting {
  const accounting = Accounting.open(
    {
      log: join(folder, 'log'),
      journals: join(folder, 'journals'),
      syslog: [{ host: '127.0.0.1', port, protocol: 'tcp' }],
    },
    { pid: process.pid, hostname: 'here', warn: (text) => warnings.push(text), onlyRecovers },
  );
  onTestFinished(() => accounting.close());
  return accounting;
}

/** A sender with a folder of its own. */
async function spooled(port: number, maxBytes?: number) {
  const directory = await tempDirectory();
  const warnings: string[] = [];
  const warn = (text: string): void => {
    warnings.push(text);
  };
  const spool = new Spool({ directory, target: targetName('127.0.0.1', port), owner: '1-a_b', warn, maxBytes });
  const one = new Syslog({ host: '127.0.0.1', port, protocol: 'tcp' }, { hostname: 'here', pid: 1, warn, spool });
  onTestFinished(() => one.close());
  return { one, directory, warnings };
}

async function spools(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'journals'))).filter((name) => name.endsWith('.syslog'));
}

async function noSpools(folder: string): Promise<void> {
  await vi.waitFor(async () => expect(await spools(folder)).toEqual([]), { timeout: 15_000 });
}

/** A process that keeps records, and does not end by itself. */
async function keepInChild(folder: string, port: number, prefix: string, count: number) {
  const child = spawn(process.execPath, [program, folder, String(port), prefix, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  onTestFinished(kill);
  await once(createInterface(child.stdout), 'line');
  return { kill };
}

it('a server that comes later gets everything in order, and what is newer behind it', async () => {
  const folder = await tempDirectory();
  const port = await freePort();
  const accounting = open({ folder, port });
  for (const id of ids(500)) accounting.account(startRecord(id));
  expect(await spools(folder)).toHaveLength(1);
  expect(accounting.syslogFigures).toEqual({ spooledBytes: expect.any(Number) as number, lost: 0 });
  expect(accounting.syslogFigures.spooledBytes).toBeGreaterThan(50_000);
  const server = await receiver(port);
  await server.have(1);
  for (const id of ids(20, 'n')) accounting.account(startRecord(id));
  await server.have(520);
  expect(server.ids()).toEqual([...ids(500), ...ids(20, 'n')]);
  await noSpools(folder);
  accounting.account(startRecord('direct'));
  expect(await spools(folder)).toEqual([]);
  await server.have(521);
  expect(server.ids().at(-1)).toBe('direct');
  expect(accounting.syslogFigures).toEqual({ spooledBytes: 0, lost: 0 });
}, 40_000);

it('a server that goes away in the middle of it gets again what it may not have read', async () => {
  const folder = await tempDirectory();
  const port = await freePort();
  const accounting = open({ folder, port });
  // More than what is read at a time, less than what the systems take unread.
  for (const id of ids(2000)) accounting.account(startRecord(id));
  // Each connection is taken and broken before anything is read of it.
  let broken = 0;
  const bad = await receiver(port, (socket) => {
    broken++;
    socket.once('readable', () => socket.destroy());
  });
  await vi.waitFor(() => expect(broken).toBeGreaterThan(0), { timeout: 15_000 });
  await bad.leave();
  const server = await receiver(port);
  await server.have(2000);
  expect(server.ids()).toEqual(ids(2000));
  await noSpools(folder);
}, 60_000);

it('what is written between two visits of the server is kept, and sent when it is back', async () => {
  const first = await receiver();
  const { one, directory } = await spooled(first.port);
  one.write(startRecord('a'));
  await first.have(1);
  await vi.waitFor(async () => expect(await readdir(directory)).toEqual([]), { timeout: 15_000 });
  await first.leave();
  await vi.waitFor(() => expect(one.isConnected).toBe(false), { timeout: 15_000 });
  for (const id of ids(10, 'b')) one.write(startRecord(id));
  expect(await readdir(directory)).toHaveLength(1);
  const second = await receiver(first.port);
  await second.have(10);
  expect(second.ids()).toEqual(ids(10, 'b'));
}, 40_000);

it('a process that is killed while the server is away leaves everything for the next start', async () => {
  const folder = await tempDirectory();
  const port = await freePort();
  const { kill } = await keepInChild(folder, port, 'k', 300);
  await kill();
  // As `sealift serve` does it: one recovers and goes, another one serves.
  const recovering = open({ folder, port, onlyRecovers: true });
  expect(await recovering.recover()).toBe(300);
  recovering.close();
  open({ folder, port });
  const server = await receiver(port);
  await server.have(600);
  expect(server.ids()).toEqual([...ids(300, 'k'), ...ids(300, 'k')]);
  const kinds = server.messages.map((message) => / session-(\w+) /.exec(message)?.[1]);
  expect(kinds).toEqual([...Array<string>(300).fill('start'), ...Array<string>(300).fill('stop')]);
  await noSpools(folder);
}, 40_000);

it('a program that recovers and serves with one object sends it too, without a message of its own', async () => {
  const folder = await tempDirectory();
  const server = await receiver();
  const { kill } = await keepInChild(folder, await freePort(), 'k', 0);
  await kill();
  const before = open({ folder, port: server.port, onlyRecovers: true });
  for (const id of ids(5)) before.account(startRecord(id));
  before.close();
  // Nothing is under way: somebody else may have it at once.
  expect(await spools(folder)).toEqual([expect.stringContaining('-0-nobody_')]);
  expect(server.sockets).toEqual([]);
  const accounting = open({ folder, port: server.port });
  await accounting.recover();
  await server.have(5);
  expect(server.ids()).toEqual(ids(5));
}, 40_000);

it('processes that share the folder leave the spools of each other alone while they live', async () => {
  const folder = await tempDirectory();
  const port = await freePort();
  const sibling = await keepInChild(folder, port, 's', 100);
  const accounting = open({ folder, port });
  await accounting.recover();
  for (const id of ids(100)) accounting.account(startRecord(id));
  expect(await spools(folder)).toHaveLength(2);
  const server = await receiver(port);
  await server.have(200);
  expect(server.ids().toSorted()).toEqual([...ids(100), ...ids(100, 's')].toSorted());
  expect(server.sockets).toHaveLength(2);
  await noSpools(folder);
  await sibling.kill();
}, 40_000);

it('when it is full, messages are lost, which is told once, and told when it is over', async () => {
  const port = await freePort();
  const { one, directory, warnings } = await spooled(port, 20_000);
  for (const id of ids(200)) one.write(startRecord(id));
  expect(warnings).toEqual([`syslog 127.0.0.1:${port} takes no messages: some are lost`]);
  expect(one.waiting).toBe(0);
  expect(one.spooledBytes).toBeLessThanOrEqual(20_000);
  const kept = 200 - one.lost;
  expect(kept).toBeGreaterThan(50);
  const server = await receiver(port);
  await vi.waitFor(() => expect(warnings).toHaveLength(2), { timeout: 15_000 });
  expect(warnings[1]).toBe(`syslog 127.0.0.1:${port}: messages are kept again; ${200 - kept} were lost`);
  await vi.waitFor(async () => expect(await readdir(directory)).toEqual([]), { timeout: 15_000 });
  one.write(startRecord('later'));
  await server.have(kept + 1);
  expect(server.ids()).toEqual([...ids(kept), 'later']);
  expect(warnings).toHaveLength(2);
}, 40_000);

it.each([
  ['what fits into the buffers of the systems', 200, 'a'],
  ['more than that', 4000, 'x'.repeat(4000)],
])(
  'closed while the server reads nothing, it keeps %s for the next start',
  async (_, count, user) => {
    const folder = await tempDirectory();
    const deaf = await receiver(0, () => {});
    const accounting = open({ folder, port: deaf.port });
    for (const id of ids(count)) accounting.account(startRecord(id, user));
    await once(deaf.server, 'connection');
    accounting.close();
    await vi.waitFor(
      async () => {
        const left = await spools(folder);
        expect(left.length).toBeGreaterThan(0);
        for (const name of left) expect(name).toContain('-0-nobody_');
      },
      { timeout: 15_000 },
    );
    await deaf.leave();
    const server = await receiver(deaf.port);
    open({ folder, port: deaf.port });
    await server.have(count);
    expect(server.ids()).toEqual(ids(count));
    await noSpools(folder);
  },
  60_000,
);

it('what is in memory when it is closed is on the disk before it is tried', async () => {
  const folder = await tempDirectory();
  const deaf = await receiver(0, () => {});
  const accounting = open({ folder, port: deaf.port });
  accounting.account(startRecord('first'));
  await once(deaf.server, 'connection');
  await noSpools(folder);
  for (const id of ids(50)) accounting.account(startRecord(id));
  expect(await spools(folder)).toEqual([]);
  for (const id of ids(50, 'late')) accounting.account(startRecord(id));
  accounting.close();
  // The first of them is with the system already.
  const [name = ''] = await spools(folder);
  const text = await readFile(join(folder, 'journals', name), 'latin1');
  expect([...text.matchAll(/"id":"(late\d+)"/g)].map(([, id]) => id)).toEqual(ids(50, 'late'));
}, 40_000);

it('closed while the server reads, it leaves nothing', async () => {
  const folder = await tempDirectory();
  const server = await receiver();
  const accounting = open({ folder, port: server.port });
  for (const id of ids(3000)) accounting.account(startRecord(id));
  accounting.close();
  await server.have(3000);
  expect(server.ids()).toEqual(ids(3000));
  await noSpools(folder);
}, 40_000);

it('a server that is there and slow has the messages wait on the disk, in order', async () => {
  const folder = await tempDirectory();
  const slow = await receiver(0, () => {});
  const accounting = open({ folder, port: slow.port });
  accounting.account(startRecord('first'));
  await once(slow.server, 'connection');
  await noSpools(folder);
  const user = 'x'.repeat(4000);
  // Until the systems take no more, and the queue is over its bound.
  let count = 0;
  while ((await spools(folder)).length === 0 && count < 8000) {
    for (let i = 0; i < 100; i++) accounting.account(startRecord(`r${count++}`, user));
    await new Promise(setImmediate);
  }
  const [name = ''] = await spools(folder);
  const text = await readFile(join(folder, 'journals', name), 'latin1');
  const kept = [...text.matchAll(/"id":"r(\d+)"/g)].map(([, number]) => Number(number));
  const from = kept[0] ?? -1;
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => from + index));
  await slow.leave();
  const server = await receiver(slow.port);
  await server.have(count - from);
  expect(server.ids()).toEqual(ids(count).slice(from));
}, 60_000);
