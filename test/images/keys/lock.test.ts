import { describe, expect, it } from 'vitest';
import type { Directory } from '../../../src/files/file-system.ts';
import { openKeyStorage } from '../../../src/images/keys/open.ts';
import type { KeyStorage } from '../../../src/images/keys/storage.ts';
import { fakeVerifier } from '../../support/fake-proofs.ts';
import { hookedDirectory } from '../../support/hooked-directory.ts';
import {
  add,
  fileOf,
  makeKeyFolder,
  markOfLife,
  putFile,
  refusal,
  revocation,
  states,
  withStorage,
} from '../../support/key-folder.ts';

describe('K11', () => {
  it('a second process fails at once and names the first', async () => {
    const folder = await makeKeyFolder();
    const runs = (id: string) => ({ id, bootedMs: () => 0, fateOf: () => 'runs' as const });
    const [first, second] = [runs(markOfLife(7).id), runs(markOfLife(8).id)];
    const open = await openKeyStorage(folder.directory, { verifier: fakeVerifier, change: true, mark: first });
    expect(await refusal(() => withStorage(folder, { change: true, mark: second }, () => {}))).toMatchObject({
      code: 'ERR_KEY_STORAGE_BUSY',
      message: 'keys: process 1007 is changing the key storage',
    });
    // Who only reads need not wait.
    expect(await states(folder)).toHaveLength(2);
    const waiting = withStorage(folder, { change: true, mark: second, waitMs: 10_000 }, () => 'got it');
    await open[Symbol.asyncDispose]();
    expect(await waiting).toBe('got it');
    expect(fileOf(folder, 'lock')).toBeUndefined();
  });

  it('two storages of one process exclude each other too', async () => {
    const folder = await makeKeyFolder();
    await withStorage(folder, { change: true }, async () => {
      expect((await refusal(() => withStorage(folder, { change: true }, () => {}))).code).toBe('ERR_KEY_STORAGE_BUSY');
    });
  });

  it.each([false, true])(
    'the lock of a process that is gone is taken over by one of many (without hard links: %s)',
    async (noLinks) => {
      const folder = await makeKeyFolder();
      if (noLinks) folder.disk.failAt = (call) => (call.startsWith('link ') ? 'EPERM' : undefined);
      await openKeyStorage(folder.directory, { verifier: fakeVerifier, change: true, mark: markOfLife(1) });
      expect(fileOf(folder, 'lock')).toBeDefined();
      const alive = (id: string) => ({
        id,
        bootedMs: () => 0,
        fateOf: (other: string) => (other === markOfLife(1).id ? ('gone' as const) : ('runs' as const)),
      });
      let inside = 0;
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          withStorage(folder, { change: true, mark: alive(markOfLife(10 + index).id), waitMs: 10_000 }, async () => {
            expect(++inside).toBe(1);
            await new Promise((resolve) => setImmediate(resolve));
            inside--;
            return index;
          }),
        ),
      );
      expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect([...folder.disk.image().keys()].filter((name) => name.includes('lock'))).toEqual([]);
    },
  );

  it('who waits can be told to stop', async () => {
    const folder = await makeKeyFolder();
    const reason = new Error('enough');
    await withStorage(folder, { change: true }, async () => {
      const stop = new AbortController();
      const waiting = withStorage(folder, { change: true, waitMs: 60_000, signal: stop.signal }, () => {});
      stop.abort(reason);
      await expect(waiting).rejects.toBe(reason);
    });
  });

  it.each([
    ['is empty and older than the last start of the system', 2_000_000, true],
    ['is empty and new', 0, false],
  ])('a lock that %s is taken over: %s', async (_what, bootedMs, isTaken) => {
    const folder = await makeKeyFolder();
    await putFile(folder, 'lock', new Uint8Array());
    const mark = { ...markOfLife(1), bootedMs: () => bootedMs };
    const opening = withStorage(folder, { change: true, mark }, () => 'ours');
    if (isTaken) expect(await opening).toBe('ours');
    else
      expect(await refusal(() => opening)).toMatchObject({
        code: 'ERR_KEY_STORAGE_BUSY',
        cure: 'wait until it is done; if no such process runs, remove keys/lock',
      });
  });

  it("the lock of a process of another machine is nobody else's to take", async () => {
    const folder = await makeKeyFolder();
    await openKeyStorage(folder.directory, { verifier: fakeVerifier, change: true, mark: markOfLife(1) });
    const foreign = { ...markOfLife(2), fateOf: () => 'foreign' as const };
    expect((await refusal(() => withStorage(folder, { change: true, mark: foreign }, () => {}))).code).toBe(
      'ERR_KEY_STORAGE_BUSY',
    );
  });

  it('who comes late to a takeover does not take the lock from who has it now', async () => {
    const folder = await makeKeyFolder();
    const mark = (life: number) => ({
      ...markOfLife(life),
      fateOf: (other: string) => (other === markOfLife(1).id ? ('gone' as const) : ('runs' as const)),
    });
    await openKeyStorage(folder.directory, { verifier: fakeVerifier, change: true, mark: mark(1) });
    // Between the look at the dead lock and the claim, somebody else takes it over and gives it back, and a third one has it.
    let third: KeyStorage | undefined;
    const makeHardLink = async (from: string, to: string): Promise<void> => {
      if (to.startsWith('lock.after-')) {
        await withStorage(folder, { change: true, mark: mark(2) }, () => {});
        third = await openKeyStorage(folder.directory, { verifier: fakeVerifier, change: true, mark: mark(3) });
      }
      await folder.directory.makeHardLink(from, to);
    };
    const late = hookedDirectory(folder.directory, { makeHardLink });
    const opening = withStorage({ directory: late }, { change: true, mark: mark(4) }, () => {});
    expect((await refusal(() => opening)).message).toBe('keys: process 1003 is changing the key storage');
    await third?.[Symbol.asyncDispose]();
    expect([...folder.disk.image().keys()].filter((name) => name.includes('lock'))).toEqual([]);
  });

  it('who reads while somebody else changes the storage finds the old state or the new one', async () => {
    const names = new Set<string>();
    for (let at = 0; at < 8; at++) {
      const folder = await makeKeyFolder();
      let opened = 0;
      const open: Directory['open'] = async (name, options) => {
        names.add(name);
        if (opened++ === at) await add(folder, 'production', revocation());
        return await folder.directory.open(name, options);
      };
      const found = await states({ directory: hookedDirectory(folder.directory, { open }) });
      expect(['production A valid', 'production A valid,production B valid']).toContain(found.slice(0, -1).join());
    }
    expect([...names].sort()).toEqual(['backup.keys', 'nvram.json', 'primary.keys', 'root.json']);
  });

  it('a takeover that was cut off is taken over as well', async () => {
    for (let cut = 0; cut < 40; cut++) {
      const folder = await makeKeyFolder();
      await openKeyStorage(folder.directory, { verifier: fakeVerifier, change: true, mark: markOfLife(1) });
      folder.disk.cutAt = folder.disk.calls.length + cut;
      await withStorage(folder, { change: true, mark: markOfLife(2) }, () => {}).catch(() => {});
      const disk = folder.disk.restarted();
      const again = { disk, directory: disk.directory('keys') };
      await withStorage(again, { change: true, mark: markOfLife(3) }, () => {});
      expect([...disk.image().keys()].filter((name) => /lock|new/.test(name))).toEqual([]);
    }
  });
});
