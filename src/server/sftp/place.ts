import { nameLength } from '../../base/byte-name.ts';
import { FileError } from '../../base/errors.ts';
import type { Directory, FileStatus, FileSystem } from '../../files/file-system.ts';
import { joinPath, locate } from '../../files/path.ts';
import { isPrivateName } from '../../files/private-names.ts';

/** The longest path, in bytes: PATH_MAX of Linux. */
const MAX_PATH_BYTES = 4096;

/** A path that was looked up: the directory that it lies in and the name in it. */
export class Place {
  readonly directory: Directory;
  /** Empty where the path is the directory itself. */
  readonly name: string;
  /** The path ended in a slash. */
  readonly mustBeDirectory: boolean;
  #owned = true;
  #key: string | undefined;

  constructor(directory: Directory, name: string, mustBeDirectory: boolean) {
    this.directory = directory;
    this.name = name;
    this.mustBeDirectory = mustBeDirectory;
  }

  get path(): string {
    return this.name === '' ? this.directory.path : joinPath(this.directory.path, this.name);
  }

  /** What names the entry whatever path leads to it. */
  async key(): Promise<string> {
    this.#key ??= `${await directoryKey(this.directory)}/${this.name}`;
    return this.#key;
  }

  /** The entry's own status; undefined where there is none. @throws {FileError} ENOTDIR where the path says that it is a directory, and it is not */
  async status(): Promise<FileStatus | undefined> {
    if (this.name === '') return await this.directory.ownStatus();
    const status = await this.directory.status(this.name);
    if (this.mustBeDirectory && status !== undefined && status.kind !== 'directory' && status.kind !== 'symlink')
      throw new FileError(this.path, 'stat', 'ENOTDIR');
    return status;
  }

  /** The caller closes the directory from now on. */
  take(): void {
    this.#owned = false;
  }

  /** Lets go of the directory unless it was taken. */
  async release(): Promise<void> {
    if (this.#owned) await this.directory.close();
    this.#owned = false;
  }
}

export async function directoryKey(directory: Directory): Promise<string> {
  const { device, inode } = await directory.ownStatus();
  return `${device}:${inode}`;
}

/** Looks paths up, relative to where a session begins. The server's own files are out of reach, also by a link. */
export class Places {
  readonly #fileSystem: FileSystem;
  readonly #start: string;

  constructor(fileSystem: FileSystem, start: string) {
    this.#fileSystem = fileSystem;
    this.#start = start;
  }

  /** @throws {FileError} ENAMETOOLONG */
  absolute(path: string): string {
    if (nameLength(path) > MAX_PATH_BYTES) throw new FileError(path, 'open', 'ENAMETOOLONG');
    const read = this.#fileSystem.absolute?.(path) ?? path;
    return read.startsWith('/') ? read : joinPath(this.#start, read === '' ? '.' : read);
  }

  async #locate(path: string): Promise<Place> {
    const { directory, name, mustBeDirectory } = await locate(this.#fileSystem, path);
    const place = new Place(directory, name, mustBeDirectory);
    if (!isPrivateName(name)) return place;
    await place.release();
    throw new FileError(place.path, 'open', 'EACCES');
  }

  /** Does `work` with the place of a path; a link as the last component is not followed. */
  async at<T>(path: string, work: (place: Place) => Promise<T>): Promise<T> {
    // An empty name is no file; only REALPATH takes it for the start.
    if (path === '') throw new FileError("''", 'open', 'ENOENT');
    return await using(await this.#locate(this.absolute(path)), work);
  }

  /** The same where a link leads, which need not exist. */
  async behind<T>(path: string, work: (place: Place) => Promise<T>): Promise<T> {
    return await this.at(path, async (place) => {
      if (place.name === '' || (await place.status())?.kind !== 'symlink') return await work(place);
      const target = await this.#fileSystem.resolve(this.absolute(path));
      return await using(await this.#locate(target), work);
    });
  }
}

async function using<T>(place: Place, work: (place: Place) => Promise<T>): Promise<T> {
  try {
    return await work(place);
  } finally {
    await place.release();
  }
}
