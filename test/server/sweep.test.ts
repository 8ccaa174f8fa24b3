import { renameSync, symlinkSync } from 'node:fs';
import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keptName, readPrivateName, uploadName } from '../../src/files/private-names.ts';
import type { Fate, ProcessMark } from '../../src/files/process-mark.ts';
import { isLeftover } from '../../src/server/sftp/leftover.ts';
import { sweep } from '../../src/server/sweep.ts';
import { tempDirectory } from '../support/temp.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;

const fates: Readonly<Record<string, Fate>> = { 1: 'runs', 2: 'gone', 3: 'rebooted', 4: 'foreign' };
/** The machine was started an hour ago. */
const processes: ProcessMark = {
  id: '1',
  fateOf: (id) => fates[id] ?? 'foreign',
  bootedMs: () => NOW_MS - HOUR_MS,
};

async function make(path: string, ageMs: number): Promise<void> {
  await writeFile(path, 'x');
  const seconds = (NOW_MS - ageMs) / 1000;
  await utimes(path, seconds, seconds);
}

describe('sweeping', () => {
  it.each([
    ['an upload of a process that is gone', uploadName('2'), 0, true],
    ['an upload of a process that runs', uploadName('1'), 48 * HOUR_MS, false],
    ['an upload of an earlier boot', uploadName('3'), 2 * HOUR_MS, true],
    ['an upload of an earlier boot that is written still', uploadName('3'), 0, false],
    ['an upload of another machine', uploadName('4'), 23 * HOUR_MS, false],
    ['an upload of another machine that is not written any more', uploadName('4'), 25 * HOUR_MS, true],
    ['what is kept', keptName('f', 'u'), 23 * HOUR_MS, false],
    ['what was kept too long ago', keptName('f', 'u'), 25 * HOUR_MS, true],
    ['what was kept too long ago under a hash', keptName('f'.repeat(250), 'u'), 25 * HOUR_MS, true],
    ['a part that a client has named', '.f.0123456789ab.sealift-part', 48 * HOUR_MS, false],
    ['a file with such an end that is not ours', 'notes.sealift-upload', 48 * HOUR_MS, false],
  ])('%s', async (_what, name, ageMs, goes) => {
    const root = await tempDirectory();
    await mkdir(join(root, 'a', 'b'), { recursive: true });
    await make(join(root, 'a', 'b', name), ageMs);
    await make(join(root, 'a', 'file'), 48 * HOUR_MS);
    expect(await sweep({ root, process: processes, nowMs: NOW_MS })).toBe(goes ? 1 : 0);
    expect(await readdir(join(root, 'a', 'b'))).toEqual(goes ? [] : [name]);
    expect((await readdir(join(root, 'a'))).sort()).toEqual(['b', 'file']);
  });

  it.each([
    [keptName('f', 'u'), 25 * HOUR_MS, true],
    [keptName('f', 'u'), 23 * HOUR_MS, false],
    [uploadName('4'), 25 * HOUR_MS, true],
    [uploadName('4'), 23 * HOUR_MS, false],
    [uploadName('3'), 25 * HOUR_MS, true],
  ])('takes a time in the future for no time: %s, changed %i ms ago', (name, changedMs, goes) => {
    const times = { mtimeMs: NOW_MS + 1000 * HOUR_MS, ctimeMs: NOW_MS - changedMs };
    const own = readPrivateName(name);
    expect(own !== undefined && isLeftover(own, times, { process: processes, nowMs: NOW_MS, byAge: true })).toBe(goes);
  });

  it('follows no link, and passes over what it cannot read', async () => {
    const root = await tempDirectory();
    const outside = await tempDirectory();
    const name = uploadName('2');
    await make(join(outside, name), 0);
    await symlink(outside, join(root, 'link'));
    await symlink(join(outside, name), join(root, name));
    expect(await sweep({ root, process: processes, nowMs: NOW_MS })).toBe(0);
    expect(await sweep({ root: join(root, 'nowhere'), process: processes, nowMs: NOW_MS })).toBe(0);
    expect(await readdir(outside)).toEqual([name]);
  });

  it('is not led out by links that take the place of folders while it sweeps', async () => {
    const root = await tempDirectory();
    const outside = await tempDirectory();
    const name = uploadName('2');
    await make(join(outside, name), 0);
    const folders = ['a', 'b', 'c'].map((folder) => join(root, folder));
    for (const folder of folders) {
      await mkdir(folder);
      await make(join(folder, name), 0);
    }
    let hasSwapped = false;
    const swapping: ProcessMark = {
      ...processes,
      fateOf: (id) => {
        for (const folder of hasSwapped ? [] : folders) {
          renameSync(folder, `${folder}.old`);
          symlinkSync(outside, folder);
        }
        hasSwapped = true;
        return processes.fateOf(id);
      },
    };
    expect(await sweep({ root, process: swapping, nowMs: NOW_MS })).toBe(1);
    expect(await readdir(outside)).toEqual([name]);
  });

  it('stops when it is told to', async () => {
    const root = await tempDirectory();
    await make(join(root, uploadName('2')), 0);
    const options = { root, process: processes, nowMs: NOW_MS };
    expect(await sweep({ ...options, signal: AbortSignal.abort() })).toBe(0);
  });
});
