import { createHash } from 'node:crypto';
import type { BundledKey } from '../types.ts';

/** The types of keys that can be added and revoked. Rollover keys are in the root alone. */
export type ChangeableType = BundledKey['type'];

/** Both, in the order of displays. */
export const changeableTypes: readonly ChangeableType[] = ['production', 'special'];

/** One of the two files with the same content. */
export type CopyName = 'primary' | 'backup';

/** Both, in the order in which they are written. */
export const copyNames: readonly CopyName[] = ['primary', 'backup'];

/** The names of the files in the folder of a key storage. */
export const fileNames = {
  root: 'root.json',
  primary: 'primary.keys',
  backup: 'backup.keys',
  nvram: 'nvram.json',
  lock: 'lock',
} as const;

/** One key of the storage. */
export interface KeyRecord {
  readonly type: ChangeableType;
  readonly version: string;
  /** The certificate that came with it, DER. */
  readonly certificate: Uint8Array;
  /** SHA-256 of the certificate, lower-case hex. Names the record together with type and version. */
  readonly sha256: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly state: 'valid' | 'revoked';
  /** Where it comes from: the root, or the envelope (CMS, DER) of the image that brought it. */
  readonly proof: 'root' | Uint8Array;
}

/** The lowest versions that are still taken. Absent: no floor. */
export type Floors = Readonly<Partial<Record<ChangeableType, string>>>;

/** What a copy of the key storage says. */
export interface KeyFile {
  /** One more with each change. */
  readonly generation: number;
  readonly floors: Floors;
  /** In the order of {@link compareRecords}. */
  readonly records: readonly KeyRecord[];
}

/** A record's name: the same key under another letter, or with another certificate, is another record. */
export function recordId({ type, version, sha256 }: Pick<KeyRecord, 'type' | 'version' | 'sha256'>): string {
  return `${type} ${version} ${sha256}`;
}

/** The order of records in files and displays: type, version, certificate. */
export function compareRecords(one: KeyRecord, other: KeyRecord): number {
  const [a, b] = [recordId(one), recordId(other)];
  return a < b ? -1 : Number(a > b);
}

/** The higher one of each floor. */
export function highestFloors(...all: readonly Floors[]): Floors {
  const floors: Partial<Record<ChangeableType, string>> = {};
  for (const one of all)
    for (const type of changeableTypes) {
      const floor = one[type];
      if (floor !== undefined && floor > (floors[type] ?? '')) floors[type] = floor;
    }
  return floors;
}

/** Whether one of the floors is higher than the other side's. */
export function isAnyHigher(floors: Floors, than: Floors): boolean {
  return changeableTypes.some((type) => (floors[type] ?? '') > (than[type] ?? ''));
}

/** SHA-256 in lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
