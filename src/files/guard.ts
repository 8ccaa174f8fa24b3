import { FileError } from '../base/errors.ts';
import type { Directory } from './file-system.ts';
import { type GuardOptions, GuardRules, type Permit } from './guard-rules.ts';
import { GuardedDirectory } from './guarded-directory.ts';
import type { RootedFileSystem } from './rooted.ts';

/**
 * A file system in which `permit` decides each operation by the path that the user sees; where a link is followed, by the path it leads to. For one session: it remembers what the session has made. The rules are in docs/protocols/server.md (Rights).
 *
 * An upload is written beside its target and gets the name at the end, so its part counts as the target: it needs `write` where the name is free and `overwrite` where it is taken, asked when the part is made and again when it gets the name. Without
 * `overwrite` it gets the name by a hard link, which fails where the name has been taken meanwhile.
 */
export function guarded(fileSystem: RootedFileSystem, permit: Permit, options: GuardOptions = {}): RootedFileSystem {
  return new Guard(fileSystem, permit, options);
}

class Guard implements RootedFileSystem {
  readonly absolute?: (path: string) => string;
  readonly hides: (name: string) => boolean;
  readonly #inner: RootedFileSystem;
  readonly #rules: GuardRules;

  constructor(inner: RootedFileSystem, permit: Permit, options: GuardOptions) {
    this.#inner = inner;
    this.hides = inner.hides;
    if (inner.absolute !== undefined) this.absolute = inner.absolute;
    this.#rules = new GuardRules(permit, options);
  }

  async directory(path: string): Promise<Directory> {
    return new GuardedDirectory(await this.#quietly(path, () => this.#inner.directory(path)), this, this.#rules);
  }

  async followLast(path: string): Promise<string> {
    return await this.#told(path, () => this.#inner.followLast(path));
  }

  async resolve(path: string): Promise<string> {
    return await this.#told(path, () => this.#inner.resolve(path));
  }

  /** A path that work finds, for whoever may know where one of both leads. */
  async #told(path: string, work: () => Promise<string>): Promise<string> {
    const found = await this.#quietly(path, work);
    if (this.#rules.mayKnow(lexical(path)) || this.#rules.mayKnow(lexical(found))) return found;
    throw this.#rules.refused(path, 'open', 'EACCES');
  }

  /** What is missing is told only to whom it may be told that it is. */
  async #quietly<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FileError && !this.#rules.mayKnow(lexical(path)))
        throw this.#rules.refused(path, error.operation, 'EACCES');
      throw error;
    }
  }
}

/** An absolute path without `.` and `..`, by its text alone. */
function lexical(path: string): string {
  const kept: string[] = [];
  for (const component of path.split('/')) {
    if (component === '..') kept.pop();
    else if (component !== '' && component !== '.') kept.push(component);
  }
  return `/${kept.join('/')}`;
}
