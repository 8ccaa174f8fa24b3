import { FileError } from '../base/errors.ts';
import type { Directory, FileSystem } from './file-system.ts';

/** A path split where its last component begins. */
export interface SplitPath {
  /** The part before the last component: `.` where there is none. */
  readonly parent: string;
  /** The last component; empty where the path is itself a directory by its form (`/`, `.`, `..`, `a/..`). */
  readonly name: string;
  /** The path ended in a slash, so it must be a directory. */
  readonly mustBeDirectory: boolean;
}

/** Splits a path without touching the disk. Trailing slashes are no component. */
export function splitPath(path: string): SplitPath {
  const bare = stripTrailingSlashes(path);
  const mustBeDirectory = bare !== path;
  const cut = bare.lastIndexOf('/');
  const name = bare.slice(cut + 1);
  if (name === '' || name === '.' || name === '..')
    return { parent: bare === '' ? '.' : bare, name: '', mustBeDirectory: true };
  const parent = cut < 0 ? '.' : cut === 0 ? '/' : bare.slice(0, cut);
  return { parent, name, mustBeDirectory };
}

/** `a/b//` becomes `a/b`; `/` and `//` become `/`. */
export function stripTrailingSlashes(path: string): string {
  const bare = path.replace(/\/+$/, '');
  return bare === '' && path.startsWith('/') ? '/' : bare;
}

/** Joins a directory's path and a name for messages and for the system. */
export function joinPath(directory: string, name: string): string {
  if (directory === '.') return name;
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/** How messages name an entry of a directory. The start directory of a host (`host:.`) is left out, as in what the person wrote. */
export function shownPath(directory: string, name: string): string {
  return directory.endsWith(':.') ? `${directory.slice(0, -1)}${name}` : joinPath(directory, name);
}

/** A path that was looked up: the directory it lies in and the name in it, or the directory itself where `name` is empty. The caller closes `directory`. */
export interface Located {
  readonly directory: Directory;
  readonly name: string;
  readonly mustBeDirectory: boolean;
}

/** Opens the directory that holds the last component of `path`. @throws {FileError} */
export async function locate(fileSystem: FileSystem, path: string): Promise<Located> {
  // An unset variable in a script must not mean the current directory.
  if (path === '') throw new FileError("''", 'open', 'ENOENT');
  const { parent, name, mustBeDirectory } = splitPath(fileSystem.absolute?.(path) ?? path);
  try {
    return { directory: await fileSystem.directory(parent), name, mustBeDirectory };
  } catch (error) {
    // What the person named is the whole path.
    throw error instanceof FileError
      ? new FileError(fileSystem.shown?.(path) ?? path, error.operation, error.code, {
          cause: error,
          reason: error.reason,
        })
      : error;
  }
}
