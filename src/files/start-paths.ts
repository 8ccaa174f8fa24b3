import type { Directory, FileSystem } from './file-system.ts';
import type { RootedFileSystem } from './rooted.ts';

/** How the paths of one user are read. */
export interface StartPaths {
  /** Where relative paths begin: an absolute path. Default `/`. */
  readonly home?: string | undefined;
  /** Prefixes in the way of network devices and the folders they stand for: `flash:` and `/flash`. */
  readonly prefixes?: ReadonlyMap<string, string> | undefined;
}

/** What a prefix looks like: a letter, letters, digits and dashes, a colon. */
const prefixed = /^\/*([A-Za-z][A-Za-z0-9-]*:)\/*(.*)$/s;

/**
 * A file system with a start directory and with prefixes. `flash:x`, `flash:/x` and `/flash:x` are all x in the folder that `flash:` stands for, in capital letters too; `flash:` alone is the folder. A prefix
 * counts at the beginning of a path only, and where nobody has given it a meaning the text is a name like any other. `./flash:x` is always a name.
 *
 * @throws {TypeError} for a home that is not absolute, or a prefix that is no word with a colon
 */
export function withStartPaths(fileSystem: RootedFileSystem, { home = '/', prefixes }: StartPaths): RootedFileSystem {
  if (!home.startsWith('/')) throw new TypeError(`the start directory ${JSON.stringify(home)} is not absolute`);
  const folders = new Map<string, string>();
  for (const [prefix, folder] of prefixes ?? []) {
    if (prefixed.exec(prefix)?.[1] !== prefix) throw new TypeError(`${JSON.stringify(prefix)} cannot be a prefix`);
    folders.set(prefix.toLowerCase(), folder.replace(/\/+$/, ''));
  }
  const absolute = (path: string): string => {
    const [, prefix = '', rest = ''] = prefixed.exec(path) ?? [];
    const folder = folders.get(prefix.toLowerCase());
    // What is behind a prefix is a name, whatever it looks like.
    if (folder !== undefined) return `${folder}/${folder === '' && prefixed.test(rest) ? './' : ''}${rest}`;
    // Nothing is not the same as the start directory, and a relative path that begins at `/` is shown as it is written.
    return path === '' || path.startsWith('/') || home === '/' ? path : `${home}/${path}`;
  };
  return {
    hides: fileSystem.hides,
    absolute,
    directory: async (path: string): Promise<Directory> => await fileSystem.directory(absolute(path)),
    followLast: async (path: string): Promise<string> => await fileSystem.followLast(absolute(path)),
    resolve: async (path: string): Promise<string> => await fileSystem.resolve(absolute(path)),
  };
}

/** Where the relative paths of a file system begin: an absolute path. */
export function startOf(fileSystem: FileSystem): string {
  const here = fileSystem.absolute?.('.') ?? '.';
  return here === '.' ? '/' : here.replace(/\/\.$/, '') || '/';
}
