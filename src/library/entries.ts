import { FileError } from '../base/errors.ts';
import type { Directory, FileKind, FileStatus } from '../files/file-system.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import { abortable } from './abortable.ts';

/** How deep directories may nest that are removed with all that is in them. */
const MAX_DEPTH = 256;

/** What a host tells about a file, directory or link. */
export interface EntryStatus {
  readonly kind: FileKind;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Whole seconds, as the protocol has it. */
  readonly modified: Date;
  readonly accessed: Date;
  readonly uid: number;
  readonly gid: number;
}

/** One name in a directory of a host. */
export interface Entry extends EntryStatus {
  /** One path component: never empty, `.` or `..`, and without a slash. */
  readonly name: string;
  /** The path of the listed directory and the name: for the other methods of the host. */
  readonly path: string;
}

export function entryStatus(status: FileStatus): EntryStatus {
  const { kind, mode, size, mtimeSeconds, atimeSeconds, uid, gid } = status;
  return {
    kind,
    mode,
    size,
    modified: new Date(mtimeSeconds * 1000),
    accessed: new Date(atimeSeconds * 1000),
    uid,
    gid,
  };
}

/** The path of an entry of a directory. A name that stands for the start directory elsewhere does not here. */
function entryPath(directory: string, name: string): string {
  if (directory === '.') return name === '~' ? './~' : name;
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/** The entries of a directory, as the server sends them. Links are not followed. */
export async function* listDirectory(
  files: SftpFileSystem,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry, void, void> {
  const directory = await abortable(files.directory(path), signal);
  const entries = directory.entries();
  try {
    for (;;) {
      const next = await abortable(entries.next(), signal);
      if (next.done === true) return;
      const { name, status } = next.value;
      const known = status ?? (await abortable(directory.status(name), signal));
      if (known !== undefined) yield { name, path: entryPath(path, name), ...entryStatus(known) };
    }
  } finally {
    // Ends the listing on the server; one that is silent is not waited for.
    entries.return().catch(() => {});
  }
}

/** Removes a directory and all that is in it. Links are removed, not followed. @throws {FileError} at the first entry that stays. */
export async function removeTree(
  files: SftpFileSystem,
  path: string,
  removeDirectory: (path: string) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const empty = async (at: string, directory: Directory, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) {
      const reason = `directories nest deeper than ${MAX_DEPTH} levels`;
      throw new FileError(directory.path, 'remove', 'ERR_LIMIT', { reason });
    }
    for await (const entry of directory.entries?.() ?? []) {
      signal?.throwIfAborted();
      const status = entry.status ?? (await directory.status(entry.name));
      if (status?.kind !== 'directory') {
        await directory.remove(entry.name);
        continue;
      }
      const below = entryPath(at, entry.name);
      // The listing may be old: what is a link by now is refused here.
      await empty(below, await directory.directory(entry.name), depth + 1);
      await removeDirectory(below);
    }
  };
  await empty(path, await files.directory(path), 1);
  await removeDirectory(path);
}

/** Whether an error says that nothing is at a path. */
export function isMissing(error: unknown): boolean {
  return error instanceof FileError && error.code === 'ENOENT';
}
