import { appendFile, link, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileError } from '../../src/base/errors.ts';
import type { Directory } from '../../src/files/file-system.ts';
import { FreeSpace } from '../../src/files/free-space.ts';
import { land } from '../../src/files/landing.ts';
import { limited } from '../../src/files/limited.ts';
import { dropZone } from '../../src/files/presets.ts';
import { uploadName } from '../../src/files/private-names.ts';
import { Room, type RoomLimits } from '../../src/files/room.ts';
import { type RootedFileSystem, rootedFileSystem } from '../../src/files/rooted.ts';
import { Usage } from '../../src/files/usage.ts';
import { MAX_COUNTED_DEPTH, scanUsage } from '../../src/files/usage-scan.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { createTempDirectory, tempDirectory } from '../support/temp.ts';

let root: string;
let room: Room;
let files: RootedFileSystem;

async function withLimits(limits: RoomLimits): Promise<void> {
  room = await Room.open(rootedFileSystem(root), limits);
  files = limited(rootedFileSystem(root), room);
}

/** 100 bytes of quota, 10 of which `old` takes. */
beforeEach(async () => {
  root = await tempDirectory('quota');
  await writeFile(join(root, 'old'), Buffer.alloc(10));
  await withLimits({ quota: 100 });
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'done',
    (error: FileError) => error.code,
  );
}

async function within<T>(work: (directory: Directory) => Promise<T>, fileSystem = files): Promise<T> {
  const directory = await fileSystem.directory('/');
  try {
    return await work(directory);
  } finally {
    await directory.close();
  }
}

/** Uploads as the server does. @param known whether the size is announced */
async function upload(name: string, size: number, known = true, fileSystem = files): Promise<void> {
  await within(async (directory) => {
    const partName = (): string => uploadName('1');
    const landing = await land(directory, name, { mode: 0o644, partName, ...(known ? { size } : {}) });
    try {
      await landing.write(Buffer.alloc(size));
      await landing.commit({});
    } catch (error) {
      await landing.discard();
      throw error;
    }
  }, fileSystem);
}

const truth = async (): Promise<unknown> => {
  const { bytes, entries } = await scanUsage(rootedFileSystem(root));
  return { bytes, entries };
};

describe('a quota', () => {
  it('counts what is there, what lands, what is replaced and what goes', async () => {
    expect(room.usage.amount).toEqual({ bytes: 10, entries: 1 });
    await upload('a', 40);
    expect(room.usage.amount).toEqual({ bytes: 50, entries: 2 });
    await upload('a', 30);
    expect(room.usage.amount).toEqual({ bytes: 40, entries: 2 });
    await within(async (d) => {
      await d.makeDirectory('d', 0o755);
      await d.makeLink('l', 'a');
      await d.makeHardLink('a', 'b');
      expect(room.usage.amount).toEqual({ bytes: 40, entries: 5 });
      await d.rename('a', 'b');
      await d.remove('a');
      expect(room.usage.amount).toEqual({ bytes: 40, entries: 4 });
      await d.rename('b', 'old');
      expect(room.usage.amount).toEqual({ bytes: 30, entries: 3 });
      await d.remove('old');
      await d.remove('l');
      await d.removeDirectory('d');
    });
    expect(room.usage.amount).toEqual({ bytes: 0, entries: 0 });
  });

  it('refuses a file of a known size before its first byte', async () => {
    expect(await codeOf(within((d) => land(d, 'a', { mode: 0o644, size: 91 })))).toBe('EDQUOT');
    await expect(upload('a', 91)).rejects.toMatchObject({ message: '/a: Disk quota exceeded' });
    expect(await readdir(root)).toEqual(['old']);
    expect([room.usage.amount.bytes, room.usage.reserved]).toEqual([10, 0]);
    await upload('a', 90);
    expect(await codeOf(upload('b', 1))).toBe('EDQUOT');
    await upload('empty', 0);
  });

  it('stops a file of an unknown size where the room ends, and leaves nothing of it', async () => {
    expect(await codeOf(upload('a', 91, false))).toBe('EDQUOT');
    expect(await readdir(root)).toEqual(['old']);
    expect(room.usage.amount).toEqual({ bytes: 10, entries: 1 });
    await upload('a', 90, false);
  });

  it('has both contents count while a file is replaced', async () => {
    await upload('a', 50);
    expect(await codeOf(upload('a', 41))).toBe('EDQUOT');
    expect((await readFile(join(root, 'a'))).length).toBe(50);
    await upload('a', 40);
    expect(room.usage.amount.bytes).toBe(50);
  });

  it('is not exceeded by uploads that run side by side', async () => {
    for (const known of [true, false]) {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, i) => codeOf(upload(`${known}${i}`, 20, known))),
      );
      expect(new Set(outcomes)).toEqual(new Set(['done', 'EDQUOT']));
      expect(room.usage.amount.bytes).toBeLessThanOrEqual(100);
      expect(room.usage.reserved).toBe(0);
      expect(await truth()).toEqual(room.usage.amount);
      for (const name of await readdir(root)) if (name !== 'old') await within((d) => d.remove(name));
    }
  });

  it('gives a promise back when its upload breaks off', async () => {
    await within(async (d) => {
      const landing = await land(d, 'a', { mode: 0o644, size: 80 });
      expect(room.usage.reserved).toBe(80);
      expect(await codeOf(upload('b', 11))).toBe('EDQUOT');
      await landing.write(Buffer.alloc(5));
      await landing.discard();
    });
    expect([room.usage.amount, room.usage.reserved]).toEqual([{ bytes: 10, entries: 1 }, 0]);
  });

  it('counts content that grows, shrinks, and is written by several at a time', async () => {
    await within(async (d) => {
      const [one, other] = [await d.open('old', { access: 'write' }), await d.open('old', { access: 'read-write' })];
      await Promise.all([one.write([Buffer.alloc(30)], 0), other.write([Buffer.alloc(30)], 20)]);
      expect(room.usage.amount.bytes).toBe(50);
      expect(await codeOf(one.write([Buffer.alloc(1)], 100))).toBe('EDQUOT');
      expect(await codeOf(other.truncate(101))).toBe('EDQUOT');
      await other.truncate(100);
      expect(room.usage.amount.bytes).toBe(100);
      await one.truncate(7);
      expect(room.usage.amount.bytes).toBe(7);
      await Promise.all([one.write([Buffer.alloc(50)], 0), other.truncate(0)]);
      await one.close();
      await one.close();
      // What is removed while it is open takes its room until it is closed.
      await d.remove('old');
      expect(room.usage.amount.entries).toBe(0);
      await other.close();
      expect(room.usage.amount).toEqual({ bytes: 0, entries: 0 });
    });
  });

  it('of entries is for files, folders and links, and lets the last file land in a drop zone', async () => {
    await withLimits({ maxEntries: 3 });
    await upload('a', 1, true, dropZone(files));
    await upload('b', 1, true, dropZone(files));
    for (const make of [
      (d: Directory) => d.makeDirectory('c', 0o755),
      (d: Directory) => d.makeLink('c', 'a'),
      (d: Directory) => d.makeHardLink('a', 'c'),
      (d: Directory): Promise<unknown> => d.open('c', { access: 'write', create: 'new' }),
    ])
      expect(await codeOf(within<unknown>(make))).toBe('EDQUOT');
    expect(room.usage.amount.entries).toBe(3);
    await within((d) => d.remove('a'));
    await within((d) => d.makeDirectory('c', 0o755));
    expect(await codeOf(within((d) => d.makeDirectory('c', 0o755)))).toBe('EDQUOT');
  });

  it('shows in the free space that clients are told', async () => {
    const { blockBytes } = await within((d) => d.space());
    await withLimits({ quota: 100 * blockBytes });
    await upload('a', 40 * blockBytes);
    expect(await within((d) => d.space())).toMatchObject({ blocks: 100n, freeBlocks: 59n, availableBlocks: 59n });
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 60])('cannot be %s', async (quota) => {
    await expect(Room.open(rootedFileSystem(root), { quota })).rejects.toThrow(RangeError);
  });
});

describe('counting', () => {
  it('counts a file once, however many names it has, and follows no link', async () => {
    await mkdir(join(root, 'd'));
    await link(join(root, 'old'), join(root, 'd', 'again'));
    await within(async (d) => {
      await d.makeLink('out', '/');
      await d.makeLink('loop', '.');
    });
    expect(await truth()).toMatchObject({ bytes: 10, entries: 5 });
  });

  it('is bounded, and tells what it could not count', async () => {
    await expect(scanUsage(rootedFileSystem(root), { maxEntries: 0 })).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    const deep = Array.from({ length: MAX_COUNTED_DEPTH + 1 }, () => 'd').join('/');
    await mkdir(join(root, deep), { recursive: true });
    const found = await scanUsage(rootedFileSystem(root));
    expect(found.entries).toBe(MAX_COUNTED_DEPTH + 1);
    expect(found.skipped).toEqual([`/${deep.slice(0, -2)}`]);
  });

  it('again takes over what others have changed', async () => {
    await writeFile(join(root, 'theirs'), Buffer.alloc(70));
    await upload('a', 20);
    expect(room.usage.amount.bytes).toBe(30);
    await room.recount();
    expect(room.usage.amount).toEqual({ bytes: 100, entries: 3 });
    expect(await codeOf(upload('b', 1))).toBe('EDQUOT');
    await rm(join(root, 'theirs'));
    await truncate(join(root, 'old'), 0);
    await appendFile(join(root, 'a'), 'x');
    await room.recount();
    expect(room.usage.amount).toEqual({ bytes: 21, entries: 2 });
  });

  it('again while uploads land takes nothing for a change of others', async () => {
    await withLimits({ quota: 1_000_000 });
    const uploads = Promise.all(Array.from({ length: 30 }, (_, i) => upload(`f${i}`, 100 + i, i % 2 === 0)));
    for (let i = 0; i < 5; i++) await room.recount();
    await uploads;
    const { bytes, entries } = room.usage.amount;
    const now = (await truth()) as { bytes: number; entries: number };
    expect(bytes).toBeGreaterThanOrEqual(now.bytes);
    expect(entries).toBeGreaterThanOrEqual(now.entries);
    await room.recount();
    expect(room.usage.amount).toEqual(now);
  });
});

it('what is renamed while it is counted is not taken for a change of others', () => {
  const usage = new Usage({ bytes: 50, entries: 5 }, { bytes: 100, entries: 10 });
  const scan = (found: { bytes: number; entries: number }, ...moved: number[]): unknown => {
    usage.counter.scanBegins();
    for (const bytes of moved) usage.counter.moving(bytes);
    usage.counter.scanEnds(found);
    return usage.amount;
  };
  expect(scan({ bytes: 30, entries: 4 }, 20)).toEqual({ bytes: 50, entries: 5 });
  expect(scan({ bytes: 70, entries: 6 }, 20)).toEqual({ bytes: 50, entries: 5 });
  expect(scan({ bytes: 0, entries: 0 }, Number.POSITIVE_INFINITY)).toEqual({ bytes: 50, entries: 5 });
  expect(scan({ bytes: 29, entries: 3 }, 20)).toEqual({ bytes: 49, entries: 4 });
  expect(scan({ bytes: 30, entries: 4 })).toEqual({ bytes: 30, entries: 4 });
});

it('what is counted is what is there, whatever is done side by side, and never more than there may be', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b');
  const size = fc.integer({ min: 0, max: 120 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('upload' as const), name, size, known: fc.boolean() }),
    fc.record({ kind: fc.constant('break off' as const), name, size }),
    fc.record({ kind: fc.constant('write' as const), name, size, at: size }),
    fc.record({ kind: fc.constant('truncate' as const), name, size }),
    fc.record({ kind: fc.constantFrom('rename' as const, 'link' as const), name, to: name }),
    fc.record({ kind: fc.constantFrom('remove' as const, 'mkdir' as const, 'rmdir' as const), name }),
  );
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  const run = async (fileSystem: RootedFileSystem, one: Step): Promise<void> => {
    const [folder, last] = one.name.startsWith('d/') ? ['/d', one.name.slice(2)] : ['/', one.name];
    const directory = await fileSystem.directory(folder);
    try {
      switch (one.kind) {
        case 'upload':
        case 'break off': {
          const isKnown = one.kind === 'break off' || one.known;
          const landing = await land(directory, last, { mode: 0o644, ...(isKnown ? { size: one.size } : {}) });
          try {
            await landing.write(Buffer.alloc(one.size));
            if (one.kind === 'upload') await landing.commit({});
          } finally {
            await landing.discard();
          }
          return;
        }
        case 'write':
        case 'truncate': {
          const file = await directory.open(last, { access: 'write', create: 'if-missing' });
          try {
            if (one.kind === 'write') await file.write([Buffer.alloc(one.size)], one.at);
            else await file.truncate(one.size);
          } finally {
            await file.close();
          }
          return;
        }
        case 'rename':
        case 'link': {
          const target = await fileSystem.directory(one.to.startsWith('d/') ? '/d' : '/');
          const to = one.to.replace('d/', '');
          try {
            if (one.kind === 'rename') await directory.rename(last, to, target);
            else await directory.makeHardLink(last, to, target);
          } finally {
            await target.close();
          }
          return;
        }
        case 'remove':
          return await directory.remove(last);
        case 'mkdir':
          return await directory.makeDirectory(last, 0o755);
        case 'rmdir':
          return await directory.removeDirectory(last);
        default:
          one satisfies never;
      }
    } finally {
      await directory.close();
    }
  };
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 8 }), { minLength: 3, maxLength: 3 }), async (lanes) => {
      const temporary = await createTempDirectory('model');
      try {
        await mkdir(join(temporary.path, 'd'));
        const plain = rootedFileSystem(temporary.path);
        const own = await Room.open(plain, { quota: 300, maxEntries: 8 });
        const fileSystem = limited(plain, own);
        await Promise.all(
          lanes.map(async (lane) => {
            for (const one of lane) {
              const code = await codeOf(run(fileSystem, one));
              if (code === 'EDQUOT') refused++;
              expect(own.usage.amount.bytes + own.usage.reserved).toBeLessThanOrEqual(300);
            }
          }),
        );
        const { bytes, entries } = await scanUsage(plain);
        expect([own.usage.amount, own.usage.reserved]).toEqual([{ bytes, entries }, 0]);
      } finally {
        await temporary.remove();
      }
    }),
    { numRuns: fuzzRuns(100) },
  );
  expect(refused).toBeGreaterThan(10);
}, 120_000);

describe('several processes', () => {
  it('may each add their part of what is left, and no more together', () => {
    const all = Array.from({ length: 3 }, () => new Usage({ bytes: 10, entries: 1 }, { bytes: 100, entries: 10 }, 3));
    expect(all.map((one) => one.left)).toEqual([30, 30, 30]);
    const [one] = all as [Usage, Usage, Usage];
    expect([one.take(31), one.take(30), one.take(1)]).toEqual([false, true, false]);
    one.counter.add(-5);
    expect(one.left).toBe(5);
    expect([one.take(0, 4), one.take(0, 3), one.take(0, 1)]).toEqual([false, true, false]);
  });

  it('see by counting what the others have added, and stop where there is no room left', () => {
    const one = new Usage({ bytes: 0, entries: 0 }, { bytes: 100, entries: 10 }, 2);
    one.counter.scanBegins();
    one.counter.scanEnds({ bytes: 90, entries: 1 });
    expect(one.left).toBe(10);
  });
});

describe('free space', () => {
  it('is kept: an upload that would take it fails before or while it is written', async () => {
    let free = 1000;
    let asked = 0;
    let nowMs = 0;
    const space = new FreeSpace(
      100,
      async () => {
        asked++;
        return free;
      },
      () => nowMs,
    );
    expect(await space.hasRoomFor(901, 0)).toBe(false);
    expect(await space.hasRoomFor(100, 801)).toBe(false);
    expect(await space.hasRoomFor(100, 800)).toBe(true);
    expect(asked).toBe(3);
    // An eighth of what was left is given out without asking.
    expect([await space.hasRoomFor(60, 0), await space.hasRoomFor(40, 0), asked]).toEqual([true, true, 3]);
    expect([await space.hasRoomFor(1, 0), asked]).toEqual([true, 4]);
    free = 100;
    expect(await space.hasRoomFor(1, 0)).toBe(true);
    nowMs = 1000;
    expect([await space.hasRoomFor(1, 0), asked]).toEqual([false, 5]);
  });

  it('that is less than is to be kept stops uploads, of known and of unknown sizes', async () => {
    await withLimits({ keepFree: Number.MAX_SAFE_INTEGER });
    for (const known of [true, false]) {
      await expect(upload('a', 1, known)).rejects.toMatchObject({ message: '/a: No space left on device' });
      expect(await readdir(root)).toEqual(['old']);
    }
    expect(room.usage.reserved).toBe(0);
    await within((d) => d.remove('old'));
    await upload('empty', 0);
    await withLimits({ keepFree: 1 });
    await upload('a', 1);
  });
});
