import { FileError, ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Directory } from '../../files/file-system.ts';
import { removeLeftover } from './durable-file.ts';
import { formatKeyFile, MAX_KEY_FILE_BYTES, parseKeyFile } from './key-file.ts';
import { type LockOptions, takeLock } from './lock.ts';
import { mergeCopies, type ReadableCopies, type StorageState } from './merge.ts';
import { MAX_NVRAM_BYTES, type Nvram, parseNvram } from './nvram-file.ts';
import type { StorageProblem } from './problems.ts';
import { envelopeProofs, type ProofVerifier } from './proof-verifier.ts';
import {
  type CopyName,
  compareRecords,
  copyNames,
  fileNames,
  highestFloors,
  isAnyHigher,
  type KeyFile,
} from './records.ts';
import { MAX_ROOT_BYTES, parseRoot, type RootFile } from './root-file.ts';
import { foundRecords, KeyStorage } from './storage.ts';
import { checkFolder, readTrusted } from './trusted-file.ts';

export interface OpenKeyStorageOptions extends LockOptions {
  /** Default: verifies what images have. */
  readonly verifier?: ProofVerifier | undefined;
  /** Where the numbers that only grow are kept. Default: beside the keys. */
  readonly nvram?: Directory | undefined;
  /** Takes the lock and puts right what one copy can tell of the other. Default false: nothing is written. */
  readonly change?: boolean | undefined;
  /** Opens also a storage of which no copy can be used. It knows rollover keys only, and a production key can be added to it. Default false. */
  readonly recover?: boolean | undefined;
}

/**
 * Opens a key storage: reads both copies, believes what is proven, and merges them most restrictively (docs/protocols/key-storage.md). The directories stay the caller's; the storage has to be disposed of.
 *
 * @throws {ImageError} ERR_KEY_STORAGE where no copy can be used, or both are older than what cannot be undone; ERR_KEY_STORAGE_BUSY
 * @throws {FileError} the folder cannot be read
 */
export async function openKeyStorage(directory: Directory, options: OpenKeyStorageOptions = {}): Promise<KeyStorage> {
  await checkFolder(directory);
  if (options.nvram !== undefined) await checkFolder(options.nvram);
  const unlock = options.change === true ? await lock(directory, options) : undefined;
  try {
    const storage = await read(directory, options, unlock);
    if (options.change === true && !storage.isRecovery) await repair(storage, directory, options);
    return storage;
  } catch (error) {
    await unlock?.();
    throw error;
  }
}

async function lock(directory: Directory, options: OpenKeyStorageOptions): Promise<() => Promise<void>> {
  try {
    return await takeLock(directory, options);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    throw new ImageError(printable(directory.path), 'ERR_KEY_STORAGE', `cannot be locked: ${cause.reason}`, { cause });
  }
}

async function read(
  directory: Directory,
  options: OpenKeyStorageOptions,
  unlock: (() => Promise<void>) | undefined,
): Promise<KeyStorage> {
  const verifier = options.verifier ?? envelopeProofs;
  const nvramDirectory = options.nvram ?? directory;
  const root = await readRoot(directory);
  const problems: StorageProblem[] = [];
  // Before the copies: while somebody else changes them, they may be newer than these numbers, and never older.
  const nvram = await readNvram(nvramDirectory, problems);
  const { copies, errors } = await readCopies(directory, problems);
  const merged = await mergeCopies(copies, { root, verifier });
  problems.push(...merged.problems);
  const trouble = whatForbids(directory, copies, errors, merged.state, nvram);
  if (trouble !== undefined && options.recover !== true) throw trouble;
  const isRecovery = trouble !== undefined;
  const state = isRecovery ? emptyState(merged.state, nvram) : merged.state;
  const found = {
    primary: foundRecords(isRecovery ? undefined : copies.primary?.records, state.records),
    backup: foundRecords(isRecovery ? undefined : copies.backup?.records, state.records),
  };
  const { counters = {}, tries = {} } = nvram ?? {};
  return new KeyStorage({
    directory,
    nvramDirectory,
    verifier,
    root,
    state,
    counters,
    tries,
    found,
    problems,
    isRecovery,
    unlock,
  });
}

/** Nothing that the copies say is believed any more; what they forbid still is. */
function emptyState(merged: StorageState, nvram: Nvram | undefined): StorageState {
  return {
    generation: Math.max(merged.generation, nvram?.generation ?? 0),
    floors: highestFloors(merged.floors, nvram?.floors ?? {}),
    records: [],
    unchecked: [],
  };
}

/** The root of a storage. @throws {ImageError} ERR_KEY_STORAGE */
export async function readRoot(directory: Directory): Promise<RootFile> {
  const bytes = await readTrusted(directory, fileNames.root, MAX_ROOT_BYTES);
  if (bytes !== undefined) return parseRoot(bytes);
  const cure = 'make one with: sealift image store init';
  throw new ImageError(
    printable(directory.path),
    'ERR_KEY_STORAGE',
    `is no key storage: there is no ${fileNames.root}`,
    { cure },
  );
}

/** @throws {ImageError} ERR_KEY_STORAGE where it is there and may not be read: numbers that can be saved are not begun anew */
async function readNvram(directory: Directory, problems: StorageProblem[]): Promise<Nvram | undefined> {
  const report = (text: string): undefined => {
    problems.push({ kind: 'nvram', text: `${text}: an old state that is put back would not be noticed` });
    return undefined;
  };
  const bytes = await readTrusted(directory, fileNames.nvram, MAX_NVRAM_BYTES);
  if (bytes === undefined) return report(`${fileNames.nvram}: is missing`);
  try {
    return parseNvram(bytes);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return report(error.message);
  }
}

async function readCopies(
  directory: Directory,
  problems: StorageProblem[],
): Promise<{ copies: ReadableCopies; errors: readonly ImageError[] }> {
  const copies: Partial<Record<CopyName, KeyFile>> = {};
  const errors: ImageError[] = [];
  for (const copy of copyNames) {
    const name = fileNames[copy];
    try {
      const bytes = await readTrusted(directory, name, MAX_KEY_FILE_BYTES);
      if (bytes === undefined) throw new ImageError(name, 'ERR_KEY_STORAGE', 'is missing');
      copies[copy] = parseKeyFile(bytes, name);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      errors.push(error);
      problems.push({ kind: 'copy', copy, text: error.message });
    }
  }
  return { copies, errors };
}

const RECOVERY = 'add the production key of a revocation image that is newer than what was lost';

/** Why the copies that could be read may not be used. */
function whatForbids(
  directory: Directory,
  copies: ReadableCopies,
  errors: readonly ImageError[],
  state: StorageState,
  nvram: Nvram | undefined,
): ImageError | undefined {
  const refusal = (reason: string, cure: string, cause?: ImageError): ImageError =>
    new ImageError(printable(directory.path), 'ERR_KEY_STORAGE', reason, { cure, cause });
  if (copies.primary === undefined && copies.backup === undefined) {
    const cures = errors.flatMap(({ cure }) => (cure === undefined ? [] : [cure]));
    const reason = `neither copy can be used: ${errors.map(({ message }) => message).join('; ')}`;
    return refusal(reason, cures.length > 0 ? cures.join('; ') : RECOVERY, errors[0]);
  }
  if (nvram === undefined) return undefined;
  const cure = `put the newer files back, or ${RECOVERY}`;
  if (nvram.generation > state.generation) {
    const reason = `both copies are older than they were: generation ${state.generation}, and it was ${nvram.generation}`;
    return refusal(reason, cure);
  }
  if (isAnyHigher(nvram.floors, state.floors))
    return refusal('both copies are older than they were: a floor was higher', cure);
  return undefined;
}

/** Makes both copies and the numbers say what was merged from them. */
async function repair(storage: KeyStorage, directory: Directory, options: OpenKeyStorageOptions): Promise<void> {
  const nvramDirectory = options.nvram ?? directory;
  for (const copy of copyNames) await quietly(() => removeLeftover(directory, fileNames[copy]));
  await quietly(() => removeLeftover(nvramDirectory, fileNames.nvram));
  const target = await repairedState(storage, directory);
  for (const copy of copyNames)
    if (!sameBytes(await contentOf(directory, copy), formatState(target))) await storage.repairCopy(copy, target);
  const nvram = await readNvram(nvramDirectory, []);
  const { generation, floors } = target;
  if (target !== storage.state || nvram?.generation !== generation || isAnyHigher(floors, nvram.floors))
    await storage.adopt(target);
}

/** The merged state, with a generation of its own unless one of the copies is that state already. */
async function repairedState(storage: KeyStorage, directory: Directory): Promise<StorageState> {
  const { state } = storage;
  const wanted = formatState(state);
  for (const copy of copyNames) if (sameBytes(await contentOf(directory, copy), wanted)) return state;
  return { ...state, generation: state.generation + 1 };
}

async function contentOf(directory: Directory, copy: CopyName): Promise<Uint8Array | undefined> {
  try {
    return await readTrusted(directory, fileNames[copy], MAX_KEY_FILE_BYTES);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

function formatState({ generation, floors, records, unchecked }: StorageState): Uint8Array {
  return formatKeyFile({ generation, floors, records: [...records, ...unchecked].sort(compareRecords) });
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.from(one).equals(other);
}

/** What is left of a write does no harm where it cannot be removed. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  }
}
