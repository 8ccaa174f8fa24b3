import { FileError } from '../../base/errors.ts';
import type { Directory, FileStatus, Space } from '../../files/file-system.ts';
import { joinPath } from '../../files/path.ts';
import { readPrivateName } from '../../files/private-names.ts';
import type { Attributes } from '../../sftp/attributes.ts';
import type { OpenHow, OwnerNames, ServedFile, ServedFiles, ServedListing } from '../../sftp/server/served-files.ts';
import { KeptUploads } from './kept.ts';
import { Listing } from './listing.ts';
import { Opener } from './open-file.ts';
import type { SessionFilesOptions } from './options.ts';
import { type Place, Places } from './place.ts';
import { Renamer } from './rename.ts';
import { setAttributes } from './set-attributes.ts';
import { removeStale } from './stale.ts';
import { Uploads } from './uploads.ts';

/** The files of a file system as one SFTP session sees and changes them: see docs/decisions/0014-uploads-by-sftp.md. */
export class SessionFiles implements ServedFiles {
  readonly #options: SessionFilesOptions;
  readonly #places: Places;
  readonly #uploads: Uploads = new Uploads();
  readonly #kept: KeptUploads;
  readonly #opener: Opener;
  readonly #renamer: Renamer;
  readonly #listings: Set<ServedListing> = new Set();

  constructor(options: SessionFilesOptions) {
    this.#options = options;
    this.#places = new Places(options.fileSystem, options.start);
    this.#kept = new KeptUploads(options.user);
    const parts = { options, uploads: this.#uploads, kept: this.#kept };
    this.#opener = new Opener({ ...parts, places: this.#places });
    this.#renamer = new Renamer(parts);
  }

  async realPath(path: string): Promise<string> {
    return await this.#options.fileSystem.resolve(this.#places.absolute(path));
  }

  async status(path: string, follow: boolean): Promise<FileStatus> {
    return await this.#place(path, follow, async (place) => {
      const upload = await this.#uploads.at(place);
      const status =
        (await upload?.status()) ?? (await place.status()) ?? (await this.#kept.status(place.directory, place.name));
      if (status === undefined) throw new FileError(place.path, 'stat', 'ENOENT');
      if (place.mustBeDirectory && status.kind !== 'directory') throw new FileError(place.path, 'stat', 'ENOTDIR');
      return status;
    });
  }

  #place<T>(path: string, follow: boolean, work: (place: Place) => Promise<T>): Promise<T> {
    return follow ? this.#places.behind(path, work) : this.#places.at(path, work);
  }

  /** @throws {FileError} EACCES where nothing may be changed */
  #mayChange(path: string): void {
    if (this.#options.readOnly) throw new FileError(path, 'change', 'EACCES');
  }

  async setAttributes(path: string, attributes: Attributes, follow: boolean): Promise<void> {
    this.#mayChange(path);
    if (!follow && attributes.size !== undefined) throw new FileError(path, 'truncate', 'EINVAL');
    await this.#place(path, follow, (place) =>
      setAttributes(place, attributes, {
        uploads: this.#uploads,
        kept: this.#kept,
        opener: this.#opener,
        options: this.#options,
      }),
    );
  }

  open(path: string, how: OpenHow): Promise<ServedFile> {
    return this.#opener.open(path, how);
  }

  async list(path: string): Promise<ServedListing> {
    const directory = await this.#options.fileSystem.directory(this.#places.absolute(path));
    const listing = new Listing(directory, { uploads: this.#uploads, kept: this.#kept, options: this.#options });
    this.#listings.add(listing);
    return {
      next: (count) => listing.next(count),
      close: async () => {
        this.#listings.delete(listing);
        await listing.close();
      },
    };
  }

  async remove(path: string): Promise<void> {
    this.#mayChange(path);
    await this.#places.at(path, async (place) => {
      const { directory, name } = place;
      if (name === '') throw new FileError(place.path, 'remove', 'EISDIR');
      const upload = await this.#uploads.at(place);
      const isOnDisk = (await place.status()) !== undefined;
      const isKept = !isOnDisk && (await this.#kept.status(directory, name)) !== undefined;
      if (isOnDisk) await directory.remove(name);
      else if (upload === undefined && !isKept) throw new FileError(place.path, 'remove', 'ENOENT');
      if (upload !== undefined) this.#uploads.detach(upload);
      await this.#kept.forget(directory, name);
      this.#options.observer.changed('remove', place.path);
    });
  }

  /** @throws {FileError} EEXIST where the session sees something under the name that is not on the disk */
  async #refuseUnseen(place: Place): Promise<void> {
    const isThere =
      (await this.#uploads.at(place)) !== undefined ||
      (await this.#kept.status(place.directory, place.name)) !== undefined;
    if (isThere) throw new FileError(place.path, 'make', 'EEXIST');
  }

  async makeDirectory(path: string, mode: number | undefined): Promise<void> {
    this.#mayChange(path);
    await this.#places.at(path, async (place) => {
      if (place.name === '') throw new FileError(place.path, 'mkdir', 'EEXIST');
      await this.#refuseUnseen(place);
      await place.directory.makeDirectory(place.name, (mode ?? 0o777) & this.#options.modeMask);
      if (this.#options.durable) await place.directory.sync();
      this.#options.observer.changed('mkdir', place.path);
    });
  }

  async removeDirectory(path: string): Promise<void> {
    this.#mayChange(path);
    await this.#places.at(path, async (place) => {
      if (place.name === '') throw new FileError(place.path, 'rmdir', 'EBUSY');
      try {
        await place.directory.removeDirectory(place.name);
      } catch (error) {
        if (!(error instanceof FileError) || error.code !== 'ENOTEMPTY') throw error;
        // What is kept for somebody is nothing that a directory is kept for.
        if (!(await this.#clear(place))) throw error;
        await place.directory.removeDirectory(place.name);
      }
      this.#options.observer.changed('rmdir', place.path);
    });
  }

  /** Removes what nobody sees from a directory, where that is all there is. @returns whether it is */
  async #clear({ directory: parent, name }: Place): Promise<boolean> {
    const directory = await parent.directory(name);
    try {
      const hidden: string[] = [];
      for await (const entry of directory.names({ gradual: true })) {
        this.#mayGoOn(directory);
        const own = readPrivateName(entry);
        // An upload that is under way goes on to need the directory.
        if (own?.kind === 'upload' && (await removeStale(directory, entry, own, this.#options.process))) continue;
        if (own?.kind !== 'kept') return false;
        hidden.push(entry);
      }
      for (const entry of hidden) {
        this.#mayGoOn(directory);
        await directory.remove(entry);
      }
      return true;
    } finally {
      await directory.close();
    }
  }

  /** @throws {FileError} EINTR once everything is to stop */
  #mayGoOn({ path }: Directory): void {
    if (this.#options.signal?.aborted === true) throw new FileError(path, 'rmdir', 'EINTR');
  }

  async rename(oldPath: string, newPath: string, replace: boolean): Promise<void> {
    this.#mayChange(oldPath);
    await this.#places.at(oldPath, (from) =>
      this.#places.at(newPath, async (to) => {
        await this.#renamer.rename(from, to, replace);
        this.#options.observer.changed('rename', from.path, to.path);
      }),
    );
  }

  async readLink(path: string): Promise<string> {
    return await this.#places.at(path, (place) => place.directory.readLink(place.name === '' ? '.' : place.name));
  }

  async makeLink(path: string, target: string): Promise<void> {
    this.#mayChange(path);
    await this.#places.at(path, async (place) => {
      if (place.name === '') throw new FileError(place.path, 'symlink', 'EEXIST');
      await this.#refuseUnseen(place);
      await place.directory.makeLink(place.name, target);
      this.#options.observer.changed('symlink', place.path, target);
    });
  }

  async makeHardLink(oldPath: string, newPath: string): Promise<void> {
    this.#mayChange(oldPath);
    await this.#places.at(oldPath, (from) =>
      this.#places.at(newPath, async (to) => {
        if (from.name === '' || to.name === '') throw new FileError(to.path, 'link', 'EPERM');
        // Its content is not final: a second name would show another file than the first.
        if ((await this.#uploads.at(from)) !== undefined) throw new FileError(from.path, 'link', 'EBUSY');
        await this.#refuseUnseen(to);
        await from.directory.makeHardLink(from.name, to.name, to.directory);
        this.#options.observer.changed('link', from.path, to.path);
      }),
    );
  }

  async space(path: string): Promise<Space> {
    return await this.#places.behind(path, async (place) => {
      if (place.name !== '' && (await place.status())?.kind === 'directory') {
        const directory = await place.directory.directory(place.name);
        try {
          return await directory.space();
        } finally {
          await directory.close();
        }
      }
      return await place.directory.space();
    });
  }

  async expand(path: string): Promise<string> {
    if (!path.startsWith('~')) return await this.realPath(path);
    const cut = path.indexOf('/');
    const user = path.slice(1, cut < 0 ? undefined : cut);
    const rest = cut < 0 ? '' : path.slice(cut + 1);
    const home = await this.home(user);
    return await this.realPath(rest === '' ? home : joinPath(home, rest));
  }

  async home(user: string): Promise<string> {
    const { people, start, user: own } = this.#options;
    const isOwn = user === '' || user === own;
    const home = (await people.home(isOwn ? own : user)) ?? (isOwn ? start : undefined);
    if (home === undefined || home === '') throw new FileError(`~${user}`, 'expand', 'ENOENT');
    return home;
  }

  async owners(uids: readonly number[], gids: readonly number[]): Promise<OwnerNames> {
    const { people } = this.#options;
    return {
      userNames: await Promise.all(uids.map((uid) => people.userName(uid))),
      groupNames: await Promise.all(gids.map((gid) => people.groupName(gid))),
    };
  }

  async end(): Promise<void> {
    for (const listing of this.#listings) await listing.close().catch(() => {});
    await this.#opener.end();
    await Promise.all(this.#uploads.takeAll().map((upload) => upload.abandon()));
  }
}
