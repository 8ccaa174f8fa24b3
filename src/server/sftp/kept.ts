import { FileError } from '../../base/errors.ts';
import type { Directory, FileStatus } from '../../files/file-system.ts';
import { keptName } from '../../files/private-names.ts';
import { isTooOld, timesOf } from './leftover.ts';

/** What came of new files before their sessions broke off: on disk beside their names, for one user. See docs/decisions/0014-uploads-by-sftp.md. */
export class KeptUploads {
  readonly #user: string;

  constructor(user: string) {
    this.#user = user;
  }

  nameOf(name: string): string {
    return keptName(name, this.#user);
  }

  /** What is kept for a name that is free; undefined where there is nothing. */
  async status(directory: Directory, name: string): Promise<FileStatus | undefined> {
    if (name === '') return undefined;
    const status = await directory.status(this.nameOf(name)).catch((error: unknown) => {
      // A name that fits is not too long only because ours would be.
      if (error instanceof FileError && error.code === 'ENAMETOOLONG') return undefined;
      throw error;
    });
    if (status?.kind !== 'file') return undefined;
    return isTooOld(timesOf(status), Date.now()) ? undefined : status;
  }

  /** Removes what is kept, where there is something. Never throws. */
  async forget(directory: Directory, name: string): Promise<void> {
    await directory.remove(this.nameOf(name)).catch(() => {});
  }
}
