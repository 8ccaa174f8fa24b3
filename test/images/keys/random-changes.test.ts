import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ImageError } from '../../../src/base/errors.ts';
import { fuzzRuns, fuzzTimeout } from '../../support/fuzz.ts';
import {
  add,
  fileOf,
  type KeyFolder,
  makeKeyFolder,
  production,
  putFile,
  revocation,
  revoke,
  withStorage,
} from '../../support/key-folder.ts';

const RUNS = fuzzRuns(300);

/** What may happen to a storage: commands, and what somebody does who may write the two copies. */
type Step =
  | { readonly step: 'add production' | 'add special' | 'recover'; readonly version: string; readonly signer: string }
  | { readonly step: 'revoke production' | 'revoke special' | 'repair' }
  | { readonly step: 'destroy'; readonly copy: 'primary' | 'backup' }
  /** Puts back what the copy was so many steps ago. */
  | { readonly step: 'put back'; readonly copy: 'primary' | 'backup'; readonly ago: number };

const version = fc.constantFrom('A', 'B', 'C', 'D');
const copy = fc.constantFrom('primary' as const, 'backup' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    step: fc.constantFrom('add production' as const, 'add special' as const, 'recover' as const),
    version,
    signer: version,
  }),
  fc.record({ step: fc.constantFrom('revoke production' as const, 'revoke special' as const, 'repair' as const) }),
  fc.record({ step: fc.constant('destroy' as const), copy }),
  fc.record({ step: fc.constant('put back' as const), copy, ago: fc.integer({ min: 1, max: 8 }) }),
);

async function take(folder: KeyFolder, one: Step, history: readonly Record<string, Buffer>[]): Promise<void> {
  switch (one.step) {
    case 'add production':
      await add(folder, 'production', revocation([`production ${one.version}`]));
      return;
    case 'recover':
      await add(folder, 'production', revocation([`production ${one.version}`]), { recover: true });
      return;
    case 'add special':
      await add(folder, 'special', production(`production ${one.signer}`, [`special ${one.version}`]));
      return;
    case 'revoke production':
    case 'revoke special':
      await revoke(folder, one.step === 'revoke special' ? 'special' : 'production');
      return;
    case 'repair':
      await withStorage(folder, { change: true }, () => {});
      return;
    case 'destroy':
      await putFile(folder, `${one.copy}.keys`, Buffer.from('noise'));
      return;
    case 'put back': {
      const old = history.at(-one.ago)?.[one.copy];
      if (old !== undefined) await putFile(folder, `${one.copy}.keys`, old);
      return;
    }
    default:
      one satisfies never;
  }
}

/** What a start finds; undefined where the storage is refused. */
async function look(folder: KeyFolder) {
  try {
    return await withStorage(folder, {}, ({ state }) => ({
      floors: state.floors,
      valid: state.records.filter((one) => one.state === 'valid').map((one) => `${one.type} ${one.version}`),
    }));
  } catch (error) {
    if (error instanceof ImageError && error.code === 'ERR_KEY_STORAGE') return undefined;
    throw error;
  }
}

it('whatever is done, also to the copies: floors never fall and what was revoked never comes back', {
  timeout: fuzzTimeout(RUNS, 50),
}, async () => {
  let refused = 0;
  let looked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const folder = await makeKeyFolder();
      const history: Record<string, Buffer>[] = [];
      let floors: Readonly<Record<string, string | undefined>> = {};
      for (const one of steps) {
        history.push({
          primary: fileOf(folder, 'primary.keys') as Buffer,
          backup: fileOf(folder, 'backup.keys') as Buffer,
        });
        const isCommand = !['destroy', 'put back'].includes(one.step);
        const before = isCommand ? await look(folder) : undefined;
        try {
          await take(folder, one, history);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          refused++;
        }
        const found = await look(folder);
        if (found === undefined) continue;
        looked++;
        for (const type of ['production', 'special'] as const) {
          // What a command has reported counts from then on; a copy alone that was put back is outvoted.
          expect((found.floors[type] ?? '') >= (floors[type] ?? '')).toBe(true);
          for (const key of found.valid.filter((name) => name.startsWith(type)))
            expect((key.split(' ')[1] as string) >= (floors[type] ?? 'A')).toBe(true);
        }
        floors = { ...floors, ...found.floors };
        // A command never leaves less to start with than there was, unless it revokes.
        if (before !== undefined && !one.step.startsWith('revoke'))
          expect(found.valid).toEqual(expect.arrayContaining(before.valid));
        if (before?.valid.some((key) => key.startsWith('production')) === true)
          expect(found.valid.some((key) => key.startsWith('production'))).toBe(true);
      }
    }),
    { numRuns: RUNS },
  );
  expect(refused).toBeGreaterThan(RUNS / 2);
  expect(looked).toBeGreaterThan(RUNS);
});
