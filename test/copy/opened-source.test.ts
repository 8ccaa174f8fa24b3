import { appendFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import { OpenedSource } from '../../src/copy/opened-source.ts';
import { RateLimit } from '../../src/copy/rate-limit.ts';
import type { Directory, FileStatus, OpenFile } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { tempDirectory } from '../support/temp.ts';

const KiB = 1024;

interface Temp {
  readonly path: string;
  readonly directory: Directory;
  open(far?: Far): Promise<OpenedSource>;
}

/** Makes of the local file one that is far away. */
interface Far {
  readonly listed?: Partial<FileStatus>;
  readonly status?: (real: FileStatus) => FileStatus;
  readonly rateLimit?: RateLimit;
  readonly asked?: (position: number, size: number) => void;
}

async function temp(content: Buffer): Promise<Temp> {
  const path = await tempDirectory();
  await writeFile(join(path, 'f'), content);
  const directory = await localFileSystem({ pin: true }).directory(path);
  onTestFinished(() => directory.close());
  return {
    path: join(path, 'f'),
    directory,
    open: async (far) => {
      const status = { ...((await directory.status('f')) as FileStatus), ...far?.listed };
      const from = far === undefined ? directory : farAway(directory, far);
      const source = await OpenedSource.open(
        { directory: from, name: 'f', status },
        { readsAhead: true, fresh: true, rateLimit: far?.rateLimit, signal: undefined },
      );
      onTestFinished(() => source.close());
      return source;
    },
  };
}

function farAway(directory: Directory, far: Far): Directory {
  const open: Directory['open'] = async (name, options) => {
    const file = await directory.open(name, options);
    const status = file.status.bind(file);
    if (far.status !== undefined)
      file.status = async () => (far.status as (real: FileStatus) => FileStatus)(await status());
    file.contentFrom = (position, size, how) => pieces(file, far, position, size, how?.asked);
    return file;
  };
  return { ...directory, path: directory.path, open };
}

async function* pieces(
  file: OpenFile,
  far: Far,
  position: number,
  size: number,
  asked: (() => void) | undefined,
): AsyncGenerator<Uint8Array> {
  far.asked?.(position, size);
  asked?.();
  const buffer = Buffer.alloc(size === 0 ? 1024 * KiB : size);
  yield buffer.subarray(0, await file.read(buffer, position));
}

async function contentOf(source: OpenedSource, during?: () => Promise<void>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of source.content(0)) {
    await during?.();
    all.push(Buffer.from(piece));
  }
  return Buffer.concat(all);
}

describe('an open source', () => {
  const content = Buffer.alloc(300 * KiB, 'x');

  it('is as large as it is now, not as it was listed', async () => {
    const { open } = await temp(content);
    for (const size of [5, 0, 900 * KiB]) {
      const source = await open({ listed: { size } });
      expect(source.status.size).toBe(content.length);
      expect((await contentOf(source)).equals(content)).toBe(true);
    }
  });

  it('is as it was listed where its host cannot tell', async () => {
    const { open, directory } = await temp(content);
    const listed = (await directory.status('f')) as FileStatus;
    const cannot = (): FileStatus => {
      throw new FileError('f', 'stat', 'ENOTSUP');
    };
    const nothing = (real: FileStatus): FileStatus => ({
      ...real,
      kind: 'file',
      mode: 0o777,
      size: 0,
      mtimeSeconds: 0,
      untold: ['mode', 'size', 'times'],
    });
    for (const status of [cannot, nothing]) {
      const source = await open({ status });
      expect(source.status).toMatchObject({ size: listed.size, mode: listed.mode, mtimeSeconds: listed.mtimeSeconds });
      expect((await contentOf(source)).equals(content)).toBe(true);
      expect(await source.hasChanged()).toBe(false);
    }
  });

  it('asks for its content once where it is as it was listed', async () => {
    const { open } = await temp(content);
    const asked: number[] = [];
    await contentOf(await open({ asked: (position, size) => asked.push(position, size) }));
    expect(asked).toEqual([0, content.length]);
  });

  it('refuses what is no file any more, and a size that is no number', async () => {
    const { open } = await temp(content);
    await expect(open({ status: (real) => ({ ...real, kind: 'other' }) })).rejects.toMatchObject({
      code: 'ERR_NOT_REGULAR_FILE',
    });
    await expect(open({ status: (real) => ({ ...real, size: Number.POSITIVE_INFINITY }) })).rejects.toMatchObject({
      code: 'EFBIG',
    });
  });

  it.each([false, true])('notices that its content was changed (far away: %s)', async (isFar) => {
    const { open, path } = await temp(content);
    let looks = 0;
    const later = (real: FileStatus): FileStatus => ({ ...real, mtimeSeconds: real.mtimeSeconds + looks++ });
    const source = await open(isFar ? { status: later } : undefined);
    await contentOf(source, async () => {
      if (!isFar) await utimes(path, 1, 1);
    });
    expect(await source.hasChanged()).toBe(true);
  });

  it('may grow while it is copied', async () => {
    const { open, path } = await temp(content);
    const source = await open();
    expect(await contentOf(source, () => appendFile(path, 'more'))).toHaveLength(content.length);
    expect(await source.hasChanged()).toBe(false);
  });

  it('is asked for no more at a time than the rate allows', async () => {
    const { open } = await temp(content);
    let now = 0;
    const waits: number[] = [];
    const rateLimit = new RateLimit(400 * KiB, () => now);
    rateLimit.wait = (bytes) => {
      const delay = rateLimit.delayMs(bytes);
      waits.push(delay);
      now += delay;
      return Promise.resolve();
    };
    const asked: [position: number, size: number, at: number][] = [];
    const source = await open({ rateLimit, asked: (position, size) => asked.push([position, size, now]) });
    expect(source.isPaced).toBe(true);
    expect((await contentOf(source)).equals(content)).toBe(true);
    expect(asked).toEqual([
      [0, 100 * KiB, 250],
      [100 * KiB, 100 * KiB, 500],
      [200 * KiB, 100 * KiB, 750],
    ]);
  });
});
