import type { Directory } from '../../files/file-system.ts';
import { localFileSystem } from '../../files/local.ts';
import { type OpenKeyStorageOptions, openKeyStorage } from '../../images/keys/open.ts';
import type { KeyStorage } from '../../images/keys/storage.ts';

/** The folder of a key storage, and the one of its counters, held open while `use` runs. @throws {FileError} */
export async function inFolder<T>(
  path: string,
  nvramPath: string | undefined,
  use: (directory: Directory, nvram: Directory | undefined) => Promise<T>,
): Promise<T> {
  const files = localFileSystem({ pin: true });
  const directory = await files.directory(path);
  try {
    const nvram = nvramPath === undefined ? undefined : await files.directory(nvramPath);
    try {
      return await use(directory, nvram);
    } finally {
      await nvram?.close();
    }
  } finally {
    await directory.close();
  }
}

/** Opens a key storage, for as long as `use` runs. @throws {ImageError | FileError} */
export async function withStorage<T>(
  path: string,
  nvramPath: string | undefined,
  options: Omit<OpenKeyStorageOptions, 'verifier' | 'nvram'>,
  use: (storage: KeyStorage) => Promise<T>,
): Promise<T> {
  return await inFolder(path, nvramPath, async (directory, nvram) => {
    const storage = await openKeyStorage(directory, { nvram, ...options });
    try {
      return await use(storage);
    } finally {
      await storage[Symbol.asyncDispose]();
    }
  });
}

/** The keys of a storage as they are now. @throws {ImageError | FileError} */
export async function openStore(path: string, nvramPath: string | undefined): Promise<KeyStorage> {
  return await withStorage(path, nvramPath, {}, async (storage) => storage);
}
