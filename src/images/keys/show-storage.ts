import { printable } from '../../base/printable.ts';
import type { KeyType } from '../types.ts';
import type { Counters } from './nvram-file.ts';
import type { StorageProblem } from './problems.ts';
import { changeableTypes, type Floors, type KeyRecord, sha256Hex } from './records.ts';
import type { MinSigners } from './root-file.ts';
import type { KeyStorage } from './storage.ts';

/** A key of the storage, with what is known about it. */
export interface StorageKey {
  readonly type: KeyType;
  readonly version: string;
  readonly state: 'valid' | 'revoked' | 'not usable here';
  /** Where it was found. */
  readonly storages: readonly ('root' | 'primary' | 'backup')[];
  /** SHA-256 of the certificate, hex. */
  readonly sha256: string;
  /** `root`, or the SHA-256 of the envelope that brought it. */
  readonly proof: string;
}

/** Everything that a key storage says. */
export interface StorageView {
  readonly path: string;
  readonly generation: number;
  readonly floors: Floors;
  /** How many keys of one version must sign, by type, where it is more than one. */
  readonly minSigners: MinSigners;
  readonly counters: Counters;
  /** No copy can be used. */
  readonly isRecovery: boolean;
  readonly keys: readonly StorageKey[];
  readonly problems: readonly StorageProblem[];
}

/** What `store show` shows. */
export function viewStorage(storage: KeyStorage): StorageView {
  const { generation, floors, records, unchecked } = storage.state;
  const view = (record: KeyRecord, state: StorageKey['state']): StorageKey => ({
    type: record.type,
    version: record.version,
    state,
    storages: storagesOf(storage, record),
    sha256: record.sha256,
    proof: record.proof === 'root' ? 'root' : sha256Hex(record.proof),
  });
  const rollover = storage.root.keys.filter(({ type }) => type === 'rollover');
  return {
    path: storage.path,
    generation,
    floors,
    minSigners: storage.root.minSigners,
    counters: storage.counters,
    isRecovery: storage.isRecovery,
    keys: [
      ...rollover.map(({ type, version, sha256 }): StorageKey => {
        const state = storage.keys(type, version).length > 0 ? 'valid' : 'not usable here';
        return { type, version, state, storages: ['root'], sha256, proof: 'root' };
      }),
      ...records.map((record) => view(record, record.state)),
      ...unchecked.map((record) => view(record, 'not usable here')),
    ],
    problems: storage.problems,
  };
}

function storagesOf(storage: KeyStorage, record: KeyRecord): StorageKey['storages'] {
  const isRoot = storage.root.keys.some(
    ({ type, version, sha256 }) => type === record.type && version === record.version && sha256 === record.sha256,
  );
  return [
    ...(isRoot ? (['root'] as const) : []),
    ...(storage.isFound('primary', record) ? (['primary'] as const) : []),
    ...(storage.isFound('backup', record) ? (['backup'] as const) : []),
  ];
}

/** The lines of `store show`. */
export function storageLines(view: StorageView): readonly string[] {
  const rows = [
    ['Type', 'Version', 'State', 'Storages', 'Certificate', 'Proof'],
    ...view.keys.map(({ type, version, state, storages, sha256, proof }) => [
      type,
      version,
      state,
      storages.join(', '),
      sha256.slice(0, 16),
      proof.slice(0, 16),
    ]),
  ];
  const counters = Object.entries(view.counters).flatMap(([type, versions]) =>
    Object.entries(versions).map(([version, count]) => line(`Counter of ${type} ${version}`, String(count))),
  );
  const needed = Object.entries(view.minSigners).map(([type, count]) => line(`Signers of ${type} keys`, String(count)));
  return [
    line('Key storage', view.path),
    ...(view.isRecovery ? [line('State', 'NOT USABLE, only rollover keys are known')] : []),
    line('Generation', String(view.generation)),
    ...changeableTypes.map((type) => line(`Floor of ${type} keys`, view.floors[type] ?? 'none')),
    ...needed,
    ...counters,
    '',
    ...columns(rows),
    ...view.problems.map(({ kind, text }) => `${kind === 'unproven' ? '% Alarm' : '% Warning'}: ${printable(text)}`),
  ];
}

function line(label: string, value: string): string {
  return `${label.padEnd(26)}: ${printable(value)}`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** The same for programs. */
export function storageJson(view: StorageView): string {
  return JSON.stringify(view);
}
