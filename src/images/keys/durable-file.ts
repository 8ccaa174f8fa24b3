import { randomBytes } from 'node:crypto';
import type { Directory } from '../../files/file-system.ts';

/** How the name of a file ends that is not whole yet. There is one writer, so one name is enough, and what is left of it is known. */
const NEW_SUFFIX = '.new';

/** The name that new content has until it is whole. */
export function newName(name: string): string {
  return `${name}${NEW_SUFFIX}`;
}

/** How the name of a folder ends that stood where a file belongs. */
const ASIDE_SUFFIX = '.unusable';

/**
 * Gives `name` new content so that a power cut at any moment leaves the old or the new one: written beside, synced, renamed, and the folder synced. When this resolves the new content stays. The caller holds the lock.
 *
 * @throws {FileError} the old content is still there, unless only the last step failed
 */
export async function replaceDurably(
  directory: Directory,
  name: string,
  content: Uint8Array,
  mode: number,
): Promise<void> {
  const beside = newName(name);
  await removeLeftover(directory, name);
  try {
    const file = await directory.open(beside, { access: 'write', create: 'new', mode });
    try {
      await file.write([content], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await moveFolderAside(directory, name);
    await directory.rename(beside, name);
  } catch (error) {
    await directory.remove(beside).catch(() => {});
    throw error;
  }
  await directory.sync();
}

/** Removes what a write of `name` that was cut off has left. @throws {FileError} */
export async function removeLeftover(directory: Directory, name: string): Promise<void> {
  const beside = newName(name);
  if ((await directory.status(beside)) !== undefined) await directory.remove(beside);
}

/** No file can be renamed over a folder. */
async function moveFolderAside(directory: Directory, name: string): Promise<void> {
  const there = await directory.status(name);
  if (there?.kind !== 'directory') return;
  await directory.rename(name, `${name}.${randomBytes(4).toString('hex')}${ASIDE_SUFFIX}`);
}
