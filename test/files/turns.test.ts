import { link, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Directory } from '../../src/files/file-system.ts';
import { land, landInPlace } from '../../src/files/landing.ts';
import type { Landing } from '../../src/files/landing-types.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { Turns } from '../../src/files/turns.ts';
import { tempDirectory } from '../support/temp.ts';

const KiB = 1024;

async function openTemp(): Promise<{ path: string; directory: Directory }> {
  const path = await tempDirectory();
  const directory = await localFileSystem({ pin: true }).directory(path);
  onTestFinished(() => directory.close());
  return { path, directory };
}

/** Writes both contents at the same time, piece by piece. */
async function fill(landing: Promise<Landing>, letter: string, pieces: number): Promise<void> {
  const writing = await landing;
  for (let piece = 0; piece < pieces; piece++) {
    await writing.write(Buffer.alloc(512 * KiB, letter));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing.commit({});
}

function isWhole(content: Buffer): boolean {
  const [first = 0] = content;
  return content.equals(Buffer.alloc((first === 97 ? 6 : 4) * 512 * KiB, first));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('two contents for one file', () => {
  it.each(['hard link', 'symbolic link', 'nothing'])(
    'go there one after the other where it is written in place and was there already: %s',
    async (kind) => {
      const { path, directory } = await openTemp();
      await writeFile(join(path, 'a'), 'old');
      if (kind === 'hard link') await link(join(path, 'a'), join(path, 'b'));
      if (kind === 'symbolic link') await symlink('a', join(path, 'b'));
      const how = { mode: 0o644, follow: true, turns: new Turns() };
      const other = kind === 'nothing' ? 'a' : 'b';
      await Promise.all([
        fill(landInPlace(directory, 'a', how), 'a', 6),
        fill(landInPlace(directory, other, how), 'b', 4),
      ]);
      expect(isWhole(await readFile(join(path, 'a')))).toBe(true);
    },
  );

  it('go there one after the other where the second name leads to what the first has just made', async () => {
    const { path, directory } = await openTemp();
    await symlink('a', join(path, 'b'));
    const how = { mode: 0o644, follow: true, turns: new Turns() };
    const first = await landInPlace(directory, 'a', how);
    let begun = false;
    const second = fill(
      landInPlace(directory, 'b', how).finally(() => {
        begun = true;
      }),
      'b',
      4,
    );
    await settle();
    expect(begun).toBe(false);
    await first.write(Buffer.alloc(6 * 512 * KiB, 'a'));
    await first.commit({});
    await second;
    expect(isWhole(await readFile(join(path, 'a')))).toBe(true);
  });

  it('go there one after the other where the file is filled from what landed beside it', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'a'), 'old');
    await link(join(path, 'a'), join(path, 'b'));
    const how = { mode: 0o644, follow: true, turns: new Turns() };
    for (let round = 0; round < 5; round++) {
      await Promise.all([fill(land(directory, 'a', how), 'a', 6), fill(land(directory, 'b', how), 'b', 4)]);
      expect(isWhole(await readFile(join(path, 'a')))).toBe(true);
    }
  });

  it('let new files be written side by side, and free their turn when they fail', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'old'), 'old');
    const how = { mode: 0o644, follow: true, turns: new Turns() };
    const fresh = await Promise.all(['x', 'y'].map((name) => landInPlace(directory, name, how)));
    for (const landing of fresh) await landing.discard();
    const first = await landInPlace(directory, 'old', how);
    await first.discard();
    const second = await landInPlace(directory, 'old', how);
    await second.write(Buffer.from('new'));
    await second.commit({});
    expect(await readFile(join(path, 'old'), 'utf8')).toBe('new');
  });
});
