import { describe, expect, it } from 'vitest';
import type { Directory } from '../../../src/files/file-system.ts';
import { raiseCounters } from '../../../src/images/keys/counters.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { fakeImage, fakeRootKey, fakeVerifier } from '../../support/fake-proofs.ts';
import {
  add,
  firstKeys,
  makeKeyFolder,
  markOfLife,
  production,
  putFile,
  revocation,
  revoke,
  states,
  withStorage,
} from '../../support/key-folder.ts';
import { PowerCutDisk } from '../../support/power-cut-disk.ts';
import { type CutSubject, cutEverywhere, type Found } from '../../support/power-cuts.ts';

const copies = ['keys/primary.keys', 'keys/backup.keys'] as const;

/** Opens the storage as a loader does. */
async function start(disk: PowerCutDisk, life: number, nvram?: Directory): Promise<Found> {
  return await withStorage(
    { directory: disk.directory('keys') },
    { change: true, mark: markOfLife(life), nvram },
    (storage) => {
      const records = storage.state.records.filter(({ type }) => type === 'production');
      const versions = (state: string): string[] =>
        records.filter((record) => record.state === state).map(({ version }) => version);
      return { valid: versions('valid'), revoked: versions('revoked'), floor: storage.floor('production') ?? '' };
    },
  );
}

function none(subject: string, report: { readonly violations: ReadonlyMap<string, unknown> }): void {
  expect({ subject, violations: [...report.violations] }).toEqual({ subject, violations: [] });
}

describe('the power is cut at every call:', () => {
  it('a key is added wholly or not at all', async () => {
    const { disk } = await makeKeyFolder();
    const subject: CutSubject = {
      copies,
      start,
      work: async (world, life, done) => {
        await add({ directory: world.directory('keys') }, 'production', revocation(), { mark: markOfLife(life) });
        done();
      },
      isDone: ({ valid }) => valid.includes('B'),
    };
    const report = await cutEverywhere(disk, subject);
    none('add', report);
    expect(report.cuts).toBeGreaterThan(20);
    expect(report.states).toBeGreaterThan(300);
  });

  it('a key is revoked for ever or not yet', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    const subject: CutSubject = {
      copies,
      start,
      work: async (world, life, done) => {
        await revoke({ directory: world.directory('keys') }, 'production', {}, { mark: markOfLife(life) });
        done();
      },
      isDone: ({ valid, revoked, floor }) => valid.join() === 'B' && revoked.join() === 'A' && floor === 'B',
    };
    const report = await cutEverywhere(folder.disk, subject);
    none('revoke', report);
    expect(report.states).toBeGreaterThan(300);
  });

  it('a key is revoked for ever or not yet, with the numbers in another folder', async () => {
    const prepared = new PowerCutDisk();
    const folders = (disk: PowerCutDisk) => ({ directory: disk.directory('keys'), nvram: disk.directory('nvram') });
    const { directory, nvram } = folders(prepared);
    await initKeyStorage(directory, firstKeys.map(fakeRootKey), { verifier: fakeVerifier, nvram });
    await add({ directory }, 'production', revocation(), { nvram });
    const subject: CutSubject = {
      copies,
      start: (disk, life) => start(disk, life, disk.directory('nvram')),
      work: async (world, life, done) => {
        const own = folders(world);
        await revoke({ directory: own.directory }, 'production', {}, { mark: markOfLife(life), nvram: own.nvram });
        done();
      },
      isDone: ({ valid, revoked }) => valid.join() === 'B' && revoked.join() === 'A',
    };
    none('revoke', await cutEverywhere(prepared, subject));
  });

  it('a storage that was lost is started again wholly or not at all, and never with an old key', async () => {
    const folder = await makeKeyFolder();
    for (const name of ['primary.keys', 'backup.keys']) await putFile(folder, name, Buffer.from('noise'));
    for (let cut = 0; ; cut++) {
      const world = folder.disk.restarted();
      world.cutAt = cut;
      const recover = (disk: PowerCutDisk, life: number) =>
        add({ directory: disk.directory('keys') }, 'production', revocation(), {
          recover: true,
          mark: markOfLife(life),
        });
      const isDone = await recover(world, 2).then(
        () => true,
        () => false,
      );
      for (const disk of world.survivors()) {
        const directory = disk.directory('keys');
        const found = await states({ directory }, { recover: true });
        expect(isDone ? ['production B valid'] : ['', 'production B valid']).toContain(found.join());
        await recover(disk, 3);
        expect(await states({ directory })).toEqual(['production B valid']);
      }
      if (!world.isCut) break;
    }
  });

  it('a storage is made wholly, or can be made again', async () => {
    const empty = new PowerCutDisk();
    empty.directory('keys');
    let restarts = 0;
    let made = 0;
    for (let cut = 0; ; cut++) {
      const world = empty.restarted();
      world.cutAt = cut;
      let isDone = false;
      const init = (disk: PowerCutDisk, life: number): Promise<void> =>
        initKeyStorage(disk.directory('keys'), firstKeys.map(fakeRootKey), {
          verifier: fakeVerifier,
          mark: markOfLife(life),
        });
      await init(world, 2).then(
        () => {
          isDone = true;
        },
        () => {},
      );
      for (const disk of world.survivors()) {
        restarts++;
        const isMade = disk.image().has('keys/root.json');
        if (isMade) made++;
        expect(isMade || !isDone).toBe(true);
        if (!isMade) await init(disk, 3);
        // Whole: there was nothing to repair.
        const storage = await withStorage({ directory: disk.directory('keys') }, { mark: markOfLife(4) }, (one) => one);
        expect(storage.problems).toEqual([]);
        expect(storage.keys('production', 'A')).toHaveLength(1);
      }
      if (!world.isCut) break;
    }
    expect(restarts).toBeGreaterThan(300);
    expect(made).toBeGreaterThan(10);
  });

  it('a security counter is the old one or the new one, and never lower than one that was reported', async () => {
    const folder = await makeKeyFolder();
    const raise = (directory = folder.directory, counter = 3, life = 1): Promise<boolean> =>
      withStorage({ directory }, { change: true, mark: markOfLife(life) }, (storage) =>
        raiseCounters(storage, fakeImage({ type: 'production', signers: ['production A'], counter })),
      );
    await raise();
    for (let cut = 0; ; cut++) {
      const world = folder.disk.restarted();
      world.cutAt = cut;
      let isDone = false;
      await raise(world.directory('keys'), 7, 2).then(
        () => {
          isDone = true;
        },
        () => {},
      );
      for (const disk of world.survivors()) {
        const directory = disk.directory('keys');
        const storage = await withStorage({ directory }, { change: true, mark: markOfLife(3) }, (one) => one);
        expect(isDone ? [7] : [3, 7]).toContain(storage.counter('production', 'A'));
        expect(storage.problems).toEqual([]);
        expect(await states({ directory })).toEqual(['production A valid', 'special A valid']);
        await raise(directory, 7, 4);
        await withStorage({ directory }, {}, (one) => expect(one.counter('production', 'A')).toBe(7));
      }
      if (!world.isCut) break;
    }
  });

  it('special keys that lose their proof with a revocation are gone with it, and no earlier', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'special', production());
    await add(folder, 'production', revocation());
    for (let cut = 0; ; cut++) {
      const world = folder.disk.restarted();
      world.cutAt = cut;
      await revoke({ directory: world.directory('keys') }, 'production', {}, { mark: markOfLife(2) }).catch(() => {});
      for (const disk of world.survivors()) {
        const found = await states({ directory: disk.directory('keys') });
        // Either both or neither.
        expect(found.includes('special B valid')).toBe(found.includes('production A valid'));
      }
      if (!world.isCut) break;
    }
  });
});
