import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { FileError } from '../../base/errors.ts';
import { isProcessAlive } from './process-name.ts';
import { isNobody, listSpools, nobody, spoolPath } from './spool-name.ts';

export interface SpoolRecoveryOptions {
  /** The folder of the journals. */
  readonly directory: string;
  /** The owner of this process's own spools, which are not touched. */
  readonly own: string;
  /** The servers that are configured, as `targetName()` gives them. */
  readonly targets: readonly string[];
  readonly warn: (text: string) => void;
}

/**
 * Makes the spools of processes that are gone nobody's, so that whoever serves their targets can take them. Those of servers that are not configured any more stay as they are, with one warning. For the one process that
 * starts the others, before it does. Never throws.
 */
export function freeSpools({ directory, own, targets, warn }: SpoolRecoveryOptions): void {
  try {
    const left = listSpools(directory).filter(({ owner }) => !owner.startsWith(own) && !isProcessAlive(owner));
    const suffix = randomBytes(6).toString('hex');
    for (const [index, { path, target, owner }] of left.entries()) {
      if (!targets.includes(target) || isNobody(owner)) continue;
      renameSync(path, spoolPath(directory, { target, owner: nobody(suffix), number: index + 1 }));
    }
    const strange = left.filter(({ target }) => !targets.includes(target)).map(({ path }) => path);
    if (strange.length > 0)
      warn(
        `messages wait for syslog servers that are not configured: ${strange.join(', ')}; configure the servers again and they are sent, or remove the files`,
      );
  } catch (error) {
    warn(FileError.from(error, directory, 'rename').message);
  }
}
