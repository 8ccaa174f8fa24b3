import { FileError, ImageError } from '../../base/errors.ts';
import type { Directory } from '../../files/file-system.ts';
import { type OpenKeyStorageOptions, openKeyStorage } from '../keys/open.ts';
import type { KeyStorage } from '../keys/storage.ts';

/** The storage that a loader decides by. */
export interface BootStorage {
  readonly storage: KeyStorage;
  /** Why it is less than it should be: open for reading only, or without a usable copy, so that only revocation images can be verified. */
  readonly trouble: ImageError | FileError | undefined;
}

/**
 * Opens a key storage as a loader does: repaired where that is possible, as it is where it cannot be written, and with the rollover keys of the root alone where no copy can be used.
 *
 * @throws {ImageError} ERR_KEY_STORAGE where there is no root, or somebody else may write to it: nothing can be verified
 */
export async function openBootStorage(directory: Directory, options: OpenKeyStorageOptions = {}): Promise<BootStorage> {
  let trouble: ImageError | FileError | undefined;
  for (const way of [{ change: true }, { change: false }, { change: false, recover: true }] as const) {
    try {
      return { storage: await openKeyStorage(directory, { ...options, ...way }), trouble };
    } catch (error) {
      if (!(error instanceof ImageError || error instanceof FileError)) throw error;
      trouble = error;
    }
  }
  throw trouble as ImageError | FileError;
}
