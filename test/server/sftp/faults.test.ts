import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { rootedFileSystem } from '../../../src/files/rooted.ts';
import { faultyFileSystem } from '../../support/faulty-files.ts';
import { openClient } from '../../support/sftp-client.ts';
import { tempDirectory } from '../../support/temp.ts';

const NEW = 'new content, in three pieces';
const OLD = 'old content';

const codes: readonly ErrorCode[] = ['ENOSPC', 'EIO', 'EDQUOT', 'EMFILE', 'EINTR'];

/** Which calls fail: the operation, and the how-manieth of its calls. */
const places: readonly (readonly [string, number])[] = [
  ['open', 1],
  ['open', 2],
  ['write', 1],
  ['write', 2],
  ['read', 1],
  ['truncate', 1],
  ['sync', 1],
  ['sync', 2],
  ['rename', 1],
  ['makeHardLink', 1],
  ['close', 1],
  ['status', 1],
  ['status', 3],
  ['setMode', 1],
  ['setTimes', 1],
];

describe.each(codes)('%s', (code) => {
  it.each(places)(
    'at %s, call %d: the name holds the whole old or the whole new content, and nothing is left',
    async (operation, nth) => {
      for (const [existing, flags] of [
        [true, 2 | 8 | 16],
        [true, 2 | 8],
        [false, 2 | 8 | 16],
        [false, 2 | 8 | 32],
      ] as const) {
        const root = await tempDirectory();
        if (existing) await writeFile(join(root, 'f'), OLD);
        let calls = 0;
        const fileSystem = faultyFileSystem(rootedFileSystem(root), (called) =>
          called === operation && ++calls === nth ? code : undefined,
        );
        const { client, cut } = await openClient({ root, fileSystem, durable: true });
        const failed: string[] = [];
        const attempt = async (what: string, work: () => Promise<unknown>): Promise<unknown> => {
          try {
            return await work();
          } catch {
            failed.push(what);
            return undefined;
          }
        };
        const handle = (await attempt('open', () => client.open('/f', flags))) as
          | Awaited<ReturnType<typeof client.open>>
          | undefined;
        if (handle !== undefined) {
          for (const [at, to] of [
            [0, 5],
            [5, 9],
            [9, 28],
          ] as const)
            await attempt('write', () => client.write(handle, at, [Buffer.from(NEW.slice(at, to))]));
          await attempt('fsetstat', () => client.fsetstat(handle, { size: NEW.length }));
          await attempt('fsetstat', () =>
            client.fsetstat(handle, { permissions: 0o644, atimeSeconds: 1, mtimeSeconds: 2 }),
          );
          await attempt('close', () => client.closeHandle(handle));
        }
        await cut();
        const names = await readdir(root);
        const content = names.includes('f') ? await readFile(join(root, 'f'), 'utf8') : undefined;
        const old = existing ? OLD : undefined;
        // Whoever heard of no failure has what was sent; whoever did has that or what was there.
        if (!['open', 'write', 'close'].some((what) => failed.includes(what))) expect(content).toBe(NEW);
        expect([NEW, old]).toContain(content);
        expect(names.filter((name) => name !== 'f')).toEqual([]);
      }
    },
  );
});
