import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Directory } from '../../../src/files/file-system.ts';
import { localFileSystem } from '../../../src/files/local.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { fakeRootKey, fakeVerifier } from '../../support/fake-proofs.ts';
import { add, firstKeys, refusal, revocation, revoke, states, withStorage } from '../../support/key-folder.ts';
import { tempDirectory } from '../../support/temp.ts';

async function makeFolder(): Promise<{ readonly path: string; readonly directory: Directory }> {
  const path = join(await tempDirectory('keys'), 'keys');
  await mkdir(path, { mode: 0o755 });
  const directory = await localFileSystem({ pin: true }).directory(path);
  await initKeyStorage(directory, firstKeys.map(fakeRootKey), { verifier: fakeVerifier });
  return { path, directory };
}

describe('K1 on a real file system', () => {
  const damages: Readonly<Record<string, (path: string, folder: string) => Promise<unknown>>> = {
    'a symbolic link': async (path, folder) => {
      await rename(path, join(folder, 'elsewhere'));
      await symlink('elsewhere', path);
    },
    'a hard link': (path, folder) => link(path, join(folder, 'elsewhere')),
    'a FIFO': async (path) => {
      await rm(path);
      execFileSync('mkfifo', [path]);
    },
    'a folder': async (path) => {
      await rm(path);
      await mkdir(path);
    },
    'a file that others may write': (path) => chmod(path, 0o666),
    'a huge file': (path) => writeFile(path, Buffer.alloc(9 * 1024 * 1024)),
  };

  it.each(Object.keys(damages))('a copy that is %s is not used, and put right', async (damage) => {
    const { path, directory } = await makeFolder();
    const good = await readFile(join(path, 'primary.keys'));
    await damages[damage]?.(join(path, 'primary.keys'), path);
    const problems = await withStorage({ directory }, {}, (storage) => storage.problems);
    expect(problems.map(({ kind, copy }) => [kind, copy])).toEqual([['copy', 'primary']]);
    await withStorage({ directory }, { change: true }, () => {});
    expect(await readFile(join(path, 'primary.keys'))).toEqual(good);
    expect((await stat(join(path, 'primary.keys'))).mode & 0o777).toBe(0o644);
    await directory.close();
  });

  it('a root that is a link is refused', async () => {
    const { path, directory } = await makeFolder();
    await rename(join(path, 'root.json'), join(path, 'elsewhere'));
    await symlink('elsewhere', join(path, 'root.json'));
    expect((await refusal(() => states({ directory }))).message).toBe(`${path}/root.json: is a symbolic link`);
    await directory.close();
  });
});

it('what was prepared under the names of a change leads nowhere', async () => {
  const { path, directory } = await makeFolder();
  const victim = join(path, '..', 'victim');
  await writeFile(victim, 'precious');
  for (const name of ['primary.keys.new', 'backup.keys.new', 'nvram.json.new']) await symlink(victim, join(path, name));
  await add({ directory }, 'production', revocation());
  await revoke({ directory }, 'production');
  expect(await readFile(victim, 'utf8')).toBe('precious');
  expect(await states({ directory })).toEqual(['production A revoked', 'production B valid', 'special A valid']);
  await directory.close();
});

it('a storage whose folder is renamed meanwhile stays the one that was opened', async () => {
  const { path, directory } = await makeFolder();
  await rename(path, `${path}-moved`);
  await mkdir(path);
  await add({ directory }, 'production', revocation());
  expect(await readFile(join(`${path}-moved`, 'primary.keys'), 'utf8')).toContain('"generation":2');
  await directory.close();
});
