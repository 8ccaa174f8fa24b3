import type * as fs from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { isElsewhere } from '../../src/files/network-file-systems.ts';
import { tempDirectory } from '../support/temp.ts';

const told = vi.hoisted(() => ({ type: 0 }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const statfs = async (path: string) => Object.assign(await real.statfs(path), told);
  return { ...real, statfs };
});

it.each([
  ['NFS', 0x6969],
  ['SMB, a number that has its highest bit', 0xff534d42],
  ['the same as a number below zero', 0xff534d42 | 0],
  ['FUSE', 0x65735546],
])('what is on %s is elsewhere', async (_, type) => {
  told.type = type;
  expect(await isElsewhere(await tempDirectory())).toBe(true);
});

it('what is on a disk, or is not there, is not', async () => {
  const folder = await tempDirectory();
  told.type = 0xef53;
  expect(await isElsewhere(folder)).toBe(false);
  expect(await isElsewhere(`${folder}/missing`)).toBe(false);
});
