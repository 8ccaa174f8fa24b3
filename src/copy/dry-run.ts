import { FileError } from '../base/errors.ts';
import type { Directory, FileStatus } from '../files/file-system.ts';
import { shownPath } from '../files/path.ts';
import type { CopyObserver } from './observer.ts';
import type { FoundFile } from './opened-source.ts';
import type { Place } from './target.ts';

/** Whether a copy of this file is there: of the same size and not older. Whole seconds count, since that is what every side keeps. */
async function isUpToDate(source: FileStatus, { directory, name }: Place): Promise<boolean> {
  const found = await directory.status(name, { follow: true });
  return (
    found?.kind === 'file' &&
    found.size === source.size &&
    Math.floor(found.mtimeSeconds) >= Math.floor(source.mtimeSeconds)
  );
}

/** Whether a file is not to be copied because it is there, or because nothing is to be changed. The observer is told. */
export async function isPassedOver(
  { directory, name, status }: FoundFile,
  place: Place,
  { update, dryRun, observer }: { update?: boolean | undefined; dryRun?: boolean | undefined; observer: CopyObserver },
): Promise<boolean> {
  const paths = { source: shownPath(directory.path, name), target: shownPath(place.directory.path, place.name) };
  if (update === true && (await isUpToDate(status, place))) {
    observer.skipped?.(name, status.size, paths);
    return true;
  }
  if (dryRun === true) observer.planned?.(name, status.size, paths);
  return dryRun === true;
}

/** The directory, or, where it is missing and is not to be made, one in which nothing is. */
export async function phantom(parent: Directory, name: string): Promise<Directory> {
  const path = shownPath(parent.path, name);
  const status = await parent.status(name, { follow: true });
  if (status?.kind === 'directory') return await parent.directory(name, { follow: true });
  if (status !== undefined) throw new FileError(path, 'open', 'ENOTDIR');
  return missingDirectory(path);
}

/** A directory in which nothing is and nothing can be made. */
export function missingDirectory(path: string): Directory {
  const missing = async (): Promise<never> => {
    throw new FileError(path, 'open', 'ENOENT');
  };
  return {
    path,
    async *names() {},
    status: async () => undefined,
    ownStatus: missing,
    open: missing,
    directory: async (name) => missingDirectory(shownPath(path, name)),
    makeDirectory: missing,
    rename: missing,
    remove: missing,
    removeDirectory: missing,
    makeHardLink: missing,
    setAttributes: missing,
    space: missing,
    readLink: missing,
    makeLink: missing,
    setOwnMode: missing,
    setOwnTimes: missing,
    sync: async () => {},
    close: async () => {},
  };
}
