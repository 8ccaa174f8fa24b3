import { FileError } from '../base/errors.ts';
import type { Directory, FileSystem } from './file-system.ts';
import { LocalDirectory } from './local-directory.ts';
import { joinPath } from './path.ts';

/** As many links are followed for one path as Linux follows. */
const MAX_LINKS = 40;

/**
 * The files below one folder, and nothing else. `/` is that folder; `..` stops there. Links are resolved here and not by the system, an absolute target
 * begins at the root, so no link leads out. Each component is opened from the directory above it, so no race does either.
 *
 * @param root path of the folder, which must exist
 * @throws {FileError} from `directory()`, naming paths as the user of the root sees them.
 */
export function rootedFileSystem(root: string): FileSystem {
  return {
    async directory(path: string): Promise<Directory> {
      return await new Resolver(root).resolve(path);
    },
  };
}

class Resolver {
  readonly #root: string;
  /** Open directories from the root down to where the walk stands. */
  readonly #open: Directory[] = [];
  #links = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async resolve(path: string): Promise<Directory> {
    try {
      this.#open.push(await LocalDirectory.open(this.#root, '/', { follow: true, pin: true }));
      const pending = components(path);
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
        if (next === '..') await this.#up();
        else pending.unshift(...(await this.#down(next, path)));
      }
      const found = this.#open.pop();
      if (found === undefined) throw new FileError(path, 'open', 'ENOENT');
      return found;
    } finally {
      for (const directory of this.#open) await directory.close();
    }
  }

  get #here(): Directory {
    return this.#open.at(-1) as Directory;
  }

  async #up(): Promise<void> {
    if (this.#open.length > 1) await this.#open.pop()?.close();
  }

  /** Enters `name`, or returns the components of the link that stands there. */
  async #down(name: string, path: string): Promise<string[]> {
    const status = await this.#here.status(name);
    if (status?.kind !== 'symlink') {
      this.#open.push(await this.#here.directory(name));
      return [];
    }
    if (++this.#links > MAX_LINKS) throw new FileError(path, 'open', 'ELOOP');
    const target = await this.#here.readLink(name);
    if (target.startsWith('/')) while (this.#open.length > 1) await this.#up();
    return components(target);
  }
}

function components(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

/**
 * Follows a link as the last component of a path inside a rooted file system: the path to use instead.
 *
 * @throws {FileError} ELOOP after 40 links.
 */
export async function resolveLastLink(fileSystem: FileSystem, parent: string, name: string): Promise<{ parent: string; name: string }> {
  let at = { parent, name };
  for (let links = 0; links <= MAX_LINKS; links++) {
    const directory = await fileSystem.directory(at.parent);
    try {
      if ((await directory.status(at.name))?.kind !== 'symlink') return at;
      const target = await directory.readLink(at.name);
      const whole = target.startsWith('/') ? target : joinPath(at.parent, target);
      const cut = whole.replace(/\/+$/, '').lastIndexOf('/');
      at = { parent: cut <= 0 ? '/' : whole.slice(0, cut), name: whole.replace(/\/+$/, '').slice(cut + 1) };
      if (at.name === '' || at.name === '.' || at.name === '..') return { parent: whole, name: '' };
    } finally {
      await directory.close();
    }
  }
  throw new FileError(joinPath(parent, name), 'open', 'ELOOP');
}
