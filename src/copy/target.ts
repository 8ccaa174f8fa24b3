import { FileError } from '../base/errors.ts';
import type { Directory, FileSystem } from '../files/file-system.ts';
import { type Located, locate, shownPath, splitPath } from '../files/path.ts';
import { missingDirectory, phantom } from './dry-run.ts';
import { makePath } from './make-path.ts';

export interface TargetOptions {
  /** The target must be an existing directory (several sources, or `-d`). */
  readonly mustBeDirectory: boolean;
  /** Makes the directory with this mode where it must be one and is missing. Absent: its absence is an error. */
  readonly makeMode?: number | undefined;
  /** Makes the directories that are missing on the way to the target, and the target itself where its form says that it is a directory. */
  readonly makeParents?: boolean | undefined;
  /** Keeps what the target was when it was first opened: a new attempt finds what the first one has made, and must not go inside it. */
  readonly memory?: TargetMemory | undefined;
  /** Makes nothing, and takes what would be made for there. */
  readonly dryRun?: boolean | undefined;
}

/** What several attempts of one copy know of their target. */
export interface TargetMemory {
  isInside?: boolean;
  /** Another attempt would not find its way to the same place. */
  isFinal?: boolean;
}

/** Where an entry goes. */
export interface Place {
  readonly directory: Directory;
  readonly name: string;
}

/** What the user named as the target of a copy, looked up: scp's rule is that entries go into an existing directory under their own names, else under the target's name. */
export class Target {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #located: Located;
  /** Whether entries go inside the target rather than under its name. */
  readonly isInside: boolean;
  #entries = 0;

  private constructor(fileSystem: FileSystem, path: string, located: Located, isInside: boolean) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#located = located;
    this.isInside = isInside;
  }

  /**
   * Looks the target up. Whoever opens it closes it.
   *
   * @throws {FileError} where it must be a directory and is not, or where its parent is missing.
   */
  static async open(fileSystem: FileSystem, path: string, options: TargetOptions): Promise<Target> {
    if (options.makeParents === true && options.dryRun !== true)
      await makePath(fileSystem, path.endsWith('/') ? path : splitPath(path).parent);
    const located = await locateOrPhantom(fileSystem, path, options);
    try {
      if (located.name === '') return new Target(fileSystem, path, located, true);
      if (options.memory?.isInside === false) return new Target(fileSystem, path, located, false);
      const status = await located.directory.status(located.name, { follow: true });
      const shown = shownPath(located.directory.path, located.name);
      if (status === undefined && options.mustBeDirectory) {
        const mode = options.makeMode ?? (options.makeParents === true ? 0o777 : undefined);
        if (mode === undefined) throw new FileError(shown, 'open', 'ENOENT');
        if (options.dryRun === true) {
          const directory = await phantom(located.directory, located.name);
          return new Target(fileSystem, path, { directory, name: '', mustBeDirectory: true }, true);
        }
        await located.directory.makeDirectory(located.name, mode);
      } else if (status?.kind !== 'directory') {
        if (status !== undefined && (options.mustBeDirectory || located.mustBeDirectory))
          throw new FileError(shown, 'open', 'ENOTDIR');
        if (options.memory !== undefined) options.memory.isInside = false;
        return new Target(fileSystem, path, located, false);
      }
      const directory = await fileSystem.directory(path);
      await located.directory.close();
      return new Target(fileSystem, path, { directory, name: '', mustBeDirectory: true }, true);
    } catch (error) {
      await located.directory.close();
      throw error;
    }
  }

  /**
   * Where the next entry of the top level goes.
   *
   * @param name the entry's own name; it has passed the gate
   * @throws {FileError} for a second entry under the target's name, or a file where only a directory can be.
   */
  place(name: string, kind: 'file' | 'directory'): Place {
    this.#entries++;
    const { directory, mustBeDirectory } = this.#located;
    if (this.isInside) return { directory, name };
    const path = shownPath(directory.path, this.#located.name);
    if (this.#entries > 1) {
      throw new FileError(path, 'open', 'ENOTDIR', { reason: `Not a directory, so it cannot take ${name} as well` });
    }
    if (kind === 'file' && mustBeDirectory) throw new FileError(`${path}/`, 'open', 'EISDIR');
    return { directory, name: this.#located.name };
  }

  /** Opens the target itself, for the entries of a directory that was named by its contents (`dir/.`). Only where entries go inside. */
  async openContents(): Promise<Directory> {
    return await this.#fileSystem.directory(this.#path);
  }

  async close(): Promise<void> {
    await this.#located.directory.close();
  }
}

/** Where a dry run would make what is missing, there is a directory without anything in it. */
async function locateOrPhantom(fileSystem: FileSystem, path: string, options: TargetOptions): Promise<Located> {
  try {
    return await locate(fileSystem, path);
  } catch (error) {
    const wouldMake = options.dryRun === true && options.makeParents === true;
    if (!wouldMake || !(error instanceof FileError) || error.code !== 'ENOENT') throw error;
    const { parent, name, mustBeDirectory } = splitPath(path);
    return { directory: missingDirectory(parent), name, mustBeDirectory };
  }
}
