import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keptName, uploadName } from '../../src/files/private-names.ts';
import { sweep } from '../../src/server/sweep.ts';
import { tempDirectory } from '../support/temp.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;
const START_MS = NOW_MS - HOUR_MS;

/** Process 7 is ours, 8 runs, all others are gone. */
const processes = { id: 7, isAlive: (id: number) => id === 8 };

async function make(path: string, ageMs: number): Promise<void> {
  await writeFile(path, 'x');
  const seconds = (NOW_MS - ageMs) / 1000;
  await utimes(path, seconds, seconds);
}

describe('sweeping', () => {
  it.each([
    ['an upload of a process that is gone', uploadName(9), 0, true, true],
    ['an upload of a process that runs', uploadName(8), 48 * HOUR_MS, false, false],
    ['an upload of our own', uploadName(7), 0, false, false],
    ['an upload with our number from before our start', uploadName(7), 2 * HOUR_MS, true, false],
    ['what was kept before our start', keptName('f', 'u'), 2 * HOUR_MS, true, false],
    ['what was kept since', keptName('f', 'u'), 0, false, false],
    ['what was kept too long ago', keptName('f', 'u'), 25 * HOUR_MS, true, true],
    ['what was kept too long ago under a hash', keptName('f'.repeat(250), 'u'), 25 * HOUR_MS, true, true],
    ['a part that a client has named', '.f.0123456789ab.sealift-part', 48 * HOUR_MS, false, false],
    ['a file with such an end that is not ours', 'notes.sealift-upload', 48 * HOUR_MS, false, false],
  ])('%s', async (_what, name, ageMs, goesAtStart, goesLater) => {
    for (const [startedMs, goes] of [
      [START_MS, goesAtStart],
      [undefined, goesLater],
    ] as const) {
      const root = await tempDirectory();
      await mkdir(join(root, 'a', 'b'), { recursive: true });
      await make(join(root, 'a', 'b', name), ageMs);
      await make(join(root, 'a', 'file'), 48 * HOUR_MS);
      expect(await sweep({ root, process: processes, startedMs, nowMs: NOW_MS })).toBe(goes ? 1 : 0);
      expect(await readdir(join(root, 'a', 'b'))).toEqual(goes ? [] : [name]);
      expect((await readdir(join(root, 'a'))).sort()).toEqual(['b', 'file']);
    }
  });

  it('follows no link, and passes over what it cannot read', async () => {
    const root = await tempDirectory();
    const outside = await tempDirectory();
    const name = uploadName(9);
    await make(join(outside, name), 0);
    await symlink(outside, join(root, 'link'));
    await symlink(join(outside, name), join(root, name));
    expect(await sweep({ root, process: processes, nowMs: NOW_MS })).toBe(0);
    expect(await sweep({ root: join(root, 'nowhere'), process: processes, nowMs: NOW_MS })).toBe(0);
    expect(await readdir(outside)).toEqual([name]);
  });

  it('stops when it is told to', async () => {
    const root = await tempDirectory();
    await make(join(root, uploadName(9)), 0);
    const options = { root, process: processes, nowMs: NOW_MS };
    expect(await sweep({ ...options, signal: AbortSignal.abort() })).toBe(0);
  });
});
