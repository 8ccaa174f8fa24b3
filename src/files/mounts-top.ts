import { type ErrorCode, FileError } from '../base/errors.ts';
import type { Directory, FileStatus, OpenFile, OpenOptions, Space } from './file-system.ts';
import { joinPath } from './path.ts';

/** The folder above the mounts: it has their names in it, and nothing can be made or changed there. */
export class MountsTop implements Directory {
  readonly path = '/';
  readonly #mounts: ReadonlyMap<string, () => Promise<Directory>>;
  readonly #sinceSeconds: number;

  /** @param mounts how each mount's own folder is opened, by name @param sinceSeconds the time that is shown for it */
  constructor(mounts: ReadonlyMap<string, () => Promise<Directory>>, sinceSeconds: number) {
    this.#mounts = mounts;
    this.#sinceSeconds = sinceSeconds;
  }

  async *names(): AsyncIterable<string> {
    yield* this.#mounts.keys();
  }

  async status(name: string): Promise<FileStatus | undefined> {
    if (name === '.') return await this.ownStatus();
    const open = this.#mounts.get(name);
    if (open === undefined) return undefined;
    const mount = await open();
    try {
      return await mount.ownStatus();
    } finally {
      await mount.close();
    }
  }

  async ownStatus(): Promise<FileStatus> {
    return {
      kind: 'directory',
      mode: 0o555,
      size: 0,
      mtimeSeconds: this.#sinceSeconds,
      atimeSeconds: this.#sinceSeconds,
      device: 0,
      inode: 0,
      links: 1,
      uid: 0,
      gid: 0,
    };
  }

  async open(asked: string, { create, shownAs }: OpenOptions): Promise<OpenFile> {
    const name = shownAs ?? asked;
    if (this.#mounts.has(name)) throw this.#error(name, 'open', create === 'new' ? 'EEXIST' : 'EISDIR');
    throw this.#error(name, 'open', create === undefined ? 'ENOENT' : 'EROFS');
  }

  async directory(name: string): Promise<Directory> {
    const open = this.#mounts.get(name);
    if (open === undefined) throw this.#error(name, 'open', 'ENOENT');
    return await open();
  }

  async makeDirectory(name: string): Promise<void> {
    this.#refuse(name, 'mkdir', 'EEXIST');
  }

  async rename(from: string, to: string): Promise<void> {
    throw this.#error(this.#mounts.has(from) ? to : from, 'rename', this.#mounts.has(from) ? 'EROFS' : 'ENOENT');
  }

  async remove(name: string): Promise<void> {
    throw this.#error(name, 'remove', this.#mounts.has(name) ? 'EISDIR' : 'ENOENT');
  }

  async removeDirectory(name: string): Promise<void> {
    throw this.#error(name, 'rmdir', this.#mounts.has(name) ? 'EROFS' : 'ENOENT');
  }

  async makeHardLink(from: string, to: string): Promise<void> {
    throw this.#error(this.#mounts.has(from) ? to : from, 'link', this.#mounts.has(from) ? 'EROFS' : 'ENOENT');
  }

  async readLink(name: string): Promise<string> {
    throw this.#error(name, 'readlink', this.#mounts.has(name) ? 'EINVAL' : 'ENOENT');
  }

  async makeLink(name: string): Promise<void> {
    this.#refuse(name, 'symlink', 'EEXIST');
  }

  async setAttributes(name: string): Promise<void> {
    const isThere = name === '.' || this.#mounts.has(name);
    throw this.#error(name, 'set attributes', isThere ? 'EROFS' : 'ENOENT');
  }

  async space(): Promise<Space> {
    throw new FileError(this.path, 'statfs', 'ENOTSUP');
  }

  async setOwnMode(): Promise<void> {
    throw new FileError(this.path, 'set mode', 'EROFS');
  }

  async setOwnTimes(): Promise<void> {
    throw new FileError(this.path, 'set times', 'EROFS');
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  #error(name: string, operation: string, code: ErrorCode): FileError {
    return new FileError(name === '.' ? this.path : joinPath(this.path, name), operation, code);
  }

  /** Something new: there is no room for it here. */
  #refuse(name: string, operation: string, taken: ErrorCode): never {
    throw this.#error(name, operation, this.#mounts.has(name) ? taken : 'EROFS');
  }
}
