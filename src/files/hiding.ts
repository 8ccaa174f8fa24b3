import { FileError } from '../base/errors.ts';
import type { Directory, EntryAttributes, FileStatus, OpenFile, OpenOptions } from './file-system.ts';
import { LayerDirectory } from './layer.ts';
import { joinPath, splitPath } from './path.ts';
import type { RootedFileSystem } from './rooted.ts';

/** A file system in which some names are not listed, paths and links do not lead to them, and nothing can be given them. Whoever serves the files makes parts under such names with `create: 'new'`, and renames and removes them: nothing else is done with them. */
export function hiding(fileSystem: RootedFileSystem, hides: (name: string) => boolean): RootedFileSystem {
  return {
    hides,
    ...(fileSystem.absolute === undefined ? {} : { absolute: fileSystem.absolute }),
    directory: async (path) => new HidingDirectory(await fileSystem.directory(path), fileSystem, hides),
    followLast: async (path) => await fileSystem.followLast(path),
    resolve: async (path) => await fileSystem.resolve(path),
  };
}

class HidingDirectory extends LayerDirectory {
  readonly #hides: (name: string) => boolean;
  readonly #fileSystem: RootedFileSystem;

  constructor(inner: Directory, fileSystem: RootedFileSystem, hides: (name: string) => boolean) {
    super(inner, fileSystem);
    this.#fileSystem = fileSystem;
    this.#hides = hides;
  }

  protected override over(inner: Directory): Directory {
    return new HidingDirectory(inner, this.#fileSystem, this.#hides);
  }

  async #isHidden(name: string, follow = false): Promise<boolean> {
    if (this.#hides(name)) return true;
    if (!follow || (await super.status(name))?.kind !== 'symlink') return false;
    return this.#hides(splitPath(await this.#fileSystem.followLast(this.pathOf(name))).name);
  }

  override async *names(options?: { readonly gradual?: boolean }): AsyncIterable<string> {
    for await (const name of super.names(options)) if (!this.#hides(name)) yield name;
  }

  override async status(name: string, options?: { readonly follow?: boolean }): Promise<FileStatus | undefined> {
    return (await this.#isHidden(name, options?.follow)) ? undefined : await super.status(name, options);
  }

  override async open(name: string, options: OpenOptions): Promise<OpenFile> {
    const isPart = options.create === 'new' || options.shownAs !== undefined;
    if (!isPart && (await this.#isHidden(name, options.follow)))
      throw new FileError(this.pathOf(name), 'open', 'ENOENT');
    return await super.open(name, options);
  }

  override async directory(name: string, options?: { readonly follow?: boolean }): Promise<Directory> {
    await this.#mustBeThere(name, 'open', options?.follow);
    return await super.directory(name, options);
  }

  override async readLink(name: string): Promise<string> {
    await this.#mustBeThere(name, 'readlink');
    return await super.readLink(name);
  }

  override async setAttributes(
    name: string,
    attributes: EntryAttributes,
    options?: { readonly follow?: boolean },
  ): Promise<void> {
    await this.#mustBeThere(name, 'set attributes', options?.follow);
    await super.setAttributes(name, attributes, options);
  }

  override async removeDirectory(name: string): Promise<void> {
    await this.#mustBeThere(name, 'rmdir');
    await super.removeDirectory(name);
  }

  override async makeDirectory(name: string, mode: number): Promise<void> {
    this.#mayBeMade(this, name, 'mkdir');
    await super.makeDirectory(name, mode);
  }

  override async makeLink(name: string, target: string): Promise<void> {
    this.#mayBeMade(this, name, 'symlink');
    await super.makeLink(name, target);
  }

  override async makeHardLink(from: string, to: string, target: Directory = this): Promise<void> {
    this.#mayBeMade(target, to, 'link');
    await super.makeHardLink(from, to, target);
  }

  override async rename(from: string, to: string, target: Directory = this): Promise<void> {
    this.#mayBeMade(target, to, 'rename');
    await super.rename(from, to, target);
  }

  /** @throws {FileError} ENOENT */
  async #mustBeThere(name: string, operation: string, follow?: boolean): Promise<void> {
    if (await this.#isHidden(name, follow)) throw new FileError(this.pathOf(name), operation, 'ENOENT');
  }

  /** @throws {FileError} EACCES */
  #mayBeMade(directory: Directory, name: string, operation: string): void {
    if (this.#hides(name)) throw new FileError(joinPath(directory.path, name), operation, 'EACCES');
  }
}
