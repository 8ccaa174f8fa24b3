import { FileError } from '../base/errors.ts';
import type {
  Directory,
  DirectoryEntry,
  EntryAttributes,
  FileStatus,
  OpenFile,
  OpenOptions,
  Space,
  WholeFile,
} from '../files/file-system.ts';
import { type Attributes, NO_ATTRIBUTES } from './attributes.ts';
import { SSH_FXF_CREAT, SSH_FXF_EXCL, SSH_FXF_READ, SSH_FXF_WRITE } from './constants.ts';
import { digestByServer } from './digest.ts';
import { explainFailure } from './explain.ts';
import { statusOf } from './file-status.ts';
import type { FurtherSessions } from './lanes.ts';
import { listEntries, listNames } from './listing.ts';
import { named, renamed } from './named.ts';
import { SftpFile } from './open-file.ts';
import type { SftpSession } from './session.ts';
import { requireWireTimes } from './wire-times.ts';

/** Larger files are not held as a whole. Bytes. */
const MAX_WHOLE_BYTES: number = 32 * 1024 - 1;

export interface SftpDirectoryOptions {
  /** What messages make of a path of the server. */
  readonly shown: (path: string) => string;
  /** The session for the next file that is opened, where there are several on the same server. */
  readonly sessionForFile?: (() => SftpSession) | undefined;
  /** Further sessions on the same server, for the content of one large file. */
  readonly further?: FurtherSessions | undefined;
  /** Puts off an abort until the returned function is called. */
  readonly hold?: (() => () => void) | undefined;
  /** The SHA-256 of the file at an absolute path by other means than SFTP; `seen` is what SFTP says is there. */
  readonly digest?: ((path: string, seen: Attributes) => Promise<Uint8Array | undefined>) | undefined;
}

/**
 * A directory of a server: a path that names are joined to. SFTP 3 has no way to hold a directory, so what happens to the path above matters, and nothing keeps the server from following links
 * anywhere: a server can do what it likes with its own files.
 */
export class SftpDirectory implements Directory {
  readonly path: string;
  readonly #session: SftpSession;
  /** The path on the wire. */
  readonly #base: string;
  /** The path as the person wrote it. */
  readonly #written: string;
  readonly #options: SftpDirectoryOptions;

  /**
   * @param base the path on the wire
   * @param written the same path as it is to be shown
   */
  constructor(session: SftpSession, base: string, written: string, options: SftpDirectoryOptions) {
    this.#session = session;
    this.#base = base;
    this.#written = written;
    this.#options = options;
    this.path = options.shown(written);
  }

  #at(name: string): string {
    return join(this.#base, name);
  }

  #name(name: string): string {
    return this.#options.shown(join(this.#written, name));
  }

  names(): AsyncGenerator<string, void, void> {
    return listNames(this.#session, this.#base, this.path);
  }

  entries(): AsyncGenerator<DirectoryEntry, void, void> {
    return listEntries(this.#session, this.#base, this.path);
  }

  async status(name: string, options: { readonly follow?: boolean } = {}): Promise<FileStatus | undefined> {
    const path = this.#at(name);
    try {
      return statusOf(await (options.follow === true ? this.#session.stat(path) : this.#session.lstat(path)));
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return undefined;
      throw renamed(error, this.#name(name), 'stat');
    }
  }

  async ownStatus(): Promise<FileStatus> {
    return statusOf(await named(this.path, 'stat', this.#session.stat(this.#base)), 'directory');
  }

  /**
   * SFTP has no O_NOFOLLOW. Without `follow` the name is looked at as well, and a link is refused with ELOOP: for reading at the same time (no turn more), for writing before. Whoever can plant a
   * link between the two wins; with `create: 'new'` nobody can, because the server makes the file or fails.
   */
  async open(name: string, options: OpenOptions): Promise<OpenFile> {
    const { access, create, follow, mode } = options;
    const shown = this.#name(options.shownAs ?? name);
    const path = this.#at(name);
    const flags =
      (access === 'write' ? 0 : SSH_FXF_READ) |
      (access === 'read' ? 0 : SSH_FXF_WRITE) |
      (create === undefined ? 0 : SSH_FXF_CREAT) |
      (create === 'new' ? SSH_FXF_EXCL : 0);
    const attributes = mode === undefined ? NO_ATTRIBUTES : { permissions: mode & 0o7777 };
    try {
      const session = options.inOrder === true ? this.#session : this.#sessionForFile();
      const open = async (): Promise<SftpFile> =>
        new SftpFile(session, await session.open(path, flags, attributes), shown, {
          access,
          further: this.#options.further,
        });
      if (follow === true || create === 'new') return await open();
      const look = this.#refuseLink(path, shown);
      if (access !== 'read' || create !== undefined) await look;
      const opening = open();
      // While the look is waited for nobody listens.
      opening.catch(() => {});
      return await bothOrNone(look, opening);
    } catch (error) {
      const isTaken = create === 'new' && options.bare !== true;
      throw renamed(isTaken ? await this.#asExisting(error, path) : error, shown, 'open');
    }
  }

  expect(bytes: number): void {
    this.#options.further?.expect(bytes);
  }

  /** What the listing told is believed as long as the length agrees. */
  async readWhole(name: string, found: FileStatus): Promise<WholeFile | undefined> {
    const session = this.#sessionForFile();
    const { size, untold } = found;
    if (size === 0 || size > MAX_WHOLE_BYTES || size >= session.limits.maxReadBytes || untold !== undefined)
      return undefined;
    const content = await session.fetchWhole(this.#at(name), size);
    return content && { status: found, content };
  }

  async putWhole(name: string, content: Uint8Array, mode: number): Promise<boolean> {
    const session = this.#sessionForFile();
    if (content.length > MAX_WHOLE_BYTES || content.length > session.limits.maxWriteBytes) return false;
    try {
      return await session.putWhole(this.#at(name), mode, content);
    } catch (error) {
      throw error instanceof FileError ? renamed(error, this.#name(name), error.operation) : error;
    }
  }

  #sessionForFile(): SftpSession {
    return this.#options.sessionForFile?.() ?? this.#session;
  }

  async #refuseLink(path: string, shown: string): Promise<void> {
    const status = await this.#session.lstat(path).then(statusOf, (error: unknown) => {
      if (error instanceof FileError) return undefined;
      throw error;
    });
    if (status?.kind === 'symlink') throw new FileError(shown, 'open', 'ELOOP');
  }

  /** Servers report a name that is taken as SSH_FX_FAILURE, which says nothing: looks whether that is the reason. */
  async #asExisting(error: unknown, path: string): Promise<unknown> {
    if (!(error instanceof FileError) || error.code !== 'ERR_FILE') return error;
    const isThere = await this.#session.lstat(path).then(
      () => true,
      () => false,
    );
    return isThere ? new FileError(path, error.operation, 'EEXIST', { cause: error }) : error;
  }

  /** With `follow` nothing is asked of the server: a name that is no directory shows at the first use. Without it, one LSTAT. */
  async directory(name: string, options: { readonly follow?: boolean } = {}): Promise<SftpDirectory> {
    const path = this.#at(name);
    if (options.follow !== true) {
      const shown = this.#name(name);
      const { kind } = statusOf(await named(shown, 'open', this.#session.lstat(path)), 'directory');
      if (kind !== 'directory') throw new FileError(shown, 'open', kind === 'symlink' ? 'ELOOP' : 'ENOTDIR');
    }
    return this.below(name);
  }

  /** The directory `name` below this one, without a look at what it is: for a caller that knows it from a listing. */
  below(name: string): SftpDirectory {
    return new SftpDirectory(this.#session, this.#at(name), join(this.#written, name), this.#options);
  }

  async makeDirectory(name: string, mode: number): Promise<void> {
    await this.#make(name, 'mkdir', this.#session.mkdir(this.#at(name), { permissions: mode & 0o7777 }));
  }

  get maxOpen(): number | undefined {
    return this.#session.limits.maxOpenHandles || undefined;
  }

  get sessions(): number {
    return this.#options.further?.count ?? 1;
  }

  get roundTripMs(): number {
    return this.#session.roundTripMs;
  }

  get renameReplaces(): boolean {
    return this.#session.has('posix-rename@openssh.com');
  }

  unfinished(): () => void {
    return this.#options.hold?.() ?? ((): void => {});
  }

  /** Replaces what is at `to` where the server offers posix-rename@openssh.com; without it a name that exists fails. */
  async rename(from: string, to: string, target: Directory = this): Promise<void> {
    const there = this.#ours(target, to, 'rename');
    const [old, fresh] = [this.#at(from), there.#at(to)];
    const work = this.renameReplaces
      ? this.#session.extensions.posixRename(old, fresh)
      : this.#session.rename(old, fresh);
    await named(there.#name(to), 'rename', work);
  }

  /** With hardlink@openssh.com. */
  async makeHardLink(from: string, to: string, target: Directory = this): Promise<void> {
    const there = this.#ours(target, to, 'link');
    const path = there.#at(to);
    try {
      await this.#session.extensions.hardlink(this.#at(from), path);
    } catch (error) {
      throw renamed(await this.#asExisting(error, path), there.#name(to), 'link');
    }
  }

  #ours(directory: Directory, name: string, operation: string): SftpDirectory {
    if (directory instanceof SftpDirectory && directory.#session === this.#session) return directory;
    throw new FileError(join(directory.path, name), operation, 'EXDEV');
  }

  removeDirectory(name: string): Promise<void> {
    return named(this.#name(name), 'rmdir', this.#session.rmdir(this.#at(name)));
  }

  /** In one request, so that a server that refuses one attribute may leave out the others. Without `follow` needs lsetstat@openssh.com. */
  async setAttributes(
    name: string,
    { mode, owner, times }: EntryAttributes,
    options: { readonly follow?: boolean } = {},
  ): Promise<void> {
    if (times !== undefined) requireWireTimes(this.#name(name), times);
    const attributes = { permissions: mode === undefined ? undefined : mode & 0o7777, ...owner, ...times };
    const path = this.#at(name);
    const work =
      options.follow === true
        ? this.#session.setstat(path, attributes)
        : this.#session.extensions.lsetstat(path, attributes);
    await named(this.#name(name), 'set attributes', work);
  }

  /** With statvfs@openssh.com. */
  async space(): Promise<Space> {
    const told = await named(this.path, 'statvfs', this.#session.extensions.statvfs(this.#base));
    return {
      blockBytes: Number(told.frsize),
      blocks: told.blocks,
      freeBlocks: told.bfree,
      availableBlocks: told.bavail,
      files: told.files,
      freeFiles: told.ffree,
    };
  }

  remove(name: string): Promise<void> {
    return named(this.#name(name), 'remove', this.#session.remove(this.#at(name)));
  }

  readLink(name: string): Promise<string> {
    return named(this.#name(name), 'readlink', this.#session.readlink(this.#at(name)));
  }

  async makeLink(name: string, target: string): Promise<void> {
    await this.#make(name, 'symlink', this.#session.symlink(this.#at(name), target));
  }

  async #make(name: string, operation: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw renamed(await this.#asExisting(error, this.#at(name)), this.#name(name), operation);
    }
  }

  realPath(name: string): Promise<string> {
    return named(this.#name(name), 'realpath', this.#session.realpath(this.#at(name)));
  }

  /** By REALPATH; undefined where the server tells no absolute path of a name. */
  async behindLink(name: string): Promise<{ directory: SftpDirectory; name: string } | undefined> {
    const path = await this.realPath(name);
    const cut = path.lastIndexOf('/');
    if (!path.startsWith('/') || cut === path.length - 1) return undefined;
    const above = path.slice(0, cut) || '/';
    return { directory: new SftpDirectory(this.#session, above, above, this.#options), name: path.slice(cut + 1) };
  }

  async digest(name: string): Promise<Uint8Array | undefined> {
    const path = this.#at(name);
    const { digest } = this.#options;
    const told = await digestByServer(this.#session, path);
    if (told !== undefined || digest === undefined) return told;
    try {
      // Elsewhere a relative path may begin in another directory.
      const [absolute, seen] = await Promise.all([this.#session.realpath(path), this.#session.stat(path)]);
      return absolute.startsWith('/') ? await digest(absolute, seen) : undefined;
    } catch (error) {
      if (error instanceof FileError) return undefined;
      throw error;
    }
  }

  explain(name: string, error: FileError): Promise<FileError> {
    return explainFailure(this.#session, this.#at(name), error);
  }

  setOwnMode(mode: number): Promise<void> {
    return named(this.path, 'set mode', this.#session.setstat(this.#base, { permissions: mode & 0o7777 }));
  }

  async setOwnTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    requireWireTimes(this.path, { atimeSeconds, mtimeSeconds });
    await named(this.path, 'set times', this.#session.setstat(this.#base, { atimeSeconds, mtimeSeconds }));
  }

  /** SFTP cannot sync a directory: nothing is done. */
  async sync(): Promise<void> {}

  async close(): Promise<void> {}
}

function join(directory: string, name: string): string {
  if (directory === '.') return name;
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/** Waits for both, for the look first; where it fails, the file that was opened meanwhile is closed. */
async function bothOrNone(look: Promise<void>, opening: Promise<SftpFile>): Promise<SftpFile> {
  try {
    await look;
  } catch (error) {
    opening.then((file) => file.close()).catch(() => {});
    throw error;
  }
  return await opening;
}
