import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { FileError } from '../base/errors.ts';
import type { EntryAttributes } from './file-system.ts';
import { canPin, O_PATH } from './open-flags.ts';

/**
 * Changes attributes of what is at `systemPath` without opening it for reading or writing: directories, and files that may be neither read nor written. On Linux the entry is held by a descriptor first, so that all changes are made to the
 * same object and a link that is put in its place meanwhile is not followed; elsewhere links are checked before, which leaves a race.
 *
 * @param shown how messages name the entry
 * @throws {FileError} the first failure; the other changes have been made.
 */
export async function setEntryAttributes(
  systemPath: string | Buffer,
  shown: string,
  attributes: EntryAttributes,
  follow: boolean,
): Promise<void> {
  const held = await hold(systemPath, shown, follow);
  try {
    const failures: FileError[] = [];
    for (const { operation, change } of changesOf(held.path, attributes, held.isLink)) {
      await change().catch((cause: unknown) => failures.push(FileError.from(cause, shown, operation)));
    }
    if (failures[0] !== undefined) throw failures[0];
  } finally {
    await held.release();
  }
}

interface Held {
  readonly path: string | Buffer;
  readonly isLink: boolean;
  release(): Promise<void>;
}

async function hold(systemPath: string | Buffer, shown: string, follow: boolean): Promise<Held> {
  try {
    if (!canPin()) {
      const isLink = !follow && (await fs.lstat(systemPath)).isSymbolicLink();
      return { path: systemPath, isLink, release: async () => {} };
    }
    const handle = await fs.open(systemPath, O_PATH | (follow ? 0 : constants.O_NOFOLLOW));
    const release = (): Promise<void> => handle.close();
    if ((await handle.stat()).isSymbolicLink()) return { path: systemPath, isLink: true, release };
    return { path: `/proc/self/fd/${handle.fd}`, isLink: false, release };
  } catch (cause) {
    throw FileError.from(cause, shown, 'set attributes');
  }
}

interface Change {
  readonly operation: string;
  change(): Promise<void>;
}

/** The owner first: changing it clears the special bits of the mode. */
function changesOf(path: string | Buffer, { mode, owner, times }: EntryAttributes, isLink: boolean): Change[] {
  const changes: Change[] = [];
  if (owner !== undefined) {
    const change = isLink ? fs.lchown : fs.chown;
    changes.push({ operation: 'set owner', change: () => change(path, owner.uid, owner.gid) });
  }
  if (mode !== undefined) {
    const change = (): Promise<void> => (isLink ? noModeOfLinks() : fs.chmod(path, mode));
    changes.push({ operation: 'set mode', change });
  }
  if (times !== undefined) {
    const change = isLink ? fs.lutimes : fs.utimes;
    changes.push({ operation: 'set times', change: () => change(path, times.atimeSeconds, times.mtimeSeconds) });
  }
  return changes;
}

function noModeOfLinks(): Promise<never> {
  return Promise.reject(Object.assign(new Error('links have no mode'), { code: 'ENOTSUP' }));
}
