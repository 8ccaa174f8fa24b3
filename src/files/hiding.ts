import { FileError } from '../base/errors.ts';
import type { Directory, FileStatus, OpenFile, OpenOptions } from './file-system.ts';
import { LayerDirectory } from './layer.ts';
import { splitPath } from './path.ts';
import type { RootedFileSystem } from './rooted.ts';

/** A file system in which some names are not listed, and paths and links do not lead to them. Whoever serves the files makes parts under such names, and renames and removes them. */
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
}
