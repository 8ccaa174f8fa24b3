import { FileError } from '../../base/errors.ts';
import type { KeptUploads } from './kept.ts';
import type { SessionFilesOptions } from './options.ts';
import type { Place } from './place.ts';
import type { Upload } from './upload.ts';
import type { Uploads } from './uploads.ts';

/** Renames what a session sees under a name: a file, an upload under way, or what is kept of one. */
export class Renamer {
  readonly #uploads: Uploads;
  readonly #kept: KeptUploads;
  readonly #options: SessionFilesOptions;

  constructor({
    uploads,
    kept,
    options,
  }: {
    uploads: Uploads;
    kept: KeptUploads;
    options: SessionFilesOptions;
  }) {
    this.#uploads = uploads;
    this.#kept = kept;
    this.#options = options;
  }

  /** @param replace whether what is at `to` is replaced, in one step; else it is an error that something is there. @throws {FileError} */
  async rename(from: Place, to: Place, replace: boolean): Promise<void> {
    if (from.name === '' || to.name === '') throw new FileError(to.path, 'rename', 'EBUSY');
    if ((await from.key()) === (await to.key())) return await this.#toItself(from, replace);
    const upload = await this.#uploads.at(from);
    if (!replace && (await this.#isTaken(to))) throw new FileError(to.path, 'rename', 'EEXIST');
    const isOnDisk = (await from.status()) !== undefined;
    if (!isOnDisk && upload === undefined) return await this.#refuseKept(from);
    const replaced = await this.#uploads.at(to);
    if (isOnDisk) await this.#renameOnDisk(from, to, replace);
    if (replaced !== undefined) this.#uploads.detach(replaced);
    if (upload === undefined) await this.#kept.forget(to.directory, to.name);
    else await this.#renameUpload(upload, to, !replace && !isOnDisk);
  }

  async #toItself(place: Place, replace: boolean): Promise<void> {
    if (!(await this.#isTaken(place))) throw new FileError(place.path, 'rename', 'ENOENT');
    if (!replace) throw new FileError(place.path, 'rename', 'EEXIST');
  }

  async #isTaken(place: Place): Promise<boolean> {
    if ((await this.#uploads.at(place)) !== undefined || (await place.status()) !== undefined) return true;
    return (await this.#kept.status(place.directory, place.name)) !== undefined;
  }

  /** The file gets its new name when it is complete. Until then what is there stays. */
  async #renameUpload(upload: Upload, to: Place, exclusive: boolean): Promise<void> {
    await this.#uploads.move(upload, to);
    to.take();
    upload.move({ directory: to.directory, name: to.name }, exclusive);
  }

  async #renameOnDisk(from: Place, to: Place, replace: boolean): Promise<void> {
    const isFile = (await from.status())?.kind === 'file';
    if (replace || !isFile || !(await this.#moveToFreeName(from, to)))
      await from.directory.rename(from.name, to.name, to.directory);
    if (!this.#options.durable) return;
    await to.directory.sync();
    await from.directory.sync();
  }

  /** By a second name, which fails where the name is taken meanwhile, in one step. @returns false where the file system has no hard links */
  async #moveToFreeName(from: Place, to: Place): Promise<boolean> {
    try {
      await from.directory.makeHardLink(from.name, to.name, to.directory);
    } catch (error) {
      if (error instanceof FileError && ['EPERM', 'ENOTSUP', 'EMLINK'].includes(error.code)) return false;
      throw error;
    }
    try {
      await from.directory.remove(from.name);
    } catch (error) {
      await to.directory.remove(to.name).catch(() => {});
      throw error;
    }
    return true;
  }

  /** What is incomplete keeps its name: under another one other rights may hold, and whoever goes on with it looks for it here. */
  async #refuseKept(from: Place): Promise<never> {
    if ((await this.#kept.status(from.directory, from.name)) === undefined)
      throw new FileError(from.path, 'rename', 'ENOENT');
    throw new FileError(from.path, 'rename', 'EBUSY', {
      reason: 'the upload is not complete: go on with it, or remove it',
    });
  }
}
