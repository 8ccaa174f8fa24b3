import { FileError, ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Directory } from '../../files/file-system.ts';
import type { ImageType, KeyLookup, KeyType, TrustedKey } from '../types.ts';
import { replaceDurably } from './durable-file.ts';
import { formatKeyFile, MAX_KEY_FILE_BYTES } from './key-file.ts';
import type { StorageState } from './merge.ts';
import { type Counters, formatNvram, type Nvram, type Tries } from './nvram-file.ts';
import type { StorageProblem } from './problems.ts';
import { rolloverKeys, trustedKey } from './proof.ts';
import type { ProofVerifier } from './proof-verifier.ts';
import { type ChangeableType, type CopyName, compareRecords, fileNames, type KeyRecord, recordId } from './records.ts';
import type { RootFile } from './root-file.ts';

/** What a copy had in it when the storage was opened: its proven records by {@link recordId}, with the state that stood there. Undefined for a copy that could not be used. */
export type FoundRecords = ReadonlyMap<string, KeyRecord['state']> | undefined;

/** What a storage is made from. */
export interface StorageParts {
  readonly directory: Directory;
  readonly nvramDirectory: Directory;
  readonly verifier: ProofVerifier;
  readonly root: RootFile;
  readonly state: StorageState;
  readonly counters: Counters;
  readonly tries: Tries;
  readonly found: Readonly<Record<CopyName, FoundRecords>>;
  readonly problems: readonly StorageProblem[];
  /** No copy can be used: only rollover keys are known, until a production key is added. */
  readonly isRecovery: boolean;
  /** Gives back the lock; undefined where the storage is open for reading. */
  readonly unlock: (() => Promise<void>) | undefined;
}

/** An open key storage. What it says is as it was when it was opened, but for changes that were made through it. */
export class KeyStorage implements KeyLookup, AsyncDisposable {
  readonly root: RootFile;
  readonly verifier: ProofVerifier;
  readonly problems: readonly StorageProblem[];
  readonly isRecovery: boolean;
  readonly #parts: StorageParts;
  readonly #rollover: readonly TrustedKey[];
  readonly #found: Record<CopyName, FoundRecords>;
  #state: StorageState;
  #counters: Counters;
  #tries: Tries;
  #unlock: (() => Promise<void>) | undefined;
  #failed = false;

  constructor(parts: StorageParts) {
    this.#parts = parts;
    this.root = parts.root;
    this.verifier = parts.verifier;
    this.problems = parts.problems;
    this.#found = { ...parts.found };
    this.isRecovery = parts.isRecovery;
    this.#rollover = rolloverKeys(parts.root, parts.verifier);
    this.#state = parts.state;
    this.#counters = parts.counters;
    this.#tries = parts.tries;
    this.#unlock = parts.unlock;
  }

  /** How messages name it. */
  get path(): string {
    return printable(this.#parts.directory.path);
  }

  /** The keys that may introduce production keys. */
  get rolloverKeys(): readonly TrustedKey[] {
    return this.#rollover;
  }

  /** The records that are believed, the floors and the generation. */
  get state(): StorageState {
    return this.#state;
  }

  get counters(): Counters {
    return this.#counters;
  }

  get tries(): Tries {
    return this.#tries;
  }

  /** Proven keys of a type and a version, revoked ones too. */
  keys(type: KeyType, version: string): readonly TrustedKey[] {
    const all = [...this.#rollover, ...this.#state.records.map(trustedKey)];
    return all.filter((key) => key.type === type && key.version === version);
  }

  floor(type: KeyType): string | undefined {
    return type === 'rollover' ? undefined : this.#state.floors[type];
  }

  /** How many keys of one version must have signed, as the root says. */
  minSigners(type: KeyType): number {
    return this.root.minSigners[type] ?? 1;
  }

  /** The highest security counter that was seen of a type of image and a key version: 0 for those never seen. */
  counter(type: ImageType, keyVersion: string): number {
    return this.#counters[type]?.[keyVersion] ?? 0;
  }

  /** The state that a copy had a record in when the storage was opened, or when the copy was changed since. What has been put right on opening is not counted. Undefined: it did not have it. */
  foundState(copy: CopyName, record: KeyRecord): KeyRecord['state'] | undefined {
    return this.#found[copy]?.get(recordId(record));
  }

  /** Whether a copy had a record, in whatever state. */
  isFound(copy: CopyName, record: KeyRecord): boolean {
    return this.foundState(copy, record) !== undefined;
  }

  /** The highest version of which there is a valid key. */
  newest(type: ChangeableType): string | undefined {
    const versions = this.#state.records.filter((record) => record.type === type && record.state === 'valid');
    return versions
      .map(({ version }) => version)
      .sort()
      .at(-1);
  }

  /**
   * Writes one copy. The copies are written one after the other, and {@link adopt} makes the change complete.
   *
   * @throws {ImageError} ERR_KEY_STORAGE: the storage must be opened again
   */
  async writeCopy(copy: CopyName, state: StorageState): Promise<void> {
    await this.repairCopy(copy, state);
    this.#found[copy] = foundRecords(state.records, state.records);
  }

  /** The same, to put right what was found. */
  async repairCopy(copy: CopyName, state: StorageState): Promise<void> {
    const { generation, floors, records, unchecked } = state;
    const content = { generation, floors, records: [...records, ...unchecked].sort(compareRecords) };
    const bytes = formatKeyFile(content);
    if (bytes.length > MAX_KEY_FILE_BYTES)
      throw new ImageError(this.path, 'ERR_KEY_STORAGE', 'there is no room for more keys');
    await this.#write(copy, this.#parts.directory, fileNames[copy], bytes);
  }

  /** Writes the last part of a change, the numbers that only grow: from now on all this is what the storage says. @throws {ImageError} ERR_KEY_STORAGE */
  async adopt(state: StorageState, numbers: Partial<Pick<Nvram, 'counters' | 'tries'>> = {}): Promise<void> {
    const { counters = this.#counters, tries = this.#tries } = numbers;
    const { generation, floors } = state;
    const bytes = formatNvram({ generation, floors, counters, tries });
    await this.#write('nvram', this.#parts.nvramDirectory, fileNames.nvram, bytes);
    this.#state = state;
    this.#counters = counters;
    this.#tries = tries;
  }

  async #write(what: string, directory: Directory, name: string, bytes: Uint8Array): Promise<void> {
    if (this.#unlock === undefined) throw new TypeError('the key storage is open for reading only');
    if (this.#failed) throw new ImageError(this.path, 'ERR_KEY_STORAGE', 'a write has failed: it must be opened again');
    try {
      await replaceDurably(directory, name, bytes, 0o644);
    } catch (cause) {
      this.#failed = true;
      if (!(cause instanceof FileError)) throw cause;
      const reason = `${what} not updated: ${cause.reason}`;
      throw new ImageError(this.path, 'ERR_KEY_STORAGE', reason, { cause, cure: 'run the command again' });
    }
  }

  /** Gives back the lock. Idempotent. The directories stay the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    const unlock = this.#unlock;
    this.#unlock = undefined;
    await unlock?.();
  }
}

/** The records of a copy that are believed, as they stand there. */
export function foundRecords(records: readonly KeyRecord[] | undefined, proven: readonly KeyRecord[]): FoundRecords {
  if (records === undefined) return undefined;
  const believed = new Set(proven.map(recordId));
  return new Map(records.filter((one) => believed.has(recordId(one))).map((one) => [recordId(one), one.state]));
}
