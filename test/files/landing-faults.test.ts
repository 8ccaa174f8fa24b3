import { link, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FileError } from '../../src/base/errors.ts';
import { land } from '../../src/files/landing.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import { Faults, faulty } from '../support/step-faults.ts';
import { createTempDirectory } from '../support/temp.ts';

const NEW = Buffer.alloc(900_000, 'new ');
const OLD = Buffer.alloc(600_000, 'old ');

/** Fills a file that has a second name, which a rename would lose. */
async function fill(nth: number | undefined) {
  const temporary = await createTempDirectory('landing');
  try {
    const path = join(temporary.path, 'f');
    await writeFile(path, OLD);
    await link(path, join(temporary.path, 'second'));
    const faults = new Faults();
    faults.plan = nth === undefined ? undefined : { nth, code: 'ENOSPC' };
    const directory = await faulty(rootedFileSystem(temporary.path), faults).directory('/');
    let error: FileError | undefined;
    try {
      const landing = await land(directory, 'f', { mode: 0o644, follow: true, durable: true });
      try {
        await landing.write(NEW);
        await landing.commit({});
      } catch (cause) {
        await landing.discard();
        throw cause;
      }
    } catch (cause) {
      error = cause as FileError;
    }
    await directory.close();
    const part = (await readdir(temporary.path)).find((name) => name.endsWith('.sealift-part'));
    const kept = part === undefined ? undefined : await readFile(join(temporary.path, part));
    return {
      faults,
      error,
      part,
      kept,
      content: await readFile(path),
      second: await readFile(join(temporary.path, 'second')),
    };
  } finally {
    await temporary.remove();
  }
}

it('a file that has to be filled where it stands is whole where there is no room for more, and what does not fit is not lost', async () => {
  const good = await fill(undefined);
  expect([good.error, good.part, good.content.equals(NEW), good.second.equals(NEW)]).toEqual([
    undefined,
    undefined,
    true,
    true,
  ]);
  const damaged: string[] = [];
  for (const [nth, point] of good.faults.asked.entries()) {
    const { error, part, kept, content, second } = await fill(nth);
    const where = `${nth} ${point}`;
    expect([where, content.equals(second)]).toEqual([where, true]);
    if (content.equals(OLD)) expect([where, part, error?.code]).toEqual([where, undefined, 'ENOSPC']);
    else if (content.equals(NEW)) expect([where, error?.code]).toEqual([where, 'ENOSPC']);
    else {
      damaged.push(point);
      expect([where, kept?.equals(NEW)]).toEqual([where, true]);
      expect(error?.message).toContain(`the new content is whole in /${part}`);
    }
  }
  // The tail is written first: the disk is full before anything is overwritten. The rest is a disk that fails.
  const writes = good.faults.asked.filter((point) => point === 'write').length;
  expect(damaged.filter((point) => point === 'write').length).toBe(Math.ceil(OLD.length / (256 * 1024)));
  expect(writes).toBeGreaterThan(damaged.length);
}, 60_000);
