import { readFile, stat } from 'node:fs/promises';
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
