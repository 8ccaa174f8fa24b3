import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OVERLAP_BYTES, resumeFor } from '../../src/copy/overlap.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { tempDirectory } from '../support/temp.ts';

const MiB = 1024 * 1024;

async function compare(source: Buffer, left: Buffer): Promise<boolean> {
  const path = await tempDirectory();
  await writeFile(join(path, 'source'), source);
  await writeFile(join(path, 'left'), left);
  const near = await localFileSystem({ pin: true }).directory(path);
  const file = await near.open('source', { access: 'read' });
  onTestFinished(async () => {
    await file.close();
    await near.close();
  });
  const { agrees } = resumeFor(file, await file.status());
  return await agrees(near, 'left', left.length);
}

describe('what an earlier attempt left', () => {
  const source = Buffer.from(Array.from({ length: 12 * MiB }, (_, at) => (at * 31 + (at >> 9)) % 256));

  it('is gone on with where it is the beginning of the source', async () => {
    for (const size of [1, 1000, OVERLAP_BYTES, OVERLAP_BYTES + 1, 9 * MiB + 5, source.length]) {
      expect(await compare(source, source.subarray(0, size)), String(size)).toBe(true);
    }
  });

  it('is not where its end differs by a byte, or where it is longer than the source', async () => {
    const left = Buffer.from(source.subarray(0, 3 * MiB));
    left[3 * MiB - 1] = (left.at(-1) as number) ^ 1;
    expect(await compare(source, left)).toBe(false);
    expect(await compare(source.subarray(0, MiB), source.subarray(0, 2 * MiB))).toBe(false);
  });

  it('has another name where the source was written anew within a second', async () => {
    const path = await tempDirectory();
    await writeFile(join(path, 'f'), 'one');
    const directory = await localFileSystem({ pin: true }).directory(path);
    const file = await directory.open('f', { access: 'read' });
    const status = await file.status();
    const second = Math.floor(status.mtimeSeconds);
    const [a, b] = [0.25, 0.5].map((part) => resumeFor(file, { ...status, mtimeSeconds: second + part }).key);
    expect(a).not.toBe(b);
    expect(resumeFor(file, { ...status, inode: 1 }).key).not.toBe(resumeFor(file, { ...status, inode: 2 }).key);
    await file.close();
    await directory.close();
  });
});
