import { FileError } from '../base/errors.ts';
import type { Directory, FileSystem } from './file-system.ts';
import { LocalDirectory } from './local-directory.ts';
import { joinPath, splitPath, stripTrailingSlashes } from './path.ts';
import { isLinkError, RootedDirectory } from './rooted-directory.ts';

/** As many links are followed for one path as Linux follows. */
const MAX_LINKS = 40;

/** As many directories are held while a path is looked up, for a `..` in it: whoever has many long ones looked up at a time takes no descriptors from others. For more of them the way is gone again from the root. */
const MAX_HELD = 2;

/** So many steps of ways that are gone again may a path take. */
const MAX_STEPS_AGAIN = 10_000;

/** The files below one folder. */
export interface RootedFileSystem extends FileSystem {
  /**
   * The path that `path` leads to once links as its last component have been followed inside the root; a link that leads nowhere gives the path it names. Paths without such a link are
   * returned as they are.
   *
   * @throws {FileError} ELOOP after 40 links, or where the directory of the last component cannot be opened.
   */
  followLast(path: string): Promise<string>;
  /** Whether a name is out of reach: it is not listed, and paths and links do not lead to it. */
  readonly hides: (name: string) => boolean;
}

export interface RootedOptions {
  /** See {@link RootedFileSystem.hides}. Default: no name. */
  readonly hides?: ((name: string) => boolean) | undefined;
}

/**
 * The files below one folder, and nothing else. `/` is that folder; `..` stops there. Links are resolved here and not by the system, an absolute target
 * begins at the root, so no link leads out. Each component is opened from the directory above it, so no race does either.
 *
 * @param root path of the folder, which must exist
 * @throws {FileError} from `directory()`, naming paths as the user of the root sees them.
 */
export function rootedFileSystem(root: string, { hides = () => false }: RootedOptions = {}): RootedFileSystem {
  const fileSystem: RootedFileSystem = {
    hides,
    async directory(path: string): Promise<Directory> {
      return new RootedDirectory(await new Resolver(root).resolve(path), fileSystem);
    },
    async followLast(path: string): Promise<string> {
      return await followLast(fileSystem, path);
    },
    async resolve(path: string): Promise<string> {
      return await resolve(fileSystem, path);
    },
  };
  return fileSystem;
}

class Resolver {
  readonly #root: string;
  /** Open directories down to where the walk stands: the last {@link MAX_HELD} of them at most; none where they were left by `..`. */
  readonly #open: Directory[] = [];
  /** The way from the root to there, without links. */
  readonly #names: string[] = [];
  #links = 0;
  #stepsAgain = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async resolve(path: string): Promise<Directory> {
    // The system would end the path there, and node:fs would tell the real one in its message.
    if (path.includes('\0')) throw new FileError(path, 'open', 'EINVAL');
    try {
      await this.#toRoot();
      const pending = components(path);
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
        if (next === '..') await this.#up();
        else pending.unshift(...(await this.#down(next, path)));
      }
      await this.#back(path);
      const found = this.#open.pop();
      if (found === undefined) throw new FileError(path, 'open', 'ENOENT');
      return found;
    } finally {
      await this.#closeAll();
    }
  }

  get #here(): Directory {
    return this.#open.at(-1) as Directory;
  }

  async #closeAll(): Promise<void> {
    for (const directory of this.#open.splice(0)) await directory.close();
  }

  async #toRoot(): Promise<void> {
    await this.#closeAll();
    this.#names.length = 0;
    this.#open.push(await LocalDirectory.open(this.#root, '/', { follow: true, pin: true }));
  }

  async #up(): Promise<void> {
    if (this.#names.pop() !== undefined) await this.#open.pop()?.close();
  }

  /** Opens again where the walk stands, where that is not held. */
  async #back(path: string): Promise<void> {
    if (this.#open.length > 0) return;
    this.#stepsAgain += this.#names.length;
    if (this.#stepsAgain > MAX_STEPS_AGAIN) throw new FileError(path, 'open', 'ELOOP');
    const names = [...this.#names];
    await this.#toRoot();
    for (const name of names) await this.#enter(name);
  }

  /** @throws {FileError} for a link too */
  async #enter(name: string): Promise<void> {
    this.#open.push(await this.#here.directory(name));
    this.#names.push(name);
    if (this.#open.length > MAX_HELD) await this.#open.shift()?.close();
  }

  /** Enters `name`, or returns the components of the link that stands there. */
  async #down(name: string, path: string): Promise<string[]> {
    await this.#back(path);
    try {
      await this.#enter(name);
      return [];
    } catch (error) {
      // Only a link is worth a second look: most of a path are directories.
      if (!isLinkError(error)) throw error;
    }
    if (++this.#links > MAX_LINKS) throw new FileError(path, 'open', 'ELOOP');
    const target = await this.#here.readLink(name);
    if (target.startsWith('/')) await this.#toRoot();
    return components(target);
  }
}

function components(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

async function resolve(fileSystem: RootedFileSystem, path: string): Promise<string> {
  const { parent, name, mustBeDirectory } = splitPath(await fileSystem.followLast(path));
  const directory = await fileSystem.directory(parent);
  try {
    if (name === '') return directory.path;
    const status = mustBeDirectory ? await directory.status(name) : undefined;
    if (mustBeDirectory && status?.kind !== 'directory')
      throw new FileError(path, 'realpath', status === undefined ? 'ENOENT' : 'ENOTDIR');
    return joinPath(directory.path, name);
  } finally {
    await directory.close();
  }
}

async function followLast(fileSystem: FileSystem, path: string): Promise<string> {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const { parent, name, mustBeDirectory } = splitPath(at);
    if (name === '') return at;
    const directory = await fileSystem.directory(parent);
    try {
      if ((await directory.status(name))?.kind !== 'symlink') return at;
      const target = await directory.readLink(name);
      // `..` in a target means the directory that the link really lies in, which is how the open directory is named.
      const whole = target.startsWith('/') ? target : joinPath(directory.path, target);
      at = mustBeDirectory ? `${stripTrailingSlashes(whole)}/` : whole;
    } finally {
      await directory.close();
    }
  }
  throw new FileError(path, 'open', 'ELOOP');
}
