import type { StorageProblem } from './problems.ts';
import { type Candidate, judgeRecords, type ProofContext } from './proof.ts';
import {
  type CopyName,
  changeableTypes,
  copyNames,
  highestFloors,
  type KeyFile,
  type KeyRecord,
  recordId,
} from './records.ts';

/** The copies that could be read. */
export type ReadableCopies = Readonly<Partial<Record<CopyName, KeyFile>>>;

/** What a key storage says in the end. */
export interface StorageState {
  readonly generation: number;
  readonly floors: KeyFile['floors'];
  /** Proven ones; their state is the one that counts. */
  readonly records: readonly KeyRecord[];
  /** Kept and not used. */
  readonly unchecked: readonly KeyRecord[];
}

/** Both copies in one, most restrictively: floors are the higher ones, what one copy has revoked is revoked, and records are united as far as they are proven. */
export async function mergeCopies(
  copies: ReadableCopies,
  context: Pick<ProofContext, 'root' | 'verifier'>,
): Promise<{ readonly state: StorageState; readonly problems: readonly StorageProblem[] }> {
  const found = copyNames.flatMap((copy) => {
    const file = copies[copy];
    return file === undefined ? [] : [{ copy, file }];
  });
  const candidates: Candidate[] = found.flatMap(({ copy, file }) => file.records.map((record) => ({ copy, record })));
  const revoked = new Set(
    candidates.filter(({ record }) => record.state === 'revoked').map(({ record }) => recordId(record)),
  );
  const floors = highestFloors(...found.map(({ file }) => file.floors));
  const { records, unchecked, problems } = await judgeRecords(candidates, { ...context, floors, revoked });
  const generation = Math.max(0, ...found.map(({ file }) => file.generation));
  return { state: { generation, floors, records, unchecked }, problems: [...differences(copies), ...problems] };
}

/** What the two files do not say alike, for people. */
function differences({ primary, backup }: ReadableCopies): StorageProblem[] {
  if (primary === undefined || backup === undefined) return [];
  const texts: string[] = [];
  if (primary.generation !== backup.generation)
    texts.push(`generation ${primary.generation} in primary, ${backup.generation} in backup`);
  for (const type of changeableTypes) {
    const [one, other] = [primary.floors[type] ?? 'none', backup.floors[type] ?? 'none'];
    if (one !== other) texts.push(`floor of ${type} keys: ${one} in primary, ${other} in backup`);
  }
  const states = (file: KeyFile): Map<string, KeyRecord> => new Map(file.records.map((one) => [recordId(one), one]));
  const [inPrimary, inBackup] = [states(primary), states(backup)];
  for (const [id, record] of new Map([...inPrimary, ...inBackup])) {
    const [one, other] = [inPrimary.get(id)?.state ?? 'missing', inBackup.get(id)?.state ?? 'missing'];
    if (one !== other) texts.push(`${record.type} key ${record.version}: ${one} in primary, ${other} in backup`);
  }
  return texts.map((text) => ({ kind: 'difference', text }));
}
