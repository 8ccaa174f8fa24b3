import { FileError } from '../base/errors.ts';
import type { Directory, DirectoryEntry } from '../files/file-system.ts';
import { shownPath } from '../files/path.ts';
import { type NameBudget, NamesSeen } from './names-seen.ts';

/** A listing with more repeated names than this is given up: it might go on for ever. */
export const MAX_REPEATED_NAMES = 1_000;

/** The error for a name that a directory holds once and a listing twice. */
export function listedTwice(path: string): FileError {
  return new FileError(path, 'list', 'EEXIST', { reason: 'is listed twice' });
}

/**
 * The entries of a directory. A host that lists a name twice would have one of the two replace the other: the second is told to `refused` and left out. This machine's own listings are taken as they are.
 *
 * @throws {FileError} where it cannot be listed, holds more names than the budget has room for, or more than {@link MAX_REPEATED_NAMES} twice
 */
export async function* listedOnce(
  directory: Directory,
  budget: NameBudget,
  refused: (error: FileError) => void,
): AsyncGenerator<DirectoryEntry, void, void> {
  if (directory.entries === undefined) {
    for await (const name of directory.names()) yield { name };
    return;
  }
  const seen = new NamesSeen(budget);
  let repeated = 0;
  try {
    for await (const entry of directory.entries()) {
      if (seen.add(entry.name, directory.path)) {
        yield entry;
        continue;
      }
      if (++repeated > MAX_REPEATED_NAMES)
        throw new FileError(directory.path, 'list', 'ERR_LIMIT', { reason: 'lists the same names again and again' });
      refused(listedTwice(shownPath(directory.path, entry.name)));
    }
  } finally {
    seen.forget();
  }
}
