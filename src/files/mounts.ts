import { FileError } from '../base/errors.ts';
import type { Directory } from './file-system.ts';
import { inMount, MountDirectory, mountedPath } from './mount-directory.ts';
import { MountsTop } from './mounts-top.ts';
import { joinPath, splitPath } from './path.ts';
import type { RootedFileSystem } from './rooted.ts';

/** A file system that is a folder of another. */
export interface Mount {
  /** A name of one component; users see `/name`. */
  readonly name: string;
  readonly fileSystem: RootedFileSystem;
}

/**
 * Several file systems as the folders of one. The top folder can be listed and not changed. `..` leads from a mount's own folder to the top; a link stays in its mount, whatever it says, and an
 * absolute one begins at the mount's own folder. Nothing can be renamed or linked from one mount to another (EXDEV).
 *
 * @throws {TypeError} for a name that is no single component, or is given twice
 */
export function mounts(list: readonly Mount[]): RootedFileSystem {
  return new Mounts(list);
}

/** Where a path leads: a path inside a mount that begins with a slash; the top folder; or a name in that which is not there. */
type Found = { readonly mount: Mount; readonly path: string } | 'top' | { readonly missing: string };

class Mounts implements RootedFileSystem {
  readonly hides: (name: string) => boolean;
  readonly #mounts = new Map<string, Mount>();
  readonly #sinceSeconds: number = Math.floor(Date.now() / 1000);

  constructor(list: readonly Mount[]) {
    this.hides = (name) => list.some(({ fileSystem }) => fileSystem.hides(name));
    for (const mount of list) {
      const { name } = mount;
      if (!isName(name)) throw new TypeError(`${JSON.stringify(name)} cannot be the name of a folder`);
      if (this.#mounts.has(name)) throw new TypeError(`two folders have the name ${JSON.stringify(name)}`);
      this.#mounts.set(name, mount);
    }
  }

  async directory(path: string): Promise<Directory> {
    const found = await this.#find(path);
    if (found === 'top') return this.#top();
    if ('missing' in found) throw new FileError(path, 'open', 'ENOENT');
    return await this.#open(found.mount, found.path);
  }

  async #open(mount: Mount, path: string): Promise<Directory> {
    const folder = `/${mount.name}`;
    return new MountDirectory(await inMount(folder, () => mount.fileSystem.directory(path)), folder, mount);
  }

  #top(): Directory {
    const openers = [...this.#mounts].map(([name, mount]) => [name, () => this.#open(mount, '/')] as const);
    return new MountsTop(new Map(openers), this.#sinceSeconds);
  }

  async #find(path: string): Promise<Found> {
    if (path.includes('\0')) throw new FileError(path, 'open', 'EINVAL');
    let mount: Mount | undefined;
    let inside: string[] = [];
    const all = components(path);
    for (const [index, component] of all.entries()) {
      if (component !== '..') {
        if (mount !== undefined) inside.push(component);
        else mount = this.#mounts.get(component);
        if (mount === undefined && index === all.length - 1) return { missing: component };
        if (mount === undefined) throw new FileError(path, 'open', 'ENOENT');
      } else if (mount !== undefined) {
        const up = await above(mount, inside);
        if (up === undefined) mount = undefined;
        inside = up ?? [];
      }
    }
    if (mount === undefined) return 'top';
    return { mount, path: `/${inside.join('/')}${inside.length > 0 && path.endsWith('/') ? '/' : ''}` };
  }

  async followLast(path: string): Promise<string> {
    const found = await this.#find(path);
    if (found === 'top') return '/';
    if ('missing' in found) return `/${found.missing}${path.endsWith('/') ? '/' : ''}`;
    const { mount } = found;
    const folder = `/${mount.name}`;
    const followed = await inMount(folder, () => mount.fileSystem.followLast(found.path));
    if (followed === found.path) return mountedPath(folder, followed);
    // What a link says may lead above the mount when it is read from outside.
    const { parent, name, mustBeDirectory } = splitPath(followed);
    const directory = await this.#open(mount, parent);
    try {
      return name === '' ? directory.path : `${joinPath(directory.path, name)}${mustBeDirectory ? '/' : ''}`;
    } finally {
      await directory.close();
    }
  }

  async resolve(path: string): Promise<string> {
    const found = await this.#find(path);
    if (found === 'top') return '/';
    if ('missing' in found) {
      if (path.endsWith('/')) throw new FileError(path, 'realpath', 'ENOENT');
      return `/${found.missing}`;
    }
    const folder = `/${found.mount.name}`;
    return mountedPath(folder, await inMount(folder, () => found.mount.fileSystem.resolve(found.path)));
  }
}

/** The components of the directory above one that may be reached by links; undefined for a mount's own folder. */
async function above({ name, fileSystem }: Mount, inside: readonly string[]): Promise<string[] | undefined> {
  if (inside.length === 0) return undefined;
  const directory = await inMount(`/${name}`, () => fileSystem.directory(`/${inside.join('/')}`));
  const real = components(directory.path);
  await directory.close();
  return real.length === 0 ? undefined : real.slice(0, -1);
}

function components(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}
