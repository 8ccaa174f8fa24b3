import type { FileError } from '../base/errors.ts';
import type { OpenFile } from './file-system.ts';
import { LayerFile } from './layer.ts';

/** What may be done with an open file. Whether it can be written is a matter of how it was opened. */
export interface FileRights {
  readonly read: boolean;
  /** Mode, times and owner, which can be changed through a file that was opened for reading too. */
  readonly change: boolean;
  readonly refused: (operation: string) => FileError;
}

/** An open file of a guarded file system. */
export class GuardedFile extends LayerFile {
  readonly #rights: FileRights;

  constructor(inner: OpenFile, rights: FileRights) {
    super(inner);
    this.#rights = rights;
  }

  override async read(buffer: Uint8Array, position: number): Promise<number> {
    if (!this.#rights.read) throw this.#rights.refused('read');
    return await super.read(buffer, position);
  }

  override async truncate(size: number): Promise<void> {
    this.#mayChange('truncate');
    await super.truncate(size);
  }

  override async setMode(mode: number): Promise<void> {
    this.#mayChange('set mode');
    await super.setMode(mode);
  }

  override async setOwner(uid: number, gid: number): Promise<void> {
    this.#mayChange('set owner');
    await super.setOwner(uid, gid);
  }

  override async setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    this.#mayChange('set times');
    await super.setTimes(atimeSeconds, mtimeSeconds);
  }

  #mayChange(operation: string): void {
    if (!this.#rights.change) throw this.#rights.refused(operation);
  }
}
