import { FileError } from '../base/errors.ts';
import { type FileOperation, fileOperations } from '../base/file-operation.ts';
import type { Directory, FileStatus } from './file-system.ts';
import { OwnFiles } from './own-files.ts';
import { joinPath, splitPath } from './path.ts';

/** Whether an operation on a path is allowed. Paths are absolute, without links and without `.` and `..`, as users see them. */
export type Permit = (operation: FileOperation, path: string) => boolean;

export interface GuardOptions {
  /** How what is not allowed fails. Default EACCES, `Permission denied`. */
  readonly refusal?: 'EACCES' | 'EROFS' | undefined;
  /** The answers do not depend on the path: directories can be renamed without a look at what is in them. Default false. */
  readonly uniform?: boolean | undefined;
  /** Tells names that the server gives to files of its own beside the target of an upload, and that no client can ask for. Default: there are none but those of parts that are open. */
  readonly isOwnName?: ((name: string) => boolean) | undefined;
  /** What the session has made; several sessions may share it. Default: one for this file system alone. */
  readonly own?: OwnFiles | undefined;
  /** Once aborted, a look at what is in a directory is given up, with EINTR. */
  readonly signal?: AbortSignal | undefined;
}

/** As many uploads may be under way in one session. */
export const MAX_PARTS = 1000;

/** So many entries are looked at before a directory is renamed; one that holds more is not. */
export const MAX_RENAMED_ENTRIES = 10_000;

/** One that has folders so many levels below it is not renamed either: each level holds descriptors while it is looked at. */
export const MAX_RENAMED_DEPTH = 256;

/** What is allowed in one guarded file system, and what its session has under way. */
export class GuardRules {
  readonly own: OwnFiles;
  /** Paths of parts that are open, and of the targets that they are for. */
  readonly parts: Map<string, string> = new Map();
  readonly #permit: Permit;
  readonly #options: GuardOptions;

  constructor(permit: Permit, options: GuardOptions) {
    this.#permit = permit;
    this.#options = options;
    this.own = options.own ?? new OwnFiles();
  }

  may(operation: FileOperation, path: string): boolean {
    return this.#permit(operation, path);
  }

  /** @param operation what messages call it @throws {FileError} */
  check(wanted: FileOperation, path: string, operation: string): void {
    if (!this.may(wanted, path)) throw this.refused(path, operation);
  }

  refused(path: string, operation: string, code: 'EACCES' | 'EROFS' = this.#options.refusal ?? 'EACCES'): FileError {
    return new FileError(path, operation, code);
  }

  isOwnName(name: string): boolean {
    return this.#options.isOwnName?.(name) === true;
  }

  /** Whether it makes a difference to the user what is there: somebody without any right to a path or to the directory that it is in does not learn whether there is anything. */
  mayKnow(path: string): boolean {
    return path === '/' || this.#any(path) || this.#any(splitPath(path).parent);
  }

  #any(path: string): boolean {
    return fileOperations.some((operation) => this.may(operation, path));
  }

  /** Whether the user may see that an entry is there: files not by the right to write alone, or a drop zone would tell what others have sent. */
  isVisible(path: string, status: FileStatus): boolean {
    const { parent, name } = splitPath(path);
    if (this.parts.has(path) || this.isOwnName(name) || this.may('list', parent)) return true;
    const telling: readonly FileOperation[] =
      status.kind === 'directory' ? fileOperations : ['list', 'read', 'overwrite', 'delete', 'rename'];
    return telling.some((operation) => this.may(operation, path)) || this.own.has(path, status);
  }

  /**
   * Whether everything below a directory may get the paths that a rename would give it: else a rename would be a way round rules about what is in it.
   *
   * @throws {FileError}
   */
  async checkTree(directory: Directory, name: string, path: string, newPath: string): Promise<void> {
    if (this.#options.uniform !== true)
      await this.#checkBelow(directory, name, path, newPath, { left: MAX_RENAMED_ENTRIES, depth: 0 });
  }

  async #checkBelow(
    parent: Directory,
    name: string,
    path: string,
    newPath: string,
    count: { left: number; depth: number },
  ): Promise<void> {
    if (++count.depth > MAX_RENAMED_DEPTH) {
      const reason = `holds more than ${MAX_RENAMED_DEPTH} levels of folders, which would all have to be allowed`;
      throw new FileError(path, 'rename', 'ERR_LIMIT', { reason });
    }
    const directory = await parent.directory(name);
    try {
      for await (const entry of directory.names({ gradual: true })) {
        if (this.#options.signal?.aborted === true) throw new FileError(path, 'rename', 'EINTR');
        if (count.left-- <= 0) {
          const reason = `holds more than ${MAX_RENAMED_ENTRIES} entries, which would all have to be allowed`;
          throw new FileError(path, 'rename', 'ERR_LIMIT', { reason });
        }
        const [here, there] = [joinPath(path, entry), joinPath(newPath, entry)];
        const isDirectory = (await directory.status(entry))?.kind === 'directory';
        this.check('rename', here, 'rename');
        this.check(isDirectory ? 'mkdir' : 'write', there, 'rename');
        if (isDirectory) await this.#checkBelow(directory, entry, here, there, count);
      }
    } finally {
      await directory.close();
    }
    count.depth--;
  }
}
