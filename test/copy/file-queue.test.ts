import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import { FileQueue } from '../../src/copy/file-queue.ts';
import type { Directory } from '../../src/files/file-system.ts';

function queue(parallel: number, adapts = false): { readonly files: FileQueue; readonly failures: unknown[] } {
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  return { files: new FileQueue({ parallel, adapts, failed, isOver: () => false }), failures };
}

/** A file system where so many files may be open. */
class Scarce {
  open = 0;
  most = 0;
  attempts = 0;
  readonly #limit: number;
  readonly #code: 'EMFILE' | 'ERR_FILE';

  constructor(limit: number, code: 'EMFILE' | 'ERR_FILE') {
    this.#limit = limit;
    this.#code = code;
  }

  async use(): Promise<void> {
    this.attempts++;
    if (this.open >= this.#limit) throw new FileError('f', 'open', this.#code, { reason: 'Failure' });
    this.open++;
    this.most = Math.max(this.most, this.open);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.open--;
  }
}

describe('files of a copy', () => {
  it.each(['EMFILE', 'ERR_FILE'] as const)('are all copied where few can be open at a time (%s)', async (code) => {
    const { files, failures } = queue(64);
    const system = new Scarce(7, code);
    let done = 0;
    for (let i = 0; i < 300; i++)
      await files.start(
        1,
        () => system.use(),
        async () => {
          done++;
        },
      );
    await files.idle();
    expect(failures).toEqual([]);
    expect(done).toBe(300);
    expect(system.most).toBe(7);
    // Trying again must not become the main thing.
    expect(system.attempts).toBeLessThan(600);
  });

  it('fail with a cure where there is no room for one', async () => {
    const { files, failures } = queue(8);
    const system = new Scarce(0, 'EMFILE');
    let done = 0;
    for (let i = 0; i < 3; i++)
      await files.start(
        1,
        () => system.use(),
        async () => {
          done++;
        },
      );
    await files.idle();
    expect(done).toBe(3);
    expect(failures).toHaveLength(3);
    expect(failures[0]).toMatchObject({ code: 'EMFILE', cure: expect.stringContaining('ulimit -n') });
  });

  it('are not held up for ever by one that a server refuses without a reason', async () => {
    const { files, failures } = queue(8);
    let attempts = 0;
    const bad = async (): Promise<void> => {
      attempts++;
      throw new FileError('bad', 'open', 'ERR_FILE', { reason: 'Failure' });
    };
    const system = new Scarce(100, 'EMFILE');
    for (let i = 0; i < 200; i++) await files.start(1, i === 10 ? bad : () => system.use(), async () => {});
    await files.idle();
    expect(failures).toHaveLength(1);
    expect(attempts).toBeLessThanOrEqual(8);
  });

  it('are as many at a time as a server says', async () => {
    const { files } = queue(64);
    const system = new Scarce(100, 'EMFILE');
    files.heed({ maxOpen: 20 } as Directory, {} as Directory);
    for (let i = 0; i < 100; i++)
      await files.start(
        1,
        () => system.use(),
        async () => {},
      );
    await files.idle();
    // Five are left for listings, and two for looks.
    expect(system.most).toBe(13);
  });

  it('are more at a time where answers take long, within what the server lets be open', async () => {
    const most = async (place: Partial<Directory>, adapts: boolean): Promise<number> => {
      const { files } = queue(4, adapts);
      const system = new Scarce(10_000, 'EMFILE');
      files.heed({} as Directory, place as Directory);
      for (let i = 0; i < 1000; i++)
        await files.start(
          1,
          () => system.use(),
          async () => {},
        );
      await files.idle();
      return system.most;
    };
    expect(await most({ roundTripMs: 4 }, true)).toBe(4);
    expect(await most({ roundTripMs: 10 }, true)).toBe(400);
    expect(await most({ roundTripMs: 10 }, false)).toBe(4);
    expect(await most({ roundTripMs: 10, maxOpen: 100 }, true)).toBe(100 - 25 - 2);
  });

  it('leave a directory for which there is no room until they are done', async () => {
    const { files, failures } = queue(8);
    const system = new Scarce(2, 'EMFILE');
    for (let i = 0; i < 2; i++)
      await files.start(
        1,
        () => system.use(),
        async () => {},
      );
    await files.directory(() => system.use());
    await files.idle();
    expect(failures).toEqual([]);
    await expect(files.directory(() => new Scarce(0, 'EMFILE').use())).rejects.toMatchObject({ cure: /ulimit/ });
  });
});
