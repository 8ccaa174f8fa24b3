import { FileError } from '../base/errors.ts';
import type { Directory, FileSystem } from './file-system.ts';
import { globMatcher, isPattern } from './glob-match.ts';
import { joinPath } from './path.ts';

export interface GlobOptions {
  /** What the pattern may use up. Default: bounds of its own. */
  readonly bounds?: GlobBounds | undefined;
  /** Ends the search. */
  readonly signal?: AbortSignal | undefined;
}

/** What patterns may use up; all that are expanded with the same bounds share them. */
export class GlobBounds {
  #matchesLeft: number;
  #namesLeft: number;
  #directoriesLeft: number;

  /**
   * @param maxMatches how many paths they may stand for
   * @param maxNames how many names may be looked at on the way
   * @param maxDirectories how many directories may be opened on the way
   */
  constructor(maxMatches: number = 10_000, maxNames: number = 1_000_000, maxDirectories: number = 100_000) {
    this.#matchesLeft = maxMatches;
    this.#namesLeft = maxNames;
    this.#directoriesLeft = maxDirectories;
  }

  /** A path was found. @returns whether it is one too many */
  match(): boolean {
    return this.#matchesLeft-- <= 0;
  }

  /** Whether so many paths more would be too many. */
  exceeds(count: number): boolean {
    return count > this.#matchesLeft;
  }

  /** A name is looked at. @returns whether it is one too many */
  look(): boolean {
    return this.#namesLeft-- <= 0;
  }

  /** A directory is opened. @returns whether it is one too many */
  enter(): boolean {
    return this.#directoriesLeft-- <= 0;
  }
}

/**
 * The paths that a pattern stands for, as a POSIX shell expands it (XCU 2.13.3): `*`, `?` and `[…]` match within one component, a leading dot only where the pattern has it, the
 * result is in the order of the names' characters, and a pattern that matches nothing stands for itself, without its backslashes. Directories that cannot be read have no names.
 *
 * @throws {FileError} ERR_LIMIT where a bound is exceeded. `signal.reason` once the signal is aborted.
 */
export async function expandGlob(
  fileSystem: FileSystem,
  pattern: string,
  options: GlobOptions = {},
): Promise<string[]> {
  if (!isPattern(pattern)) return [unescape(pattern)];
  options.signal?.throwIfAborted();
  const found = await new Expansion(fileSystem, pattern, options).run();
  return found.length > 0 ? found : [unescape(pattern)];
}

/** A backslash shields the character behind it. */
function unescape(pattern: string): string {
  return pattern.replace(/\\(.)/gsu, '$1');
}

class Expansion {
  readonly #fileSystem: FileSystem;
  readonly #pattern: string;
  readonly #components: readonly string[];
  /** The pattern ended in a slash, so only directories match. */
  readonly #onlyDirectories: boolean;
  readonly #bounds: GlobBounds;
  readonly #signal: AbortSignal | undefined;

  constructor(fileSystem: FileSystem, pattern: string, { bounds, signal }: GlobOptions) {
    this.#fileSystem = fileSystem;
    this.#pattern = pattern;
    this.#components = pattern.split('/').filter((component) => component !== '');
    this.#onlyDirectories = pattern.endsWith('/');
    this.#bounds = bounds ?? new GlobBounds();
    this.#signal = signal;
  }

  async run(): Promise<string[]> {
    return await this.#expand(this.#pattern.startsWith('/') ? '/' : '', 0);
  }

  async #expand(base: string, at: number): Promise<string[]> {
    const component = this.#components[at];
    if (component === undefined) return [this.#spend(this.#onlyDirectories ? `${base}/` : base)];
    if (!isPattern(component)) {
      const path = join(base, unescape(component));
      // Only what lies behind a wildcard needs to be looked for: the rest is looked for when it is used.
      const isCertain =
        !this.#components.slice(at + 1).some(isPattern) && !this.#components.slice(0, at).some(isPattern);
      return isCertain || (await this.#exists(base, unescape(component))) ? await this.#expand(path, at + 1) : [];
    }
    const found: string[] = [];
    for (const name of await this.#matching(base, component, at === this.#components.length - 1)) {
      found.push(...(await this.#expand(join(base, name), at + 1)));
    }
    return found;
  }

  #spend(path: string): string {
    if (this.#bounds.match()) throw this.#tooMany();
    return path;
  }

  /** @throws {FileError} ERR_LIMIT; `signal.reason` */
  #look(): void {
    this.#signal?.throwIfAborted();
    if (this.#bounds.look()) throw this.#tooMany();
  }

  #tooMany(): FileError {
    return new FileError(this.#pattern, 'expand', 'ERR_LIMIT', { reason: 'Argument list too long' });
  }

  async #within<T>(base: string, work: (directory: Directory) => Promise<T>): Promise<T | undefined> {
    this.#signal?.throwIfAborted();
    if (this.#bounds.enter()) throw this.#tooMany();
    try {
      const directory = await this.#fileSystem.directory(base === '' ? '.' : base);
      try {
        return await work(directory);
      } finally {
        await directory.close();
      }
    } catch (error) {
      if (error instanceof FileError && error.code !== 'ERR_LIMIT') return undefined;
      throw error;
    }
  }

  async #exists(base: string, name: string): Promise<boolean> {
    if (name === '.' || name === '..') return true;
    return (await this.#within(base, (directory) => directory.status(name))) !== undefined;
  }

  /** The names in `base` that match; only directories where there is more to come. */
  async #matching(base: string, component: string, isLast: boolean): Promise<string[]> {
    const names = await this.#within(base, async (directory) => {
      const matches: string[] = [];
      const fits = globMatcher(component);
      // All the names of a large folder would take much memory at once.
      for await (const name of directory.names({ gradual: true })) {
        this.#look();
        if (!fits(name)) continue;
        if (!isLast || this.#onlyDirectories) {
          const status = await directory.status(name, { follow: true }).catch(() => undefined);
          if (status?.kind !== 'directory') continue;
        }
        matches.push(name);
        if (isLast && this.#bounds.exceeds(matches.length)) throw this.#tooMany();
      }
      return matches;
    });
    return (names ?? []).sort();
  }
}

function join(base: string, name: string): string {
  return base === '' ? name : joinPath(base, name);
}
