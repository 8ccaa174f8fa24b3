import { FileError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import { expandGlob } from '../files/glob.ts';
import { isPattern } from '../files/glob-match.ts';
import { locate } from '../files/path.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import type { CopyObserver } from './observer.ts';

/** The paths that the operands stand for, which only the names in the server's directories can tell. A `~user` is expanded first, and the answer is no pattern. */
export async function expandAll(
  remote: SftpFileSystem,
  paths: readonly string[],
  observer: CopyObserver,
): Promise<{ readonly paths: string[]; readonly failures: number }> {
  const found: string[] = [];
  let failures = 0;
  for (const path of paths) {
    try {
      found.push(...(await expandOne(remote, path)));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failures++;
      observer.failed(error);
    }
  }
  return { paths: found, failures };
}

async function expandOne(remote: SftpFileSystem, path: string): Promise<string[]> {
  if (path === '~' || path.startsWith('~/')) return await expandOne(remote, await remote.expand(path));
  // A pattern for a user's name matches names in the start directory instead.
  if (/^~[^/]*[*?[]/.test(path)) return await expandOne(remote, `./${path}`);
  if (!isPattern(path) && !path.includes('\\')) return [path];
  const found = await expandGlob(remote, path);
  const [only] = found;
  if (found.length !== 1 || only === undefined || only === path) return found;
  // A name may hold the characters of patterns itself: where nothing else matches, it is meant.
  return (await exists(remote, only)) || !(await exists(remote, path)) ? found : [path];
}

async function exists(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    const { directory, name } = await locate(fileSystem, path);
    return (name === '' ? await directory.ownStatus() : await directory.status(name)) !== undefined;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}
