import { FileError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import { joinPath, splitPath, stripTrailingSlashes } from '../files/path.ts';

/**
 * Makes a directory and those above it that are missing, as `mkdir -p` does.
 *
 * @throws {FileError} ENOTDIR where something else is in the way.
 */
export async function makePath(fileSystem: FileSystem, path: string): Promise<void> {
  const bare = stripTrailingSlashes(path);
  const missing: string[] = [];
  let at = bare;
  while (!(await isDirectory(fileSystem, at))) {
    const { parent, name } = splitPath(at);
    if (name === '') throw new FileError(path, 'mkdir', 'ENOENT');
    missing.push(name);
    at = parent;
  }
  for (const name of missing.reverse()) {
    const parent = await fileSystem.directory(at);
    try {
      await parent.makeDirectory(name, 0o777);
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if (!(error instanceof FileError) || error.code !== 'EEXIST') throw error;
    } finally {
      await parent.close();
    }
    at = joinPath(at, name);
  }
}

async function isDirectory(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    const directory = await fileSystem.directory(path);
    try {
      const status = await directory.ownStatus();
      if (status.kind !== 'directory') throw new FileError(directory.path, 'mkdir', 'ENOTDIR');
      return true;
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return false;
    throw error;
  }
}
