import { randomBytes } from 'node:crypto';
import { FileError } from '../base/errors.ts';
import { PARTIAL_SUFFIX } from '../files/landing-types.ts';
import { shownPath } from '../files/path.ts';
import type { Place } from './target.ts';

/**
 * Makes a symbolic link. A file or link of that name is replaced at once, so that the name is never missing; a directory is not.
 *
 * @throws {FileError} EISDIR
 */
export async function copyLink({ directory, name }: Place, target: string): Promise<void> {
  const own = await directory.status(name);
  if (own === undefined) return await directory.makeLink(name, target);
  if (own.kind === 'directory') throw new FileError(shownPath(directory.path, name), 'symlink', 'EISDIR');
  if (own.kind === 'symlink' && (await directory.readLink(name)) === target) return;
  const beside = `.${randomBytes(6).toString('hex')}${PARTIAL_SUFFIX}`;
  await directory.makeLink(beside, target);
  try {
    await directory.rename(beside, name);
  } catch (error) {
    await directory.remove(beside).catch(() => {});
    throw error;
  }
}
