import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeSocketPlace } from '../../../src/ssh/program/socket-place.ts';
import { tempDirectory } from '../../support/temp.ts';

it('makes a directory for this user alone, in the first folder that will do, and removes it with all that is in it', async () => {
  const folder = await tempDirectory();
  await writeFile(join(folder, 'file'), '');
  const place = await makeSocketPlace([join(folder, 'missing'), join(folder, 'file'), folder]);
  const [name] = (await readdir(folder)).filter((entry) => entry !== 'file');
  expect(place?.path).toBe(join(folder, name as string, 's'));
  expect((await stat(join(folder, name as string))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(folder, name as string))).toEqual([]);
  await writeFile(place?.path as string, '');
  await place?.remove();
  expect(await readdir(folder)).toEqual(['file']);
});

it('passes over a folder whose path is too long for the address of a socket', async () => {
  const folder = join(await tempDirectory(), 'x'.repeat(100));
  await mkdir(folder);
  expect(await makeSocketPlace([folder])).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

it('takes a folder whose path is just short enough, with room for the name that ssh uses first', async () => {
  const base = await tempDirectory();
  // 103 = base + "/" + name + "/sealift-" + 6 + "/s" + "." + 16
  const name = (room: number) => 'x'.repeat(103 - base.length - 1 - 9 - 6 - 2 - 17 - room);
  for (const room of [0, -1]) await mkdir(join(base, name(room)));
  const place = await makeSocketPlace([join(base, name(0))]);
  expect(`${place?.path}.${'y'.repeat(16)}`).toHaveLength(103);
  await place?.remove();
  expect(await makeSocketPlace([join(base, name(-1))])).toBeUndefined();
});

it.each(['a b', 'a%h', "a'b", '$HOME'])('passes over the folder %j, whose name ssh would read', async (name) => {
  const folder = join(await tempDirectory(), name);
  await mkdir(folder);
  expect(await makeSocketPlace([folder])).toBeUndefined();
});

it('passes over a relative folder', async () => {
  expect(await makeSocketPlace(['.', ''])).toBeUndefined();
});
