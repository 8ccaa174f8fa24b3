import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addKnownHost, loadKnownHosts } from '../../../src/ssh/known-hosts/files.ts';
import { tempDirectory } from '../../support/temp.ts';

const key = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
const add = (file: string, name = 'h') => addKnownHost(file, name, 'ssh-ed25519', key, false);

it('a missing file holds nothing, one that cannot be read is an error', async () => {
  const directory = await tempDirectory();
  expect(await loadKnownHosts([join(directory, 'none'), '/dev/null'])).toEqual([]);
  await expect(loadKnownHosts([directory])).rejects.toMatchObject({ code: 'EISDIR' });
});

it('a new file is closed to others and is made with its folder', async () => {
  const file = join(await tempDirectory(), '.ssh', 'known_hosts');
  await add(file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await loadKnownHosts([file])).toMatchObject([{ names: 'h', line: 1 }]);
});

it('a line is not appended to an unfinished one', async () => {
  const file = join(await tempDirectory(), 'known_hosts');
  await writeFile(file, '# no line end');
  await add(file);
  expect(await readFile(file, 'utf8')).toBe(`# no line end\nh ssh-ed25519 ${key.toString('base64')}\n`);
});

it('lines that are added at the same time stay whole', async () => {
  const file = join(await tempDirectory(), 'known_hosts');
  await writeFile(file, '');
  await Promise.all(Array.from({ length: 20 }, (_, index) => add(file, `host${index}`)));
  expect(await loadKnownHosts([file])).toHaveLength(20);
});
