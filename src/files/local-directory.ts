import * as system from 'node:fs';
import * as fs from 'node:fs/promises';
import { promisify } from 'node:util';
import { decodeName, osPath } from '../base/byte-name.ts';
import { FileError } from '../base/errors.ts';
import { besideName, freshToken } from './beside-name.ts';
import { descriptors } from './descriptors.ts';
import type {
  Access,
  Directory,
  EntryAttributes,
  FileStatus,
  OpenFile,
  OpenOptions,
  Space,
  WholeFile,
} from './file-system.ts';
import { PARTIAL_SUFFIX } from './landing-types.ts';
import { setEntryAttributes } from './local-attributes.ts';
import { LocalFile, statusOf } from './local-file.ts';
import { canPin, O_PATH } from './open-flags.ts';
import { joinPath } from './path.ts';
import { QUICK_BYTES, type QuickCalls } from './quick-calls.ts';
import { putLater, putNow, readNow } from './whole-file.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = system.constants;

const openLater = promisify(system.open);

const accessFlags: Readonly<Record<Access, number>> = { read: O_RDONLY, write: O_WRONLY, 'read-write': O_RDWR };

/** As many names of a gradual listing are read at once. */
const LISTING_BATCH = 256;

/** An entry of a listing. A link is `other`. */
export interface ListedName {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

/**
 * A directory of this machine. A pinned one holds a descriptor and reaches its entries through it: races with whoever renames directories or plants
 * links above it are lost by them. Where the system cannot pin, names are resolved by path and links are checked before use, which leaves a race.
 */
export class LocalDirectory implements Directory {
  readonly path: string;
  /** What the system is given in place of `path`. */
  #base: string;
  #handle: fs.FileHandle | undefined;
  readonly #quick: QuickCalls | undefined;

  private constructor(path: string, base: string, quick: QuickCalls | undefined, handle?: fs.FileHandle) {
    this.path = path;
    this.#base = base;
    this.#quick = quick;
    this.#handle = handle;
  }

  /**
   * Opens the directory at `systemPath`. `follow` says whether a link as its last component is followed; with `quick` files and entries are looked at, opened and renamed on the spot.
   *
   * @throws {FileError} ENOTDIR where it is no directory, ELOOP where it is a link that is not to be followed.
   */
  static async open(
    systemPath: string,
    shownPath: string,
    options: { follow: boolean; pin: boolean; quick?: QuickCalls | undefined },
  ): Promise<LocalDirectory> {
    try {
      if (options.pin && canPin()) {
        const flags = O_PATH | O_DIRECTORY | (options.follow ? 0 : O_NOFOLLOW);
        const handle = await descriptors.take(() => fs.open(osPath(systemPath), flags));
        return new LocalDirectory(shownPath, `/proc/self/fd/${handle.fd}`, options.quick, handle);
      }
      const stats = options.follow ? await fs.stat(osPath(systemPath)) : await fs.lstat(osPath(systemPath));
      if (stats.isSymbolicLink()) throw new FileError(shownPath, 'open', 'ELOOP');
      if (!stats.isDirectory()) throw new FileError(shownPath, 'open', 'ENOTDIR');
      return new LocalDirectory(shownPath, systemPath, options.quick);
    } catch (cause) {
      throw await asLinkError(FileError.from(cause, shownPath, 'open'), systemPath, options.follow);
    }
  }

  #at(name: string): string | Buffer {
    return osPath(joinPath(this.#base, name));
  }

  async #run<T>(path: string, operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw FileError.from(cause, path, operation);
    }
  }

  #shown(name: string): string {
    return joinPath(this.path, name);
  }

  async *names(options: { readonly gradual?: boolean } = {}): AsyncIterable<string> {
    if (options.gradual === true) {
      for await (const { name } of this.listing()) yield name;
      return;
    }
    const names = await this.#run(this.path, 'list', () => fs.readdir(osPath(this.#base), { encoding: 'buffer' }));
    for (const name of names) yield decodeName(name);
  }

  /** The entries as the system's listing has them, with what they are, as far as it says; read as they are asked for. Not {@link Directory.entries}, which has statuses. */
  async *listing(): AsyncIterable<ListedName> {
    // The types of node:fs know directories of strings only.
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: LISTING_BATCH };
    const open = (): Promise<system.Dir> => fs.opendir(osPath(this.#base), options);
    const listing = await this.#run(this.path, 'list', () => descriptors.take(open));
    try {
      for (;;) {
        const entry = await this.#run(this.path, 'list', () => listing.read());
        if (entry === null) return;
        const kind = entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : 'other';
        yield { name: decodeName(entry.name as unknown as Buffer), kind };
      }
    } finally {
      await listing.close().catch(() => {});
      descriptors.release();
    }
  }

  async status(name: string, options: { readonly follow?: boolean } = {}): Promise<FileStatus | undefined> {
    const follow = options.follow === true;
    try {
      const stats =
        this.#quick?.mayBeQuick === true
          ? this.#quick.run(() => statNow(this.#at(name), follow))
          : await (follow ? fs.stat(this.#at(name)) : fs.lstat(this.#at(name)));
      return stats && statusOf(stats);
    } catch (cause) {
      const error = FileError.from(cause, this.#shown(name), 'stat');
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async ownStatus(): Promise<FileStatus> {
    return await this.#run(this.path, 'stat', async () => statusOf(await fs.stat(osPath(this.#base))));
  }

  async open(name: string, options: OpenOptions): Promise<OpenFile> {
    let flags = accessFlags[options.access] | O_NONBLOCK;
    if (options.follow !== true) flags |= O_NOFOLLOW;
    if (options.create !== undefined) flags |= O_CREAT;
    if (options.create === 'new') flags |= O_EXCL;
    const path = this.#shown(options.shownAs ?? name);
    // O_NONBLOCK: a FIFO that nobody reads fails with ENXIO, and no write ever blocks a thread that could not be ended.
    return await this.#run(path, 'open', async () => {
      const mode = options.mode ?? 0o666;
      const quick = this.#quick?.mayBeQuick === true ? this.#quick : undefined;
      const descriptor =
        quick === undefined
          ? await descriptors.take(() => openLater(this.#at(name), flags, mode))
          : descriptors.takeNow(() => quick.run(() => system.openSync(this.#at(name), flags, mode)));
      return new LocalFile(descriptor, path, this.#quick);
    });
  }

  readonly landsWhole = true;

  /** On the spot, or not at all. */
  readWhole(name: string, found: FileStatus): WholeFile | undefined {
    if (found.size === 0 || found.size > QUICK_BYTES || this.#quick?.mayBeQuick !== true) return undefined;
    return this.#quick.run(() => readNow(this.#at(name), found.size));
  }

  /** Beside the name, then renamed. */
  putWhole(name: string, content: Uint8Array, mode: number): boolean | Promise<boolean> {
    if (this.#quick === undefined || content.length > QUICK_BYTES) return false;
    const file = { partial: this.#at(besideName(name, freshToken(), PARTIAL_SUFFIX)), path: this.#at(name) };
    return this.#quick.mayBeQuick ? this.#quick.run(() => putNow(file, content, mode)) : putLater(file, content, mode);
  }

  async directory(name: string, options: { readonly follow?: boolean } = {}): Promise<LocalDirectory> {
    const pin = this.#handle !== undefined;
    return await LocalDirectory.open(joinPath(this.#base, name), this.#shown(name), {
      follow: options.follow === true,
      pin,
      quick: this.#quick,
    });
  }

  async makeDirectory(name: string, mode: number): Promise<void> {
    await this.#run(this.#shown(name), 'mkdir', () => fs.mkdir(this.#at(name), mode));
  }

  async rename(from: string, to: string, target: Directory = this): Promise<void> {
    const there = this.#ours(target, to, 'rename');
    await this.#run(there.#shown(to), 'rename', async () => {
      const [old, fresh] = [this.#at(from), there.#at(to)];
      if (this.#quick?.mayBeQuick === true) this.#quick.run(() => system.renameSync(old, fresh));
      else await fs.rename(old, fresh);
    });
  }

  async makeHardLink(from: string, to: string, target: Directory = this): Promise<void> {
    const there = this.#ours(target, to, 'link');
    await this.#run(there.#shown(to), 'link', () => fs.link(this.#at(from), there.#at(to)));
  }

  /** @throws {FileError} EXDEV where the directory is of another file system */
  #ours(directory: Directory, name: string, operation: string): LocalDirectory {
    if (directory instanceof LocalDirectory) return directory;
    throw new FileError(joinPath(directory.path, name), operation, 'EXDEV');
  }

  async removeDirectory(name: string): Promise<void> {
    await this.#run(this.#shown(name), 'rmdir', () => fs.rmdir(this.#at(name)));
  }

  async setAttributes(
    name: string,
    attributes: EntryAttributes,
    options: { readonly follow?: boolean } = {},
  ): Promise<void> {
    await setEntryAttributes(this.#at(name), this.#shown(name), attributes, options.follow === true);
  }

  async space(): Promise<Space> {
    return await this.#run(this.path, 'statfs', async () => {
      const found = await fs.statfs(osPath(this.#base), { bigint: true });
      return {
        blockBytes: Number(found.bsize),
        blocks: found.blocks,
        freeBlocks: found.bfree,
        availableBlocks: found.bavail,
        files: found.files,
        freeFiles: found.ffree,
      };
    });
  }

  async remove(name: string): Promise<void> {
    await this.#run(this.#shown(name), 'remove', () => fs.unlink(this.#at(name)));
  }

  async readLink(name: string): Promise<string> {
    return await this.#run(this.#shown(name), 'readlink', async () =>
      decodeName(await fs.readlink(this.#at(name), { encoding: 'buffer' })),
    );
  }

  async makeLink(name: string, target: string): Promise<void> {
    await this.#run(this.#shown(name), 'symlink', () => fs.symlink(osPath(target), this.#at(name)));
  }

  async setOwnMode(mode: number): Promise<void> {
    await this.#run(this.path, 'set mode', () => fs.chmod(osPath(this.#base), mode));
  }

  async setOwnTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    await this.#run(this.path, 'set times', () => fs.utimes(osPath(this.#base), atimeSeconds, mtimeSeconds));
  }

  async sync(): Promise<void> {
    await this.#run(this.path, 'sync', async () => {
      const handle = await fs.open(osPath(this.#base), O_RDONLY | O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    // The number may stand for another file soon.
    this.#base = '/proc/self/fd/closed';
    await handle.close().finally(() => descriptors.release());
  }
}

/** undefined where there is nothing. */
function statNow(path: string | Buffer, follow: boolean): system.Stats | undefined {
  const options = { throwIfNoEntry: false } as const;
  return follow ? system.statSync(path, options) : system.lstatSync(path, options);
}

/** O_DIRECTORY with O_NOFOLLOW on a link fails with ENOTDIR: tells the two apart, because a link below the root is an attack worth naming. */
async function asLinkError(error: FileError, systemPath: string, follow: boolean): Promise<FileError> {
  if (follow || error.code !== 'ENOTDIR') return error;
  const stats = await fs.lstat(osPath(systemPath)).catch(() => undefined);
  return stats?.isSymbolicLink() === true
    ? new FileError(error.path, error.operation, 'ELOOP', { cause: error })
    : error;
}
