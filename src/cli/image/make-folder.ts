import { mkdir, stat } from 'node:fs/promises';
import { osPath } from '../../base/byte-name.ts';
import { FileError } from '../../base/errors.ts';
import { splitPath } from '../../files/path.ts';

/**
 * Makes a folder, and those above it that are missing. Node's own way to do that never ends where a folder that is there takes no new ones (/proc).
 *
 * @returns false where it was there
 * @throws {FileError}
 */
export async function makeFolder(path: string, mode: number): Promise<boolean> {
  for (let isSecond = false; ; isSecond = true) {
    try {
      await mkdir(osPath(path), mode);
      return true;
    } catch (cause) {
      const error = FileError.from(cause, path, 'mkdir');
      const isThere = (await stat(osPath(path)).catch(() => undefined))?.isDirectory() === true;
      if (isThere) return false;
      const { parent, name } = splitPath(path);
      if (error.code !== 'ENOENT' || isSecond || name === '' || path === '') throw error;
      await makeFolder(parent, mode);
    }
  }
}
