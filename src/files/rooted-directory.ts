import { FileError } from '../base/errors.ts';
import type { Directory, EntryAttributes, FileStatus, OpenFile, OpenOptions, Space } from './file-system.ts';
import { joinPath, splitPath } from './path.ts';
import type { RootedFileSystem } from './rooted.ts';

/**
 * A directory below a root. Where a link is to be followed, its target is looked up inside the root, component by component; the system itself never follows one, so neither a
 * link nor a race with whoever plants one leads out. Only regular files can be opened: a FIFO or device could hold the process up, or be more than a file.
 */
export class RootedDirectory implements Directory {
  readonly #inner: Directory;
  readonly #fileSystem: RootedFileSystem;

  /** @param inner never asked to follow; its path is the one inside the root */
  constructor(inner: Directory, fileSystem: RootedFileSystem) {
    this.#inner = inner;
    this.#fileSystem = fileSystem;
  }

  get path(): string {
    return this.#inner.path;
  }

  /** Does `work` where the link `name` leads to; the name is empty where that is a directory by its form (`/`, `..`). */
  async #through<T>(name: string, work: (directory: Directory, name: string) => Promise<T>): Promise<T> {
    const link = joinPath(this.path, name);
    try {
      const { parent, name: last } = splitPath(await this.#fileSystem.followLast(link));
      const directory = await this.#fileSystem.directory(parent);
      try {
        return await work(directory, last);
      } finally {
        await directory.close();
      }
    } catch (error) {
      // Where the link leads is no concern of whoever named the link.
      throw error instanceof FileError
        ? new FileError(link, error.operation, error.code, { cause: error, reason: error.reason })
        : error;
    }
  }

  async *names(options?: { readonly gradual?: boolean }): AsyncIterable<string> {
    for await (const name of this.#inner.names(options)) if (!this.#fileSystem.hides(name)) yield name;
  }

  /** @throws {FileError} ENOENT */
  #refuseHidden(name: string): void {
    if (this.#fileSystem.hides(name)) throw new FileError(joinPath(this.path, name), 'open', 'ENOENT');
  }

  async status(name: string, options: { readonly follow?: boolean } = {}): Promise<FileStatus | undefined> {
    if (this.#fileSystem.hides(name)) return undefined;
    const own = await this.#inner.status(name);
    if (options.follow !== true || own?.kind !== 'symlink') return own;
    try {
      return await this.#through(name, (directory, last) =>
        last === '' ? directory.ownStatus() : directory.status(last),
      );
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async ownStatus(): Promise<FileStatus> {
    return await this.#inner.ownStatus();
  }

  async open(name: string, options: OpenOptions): Promise<OpenFile> {
    const here: OpenOptions = { ...options, follow: false };
    // What is made anew under such a name is a part of whoever serves the files.
    if (options.create !== 'new' && options.shownAs === undefined) this.#refuseHidden(name);
    try {
      return await onlyRegular(await this.#inner.open(name, here));
    } catch (error) {
      if (options.follow !== true || !isLinkError(error)) throw error;
    }
    return await this.#through(name, async (directory, last) => {
      if (last === '') throw new FileError(directory.path, 'open', 'EISDIR');
      return await directory.open(last, here);
    });
  }

  async directory(name: string, options: { readonly follow?: boolean } = {}): Promise<Directory> {
    try {
      return new RootedDirectory(await this.#inner.directory(name), this.#fileSystem);
    } catch (error) {
      if (options.follow !== true || !isLinkError(error)) throw error;
      return await this.#fileSystem.directory(joinPath(this.path, name));
    }
  }

  async makeDirectory(name: string, mode: number): Promise<void> {
    await this.#inner.makeDirectory(name, mode);
  }

  async rename(from: string, to: string, target?: Directory): Promise<void> {
    await this.#inner.rename(from, to, this.#innerOf(target, to, 'rename'));
  }

  async makeHardLink(from: string, to: string, target?: Directory): Promise<void> {
    await this.#inner.makeHardLink(from, to, this.#innerOf(target, to, 'link'));
  }

  /** Undefined stands for this directory. @throws {FileError} EXDEV for a directory of another root */
  #innerOf(target: Directory | undefined, name: string, operation: string): Directory | undefined {
    if (target === undefined) return undefined;
    if (target instanceof RootedDirectory && target.#fileSystem === this.#fileSystem) return target.#inner;
    throw new FileError(joinPath(target.path, name), operation, 'EXDEV');
  }

  async removeDirectory(name: string): Promise<void> {
    await this.#inner.removeDirectory(name);
  }

  async setAttributes(
    name: string,
    attributes: EntryAttributes,
    options: { readonly follow?: boolean } = {},
  ): Promise<void> {
    const isLink = options.follow === true && (await this.#inner.status(name))?.kind === 'symlink';
    if (!isLink) return await this.#inner.setAttributes(name, attributes);
    await this.#through(name, (directory, last) =>
      last === '' ? directory.setAttributes('.', attributes) : directory.setAttributes(last, attributes),
    );
  }

  async space(): Promise<Space> {
    return await this.#inner.space();
  }

  async remove(name: string): Promise<void> {
    await this.#inner.remove(name);
  }

  async readLink(name: string): Promise<string> {
    return await this.#inner.readLink(name);
  }

  async makeLink(name: string, target: string): Promise<void> {
    await this.#inner.makeLink(name, target);
  }

  async setOwnMode(mode: number): Promise<void> {
    await this.#inner.setOwnMode(mode);
  }

  async setOwnTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    await this.#inner.setOwnTimes(atimeSeconds, mtimeSeconds);
  }

  async sync(): Promise<void> {
    await this.#inner.sync();
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }
}

/** O_NOFOLLOW refused a link: ELOOP on Linux, EMLINK on FreeBSD. */
export function isLinkError(error: unknown): boolean {
  return error instanceof FileError && (error.code === 'ELOOP' || error.code === 'EMLINK');
}

async function onlyRegular(file: OpenFile): Promise<OpenFile> {
  try {
    const { kind } = await file.status();
    // A directory opened for reading is told apart by whoever reads it.
    if (kind === 'other') throw new FileError(file.path, 'open', 'ERR_NOT_REGULAR_FILE');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
