import { FileError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import { expandGlob } from '../files/glob.ts';
import { isPattern } from '../files/glob-match.ts';
import { locate } from '../files/path.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import { listedTwice } from './listed-once.ts';
import type { CopyObserver } from './observer.ts';

/** The paths that the operands stand for, which only the names in the server's directories can tell. A `~user` is expanded first, and the answer is no pattern. */
export async function expandAll(
  remote: SftpFileSystem,
  paths: readonly string[],
  observer: CopyObserver,
): Promise<{ readonly paths: string[]; readonly failures: number }> {
  const found: string[] = [];
  let failures = 0;
  const failed = (error: FileError): void => {
    failures++;
    observer.failed(error);
  };
  for (const path of paths) {
    try {
      const matches = await expandOne(remote, path);
      const once = new Set(matches);
      found.push(...once);
      if (once.size === matches.length) continue;
      const twice = matches.filter((match, index) => matches.indexOf(match) !== index);
      for (const match of new Set(twice)) failed(listedTwice(remote.shown?.(match) ?? match));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failed(error);
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
