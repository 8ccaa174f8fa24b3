import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import { startCopy } from '../../src/library/copy-run.ts';
import { CopyError } from '../../src/library/errors.ts';

const failure = (n: number): FileError => new FileError(`file ${n}`, 'open', 'EACCES');

describe('a copy', () => {
  it('is a promise of its result and gives its events to each who asks in the same turn', async () => {
    const copy = startCopy({}, async (run) => {
      const progress = run.fileStarted('a', 3, { source: 'x/a' });
      progress.moved(3);
      progress.finished(true);
      run.skipped('b', 5);
    });
    const loops = [copy, copy].map(async (events) => {
      const types: string[] = [];
      for await (const event of events) types.push(event.type);
      return types;
    });
    const expected = ['file-start', 'bytes', 'file-end', 'file-end', 'done'];
    expect(await Promise.all(loops)).toEqual([expected, expected]);
    expect(await copy).toEqual({ files: 1, bytes: 3, skipped: 1, planned: 0, failed: 0, errors: [] });
  });

  it('tells the whole as soon as it is counted, which is only asked for by those who listen', async () => {
    const copy = startCopy({}, async (run) => {
      run.found(10);
      await Promise.resolve();
      run.counted?.(3, 50);
      run.found(20);
      await Promise.resolve();
      run.foundAll();
    });
    const told: unknown[] = [];
    for await (const event of copy) if (event.type === 'found') told.push([event.files, event.bytes, event.all]);
    // The last one is what the copy has found in the end.
    expect(told.at(-1)).toEqual([2, 30, true]);
    expect(told).toContainEqual([3, 50, true]);
    const unheard: unknown[] = [];
    await startCopy({}, async (run) => void unheard.push(run.counted));
    const filtered = startCopy({ filter: () => true }, async (run) => void unheard.push(run.counted));
    for await (const event of filtered) expect(event.type).toBe('done');
    expect(unheard).toEqual([undefined, undefined]);
  });

  it('tells those who come late how it ended', async () => {
    const copy = startCopy({}, async () => {});
    await copy;
    const events = [];
    for await (const event of copy) events.push(event.type);
    expect(events).toEqual(['done']);
    const failed = startCopy({}, async () => {
      throw failure(1);
    });
    await failed.catch(() => {});
    await expect(failed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'EACCES' });
  });

  it('keeps the first thousand errors and counts all', async () => {
    const copy = startCopy({}, async (run) => {
      for (let n = 1; n <= 2_500; n++) run.failed(failure(n));
    });
    const error = await copy.catch((thrown: unknown) => thrown as CopyError);
    expect(error).toBeInstanceOf(CopyError);
    expect(error).toMatchObject({ code: 'EACCES', result: { failed: 2_500 }, cause: { path: 'file 1' } });
    expect((error as CopyError).errors).toHaveLength(1_000);
    expect((error as CopyError).message).toBe('file 1: Permission denied (and 2499 more errors)');
  });

  it('lets any number of files listen to the signal', async () => {
    const warnings: Error[] = [];
    const heard = (warning: Error) => warnings.push(warning);
    process.on('warning', heard);
    await startCopy({}, async (run) => {
      for (let n = 0; n < 100; n++) run.signal.addEventListener('abort', () => {});
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', heard);
    expect(warnings).toEqual([]);
  });

  it('refuses numbers that cannot be, in the promise and in the loop', async () => {
    for (const options of [{ parallel: 0 }, { retries: 1.5 }, { rateBytesPerSecond: -1 }, { parallel: Number.NaN }]) {
      const copy = startCopy(options, async () => {});
      await expect(copy[Symbol.asyncIterator]().next()).rejects.toThrow(RangeError);
      await expect(copy).rejects.toThrow(RangeError);
    }
  });

  it('does not begin where the signal is aborted, and prefers its reason to what the abort broke', async () => {
    const reason = { any: 'value' };
    let begun = false;
    const never = startCopy({ signal: AbortSignal.abort(reason) }, async () => {
      begun = true;
    });
    await expect(never).rejects.toBe(reason);
    expect(begun).toBe(false);
    const abort = new AbortController();
    const broken = startCopy({ signal: abort.signal }, async (run) => {
      abort.abort(reason);
      run.failed(failure(1));
    });
    await expect(broken).rejects.toBe(reason);
  });

  it('gives its result where it was done before the abort', async () => {
    const abort = new AbortController();
    const copy = startCopy({ signal: abort.signal }, async () => abort.abort());
    expect(await copy).toMatchObject({ failed: 0 });
  });
});
