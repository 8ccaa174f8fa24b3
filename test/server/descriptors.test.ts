import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { descriptors } from '../../src/files/descriptors.ts';
import { LocalDirectory } from '../../src/files/local-directory.ts';
import { descriptorLimit, planDescriptors, RESERVED_DESCRIPTORS } from '../../src/server/descriptor-plan.ts';
import { DescriptorWatch } from '../../src/server/descriptor-watch.ts';
import { HandleCounts } from '../../src/server/handle-counts.ts';
import { MAX_TOLD } from '../../src/server/told.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { tempDirectory } from '../support/temp.ts';
import { login, sftpChannel, startTestServer } from './support.ts';

afterEach(() => {
  descriptors.limit = Number.POSITIVE_INFINITY;
});

describe('descriptors', () => {
  it.each([
    [undefined, 1000],
    [65_536, 1000],
    [2500, 1000],
    [1024, 1000],
    [256, 1000],
    [10, 1000],
  ])('of a process that may have %s are divided, so that all together stay below', (limit, connections) => {
    const plan = planDescriptors(limit, connections);
    expect(plan.connections).toBeGreaterThan(0);
    expect(plan.files).toBeGreaterThan(0);
    expect(plan.handlesPerConnection).toBeLessThanOrEqual(plan.handlesPerUser);
    if (limit !== undefined && limit > RESERVED_DESCRIPTORS + 2) {
      expect(plan.connections + plan.files).toBeLessThanOrEqual(limit - RESERVED_DESCRIPTORS);
      expect(2 * 3 * plan.handlesPerUser).toBeLessThanOrEqual(plan.files);
    }
    expect(plan.warning !== undefined).toBe(plan.connections < connections);
  });

  it('that do not suffice are told with the cure', () => {
    expect(planDescriptors(1024, 1000).warning).toBe(
      '1024 open files are allowed to this process: 462 of 1000 connections are let in; set LimitNOFILE=2100 or more in the unit, or ulimit -n 2100 or more before the start',
    );
    expect(descriptorLimit()).toBeGreaterThan(0);
  });

  it('that files and directories hold are counted, and no more are taken than may be', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'd'));
    await writeFile(join(root, 'f'), 'x');
    const before = descriptors.held;
    const top = await LocalDirectory.open(root, '/', { follow: true, pin: true });
    const file = await top.open('f', { access: 'read' });
    const names = top.names({ gradual: true })[Symbol.asyncIterator]();
    await names.next();
    const held = descriptors.held;
    expect(held - before).toBeGreaterThanOrEqual(2);
    descriptors.limit = held;
    const { refused } = descriptors;
    for (const open of [
      () => top.open('f', { access: 'read' }),
      () => top.names({ gradual: true })[Symbol.asyncIterator]().next(),
    ])
      await expect(open()).rejects.toMatchObject({ code: 'EMFILE' });
    expect(descriptors.refused).toBe(refused + 2);
    descriptors.limit = Number.POSITIVE_INFINITY;
    await expect(top.open('none', { access: 'read' })).rejects.toMatchObject({ code: 'ENOENT' });
    expect(descriptors.held).toBe(held);
    await names.return?.();
    for (const one of [file, file, top, top]) await one.close();
    expect(descriptors.held).toBe(before);
  });

  it('that run out are told once a minute', async () => {
    let nowMs = 0;
    const told: string[] = [];
    const watch = new DescriptorWatch(
      (text) => told.push(text),
      () => nowMs,
    );
    await watch.look();
    expect(told).toEqual([]);
    descriptors.limit = descriptors.held;
    const refuse = async (): Promise<void> => {
      await expect(descriptors.take(async () => undefined)).rejects.toMatchObject({ code: 'EMFILE' });
    };
    await refuse();
    await watch.look();
    expect(told).toEqual([expect.stringMatching(/^files could not be opened 1 times for want of .*LimitNOFILE=/)]);
    nowMs = 59_000;
    await refuse();
    await watch.look();
    expect(watch.failed('accept', Object.assign(new Error('accept'), { code: 'EMFILE' }))).toBe(true);
    expect(told).toHaveLength(1);
    nowMs = 60_000;
    expect(watch.failed('accept', Object.assign(new Error('accept'), { code: 'ENFILE' }))).toBe(true);
    expect(told[1]).toBe('accept: the system has too many open files; raise fs.file-max');
    expect(watch.failed('accept', new Error('else'))).toBe(false);
    watch.close();
  });
});

describe('handles', () => {
  it('are counted by connection and by user', () => {
    const counts = new HandleCounts(() => ({ handlesPerConnection: 2, handlesPerUser: 3 }));
    const take = (id: number, user = 'alice'): (() => void) | string => counts.take({ id, user });
    const free = take(1) as () => void;
    take(1);
    expect(take(1)).toBe('2 handles of this connection are open, more are not allowed');
    take(2);
    expect(take(2)).toBe('3 handles of this user are open, more are not allowed');
    expect(take(3, 'bob')).toBeTypeOf('function');
    free();
    free();
    expect(take(2)).toBeTypeOf('function');
    expect(take(2)).toBeTypeOf('string');
  });

  it('of a connection are bounded over all its channels, and free again when they or their sessions end', async () => {
    const { port, event, events } = await startTestServer();
    const client = await login(port);
    const sessions = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const channel = await sftpChannel(client);
        return await SftpSession.open({ input: channel, output: channel }, { host: 'server' });
      }),
    );
    const [first, second, third, last] = sessions as [SftpSession, SftpSession, SftpSession, SftpSession];
    const opened = await Promise.all(
      [first, second, third].flatMap((sftp) => Array.from({ length: 100 }, () => sftp.opendir('/'))),
    );
    const tooMany = '300 handles of this connection are open, more are not allowed';
    await expect(last.opendir('/')).rejects.toThrow(tooMany);
    await expect(last.open('/f', 2 | 8)).rejects.toThrow(tooMany);
    expect(await event('request-refused')).toMatchObject({ request: `sftp: ${tooMany}` });
    for (let i = 0; i < MAX_TOLD; i++) await expect(last.opendir('/')).rejects.toThrow(tooMany);
    expect(events.filter(({ type }) => type === 'request-refused')).toHaveLength(MAX_TOLD);
    await first.closeHandle(opened[0] as NonNullable<(typeof opened)[0]>);
    await last.closeHandle(await last.opendir('/'));
    const held = descriptors.held;
    second.close();
    await expect.poll(() => descriptors.held).toBeLessThan(held - 90);
    for (let i = 0; i < 90; i++) await last.opendir('/');
  });
});

it('a program whose server has ended may open as many files as the system allows', async () => {
  const { server } = await startTestServer();
  if (descriptorLimit() !== undefined) expect(descriptors.limit).toBeLessThan(Number.POSITIVE_INFINITY);
  await server.close();
  expect(descriptors.limit).toBe(Number.POSITIVE_INFINITY);
});
