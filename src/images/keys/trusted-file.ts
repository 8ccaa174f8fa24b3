import { FileError, ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Directory, FileStatus, OpenFile } from '../../files/file-system.ts';
import { shownPath } from '../../files/path.ts';
import { newName } from './durable-file.ts';

/** Group and others may not write what decides about trust. */
const OTHERS_WRITE = 0o022;

/** Windows has no such bits: everything looks writable there. */
const hasModes: boolean = process.platform !== 'win32';

/** @throws {ImageError} ERR_KEY_STORAGE where others than its owner may change the folder */
export async function checkFolder(directory: Directory): Promise<void> {
  const { mode } = await directory.ownStatus();
  if (hasModes && (mode & OTHERS_WRITE) !== 0) throw writable(printable(directory.path));
}

/**
 * Reads a file that somebody else may have put there: a regular file with one name, not a link, of the folder's owner or root, that nobody else may write, and not too large.
 *
 * @returns undefined where there is none
 * @throws {ImageError} ERR_KEY_STORAGE with the way to put it right
 */
export async function readTrusted(
  directory: Directory,
  name: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const shown = printable(shownPath(directory.path, name));
  let file: OpenFile;
  try {
    file = await directory.open(name, { access: 'read' });
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw unreadable(shown, error);
  }
  try {
    const status = await file.status();
    await checkStatus(directory, name, status);
    if (status.size > maxBytes) throw new ImageError(shown, 'ERR_KEY_STORAGE', `has more than ${maxBytes} bytes`);
    return await readAll(file, shown, status.size);
  } catch (error) {
    throw unreadable(shown, error);
  } finally {
    await file.close().catch(() => {});
  }
}

async function checkStatus(directory: Directory, name: string, status: FileStatus): Promise<void> {
  const shown = printable(shownPath(directory.path, name));
  const refuse = (reason: string, cure: string): never => {
    throw new ImageError(shown, 'ERR_KEY_STORAGE', reason, { cure });
  };
  if (status.kind !== 'file') refuse('is not a regular file', `remove ${shown}`);
  if (status.links > 1 && !(await isHalfRenamed(directory, name, status)))
    refuse('has several names', `cp ${shown} ${shown}.copy && mv ${shown}.copy ${shown}`);
  if (!hasModes) return;
  if ((status.mode & OTHERS_WRITE) !== 0) throw writable(shown);
  const { uid } = await directory.ownStatus();
  if (status.uid !== 0 && status.uid !== uid)
    refuse(`belongs to user ${status.uid}, not to the owner of its folder`, `chown ${uid} ${shown}`);
}

/** A power cut during a rename leaves both names on file systems without a journal. */
async function isHalfRenamed(directory: Directory, name: string, status: FileStatus): Promise<boolean> {
  const other = await directory.status(newName(name));
  return status.links === 2 && other?.inode === status.inode && other.device === status.device;
}

async function readAll(file: OpenFile, shown: string, size: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = await file.read(bytes.subarray(at), at);
    if (count === 0) throw new ImageError(shown, 'ERR_KEY_STORAGE', 'became shorter while it was read');
    at += count;
  }
  return bytes;
}

function writable(shown: string): ImageError {
  return new ImageError(shown, 'ERR_KEY_STORAGE', 'others than its owner may write it', {
    cure: `chmod go-w ${shown}`,
  });
}

function unreadable(shown: string, error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  const reason = error.code === 'ELOOP' ? 'is a symbolic link' : error.reason;
  return new ImageError(shown, 'ERR_KEY_STORAGE', reason, { cause: error });
}
