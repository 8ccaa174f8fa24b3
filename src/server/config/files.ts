import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from '../../base/errors.ts';

/**
 * Reads a text file that belongs to a configuration.
 *
 * @throws {FileError} where it cannot be read, is no regular file, or is longer than `maxBytes`
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    if (stats.size > maxBytes) throw new FileError(path, 'open', 'EFBIG');
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw FileError.from(cause, path, 'open');
  }
}

/** Whether a file can be written, or made where it is not there. Changes nothing. @throws {FileError} */
export async function checkWritable(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK);
    if ((await stat(path)).isDirectory()) throw new FileError(path, 'open', 'EISDIR');
  } catch (cause) {
    const error = FileError.from(cause, path, 'open');
    if (error.code !== 'ENOENT') throw error;
    await checkFolder(dirname(path));
  }
}

/** @throws {FileError} */
async function checkFolder(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    if (!(await stat(path)).isDirectory()) throw new FileError(path, 'open', 'ENOTDIR');
  } catch (cause) {
    const { code } = FileError.from(cause, path, 'open');
    const cure = code === 'ENOENT' ? 'make the folder first' : 'choose another place, or let the server write there';
    throw new FileError(path, 'open', code, { cause, cure });
  }
}

/** A folder that is made where it is missing. Changes nothing. @throws {FileError} where something else is there */
export async function checkFolderOrNothing(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === false)
    throw new FileError(path, 'open', 'ENOTDIR', { cure: 'choose a folder, or a name that is free' });
}
