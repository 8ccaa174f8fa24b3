import type { Readable, Writable } from 'node:stream';
import { FileError } from '../base/errors.ts';
import { makePath } from '../copy/make-path.ts';
import type { SftpLink } from '../copy/sftp-open.ts';
import { locate } from '../files/path.ts';
import { statusOf } from '../sftp/file-status.ts';
import { named } from '../sftp/named.ts';
import { abortable } from './abortable.ts';
import { startCopy } from './copy-run.ts';
import type { Copy, CopyOptions } from './copy-types.ts';
import { type Entry, type EntryStatus, entryStatus, isMissing, listDirectory, removeTree } from './entries.ts';
import { needsSftp } from './errors.ts';
import { type LocalPath, localPath, remotePath, shownRemote } from './paths.ts';
import { type ReadStreamOptions, RemoteReadStream } from './read-stream.ts';
import type { RemoteKeeper } from './remote.ts';
import { download, upload } from './routes.ts';
import { RemoteWriteStream, type WriteStreamOptions } from './write-stream.ts';

/** The most that {@link Host.readFile} reads unless told otherwise. Bytes. */
const MAX_READ_FILE_BYTES = 256 * 1024 * 1024;

/** What every operation takes. */
export interface OperationOptions {
  /** Gives the operation up; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** A list, or one. */
export type OneOrMore<T> = T | readonly T[];

const keepers = new WeakMap<Host, RemoteKeeper>();

/** The connection behind a host, for copies between two. */
export function keeperOf(host: Host): RemoteKeeper {
  return keepers.get(host) as RemoteKeeper;
}

/**
 * A host that {@link connect} has connected to. Several operations may run at the same time. When the connection is lost, what runs on it fails, and the next operation makes a new one.
 *
 * A path of the host is relative to where it starts, usually the home directory, or absolute. It means itself, whatever is in it: no pattern, no shell. Only `~` alone and `~/` at the start stand for the start directory.
 *
 * Operations reject with a FileError (one path), a ConnectionError (the host), a ProtocolError (the host breaks the rules), or with `signal.reason`. All but the copies, and streams of whole files, need SFTP and reject with a ConnectionError
 * `ERR_NOT_OFFERED` without it.
 */
export class Host implements AsyncDisposable {
  /** The host as it was asked for. */
  readonly name: string;

  /** @internal Use {@link connect}. */
  constructor(keeper: RemoteKeeper) {
    this.name = keeper.options.host;
    keepers.set(this, keeper);
  }

  /** What is spoken with the host: `scp` where it has no SFTP, or where the options ask for that. */
  get protocol(): 'sftp' | 'scp' {
    return keeperOf(this).protocol;
  }

  /**
   * Copies files and trees of this machine to the host. The rule for the target is that of scp: into a directory that exists, under their own names; else under the target's name, which must not end in a slash then. A list goes into the
   * target, which must be a directory; with SFTP it is made if it is missing.
   *
   * @example
   * await host.upload('report.pdf', 'inbox/');
   * await host.upload(['photos', 'videos'], 'backup', { recursive: true, preserve: true, exclude: ['*.tmp', 'cache/'] });
   *
   * @throws {CopyError} some entries could not be copied; see {@link CopyOptions.onError}
   * @throws {FileError} the target cannot be used
   */
  upload(local: OneOrMore<LocalPath>, remote: string, options: CopyOptions = {}): Copy {
    return startCopy(options, async (run) => {
      const task = { ...listed(local, localPath), target: remotePath(remote) };
      await run.step([keeperOf(this)], ([to]) => upload(run, to as NonNullable<typeof to>, task));
    });
  }

  /**
   * Copies files and trees of the host to this machine. The rule for the target is that of {@link upload}; a list needs a directory that exists. Each file is written beside its name and renamed when it is whole, and nothing is written outside the
   * target, whatever the host sends.
   *
   * @example
   * await host.download('reports/2026', 'reports', { recursive: true, retries: 3 });
   * await host.download('logs/*.log', 'logs', { glob: true });
   *
   * @throws {CopyError} some entries could not be copied; see {@link CopyOptions.onError}
   * @throws {FileError} the target cannot be used
   */
  download(remote: OneOrMore<string>, local: LocalPath, options: CopyOptions = {}): Copy {
    return startCopy(options, async (run) => {
      const task = { ...listed(remote, (path) => remotePath(path, options)), target: localPath(local) };
      await run.step([keeperOf(this)], ([from]) => download(run, from as NonNullable<typeof from>, task));
    });
  }

  /**
   * The entries of a directory, in the order of the server, as they come; `.` and `..` are left out. Links are told as links.
   *
   * @example
   * for await (const { name, kind, size } of host.list('inbox')) console.log(kind, size, name);
   */
  async *list(path: string, options: OperationOptions = {}): AsyncGenerator<Entry, void, void> {
    const { files } = await this.#sftp('list', options.signal);
    yield* listDirectory(files, remotePath(path), options.signal);
  }

  /** What is at a path; a link is followed unless `follow` is false. @throws {FileError} `ENOENT` */
  async stat(path: string, options: OperationOptions & { readonly follow?: boolean } = {}): Promise<EntryStatus> {
    const wire = remotePath(path);
    return await this.#operation('stat', path, options, async ({ session }) => {
      const attributes = await (options.follow === false ? session.lstat(wire) : session.stat(wire));
      return entryStatus(statusOf(attributes));
    });
  }

  /** Whether something is at a path; a link that leads nowhere is nothing. */
  async exists(path: string, options: OperationOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /**
   * Makes a directory. With `recursive` those above it too, and one that is there is no error.
   *
   * @throws {FileError} `EEXIST`; `ENOTDIR` where something else is in the way
   */
  async mkdir(
    path: string,
    options: OperationOptions & {
      /** Default false. */
      readonly recursive?: boolean | undefined;
      /** Permission bits, lessened by the server's umask. Default 0o777. Directories above get the default. */
      readonly mode?: number | undefined;
    } = {},
  ): Promise<void> {
    const wire = remotePath(path);
    await this.#operation('mkdir', path, options, async ({ files }) => {
      const { directory, name } =
        options.recursive === true ? await madeParents(files, wire) : await locate(files, wire);
      if (name === '') {
        if (options.recursive === true) return;
        throw new FileError(directory.path, 'mkdir', 'EEXIST');
      }
      try {
        await directory.makeDirectory(name, options.mode ?? 0o777);
      } catch (error) {
        const isThere = error instanceof FileError && error.code === 'EEXIST' && options.recursive === true;
        if (!isThere) throw error;
        if ((await directory.status(name, { follow: true }))?.kind !== 'directory')
          throw new FileError(error.path, 'mkdir', 'ENOTDIR');
      }
    });
  }

  /**
   * Removes a file, a link or an empty directory; with `recursive` a directory with all that is in it. Links are not followed.
   *
   * @throws {FileError} `ENOENT`, unless `force`; the server's reason where a directory is not empty
   */
  async remove(
    path: string,
    options: OperationOptions & {
      /** Default false. */
      readonly recursive?: boolean | undefined;
      /** What is missing is no error. Default false. */
      readonly force?: boolean | undefined;
    } = {},
  ): Promise<void> {
    const wire = remotePath(path);
    try {
      await this.#operation('remove', path, options, async ({ session, files }) => {
        const { kind } = statusOf(await session.lstat(wire));
        if (kind !== 'directory') return await session.remove(wire);
        const rmdir = (at: string) => named(shownRemote(this.name, at), 'remove', session.rmdir(at));
        if (options.recursive !== true) return await rmdir(wire);
        await removeTree(files, wire, rmdir, options.signal);
      });
    } catch (error) {
      if (options.force !== true || !isMissing(error)) throw error;
    }
  }

  /**
   * Gives a file or directory another path on the host. A file at the new path is replaced in one step where the server can do that (posix-rename@openssh.com).
   *
   * @throws {FileError} `EEXIST` with `overwrite: false`, or where the server cannot replace
   */
  async rename(
    from: string,
    to: string,
    options: OperationOptions & {
      /** Default true. */
      readonly overwrite?: boolean | undefined;
    } = {},
  ): Promise<void> {
    const [old, fresh] = [remotePath(from), remotePath(to)];
    await this.#operation('rename', to, options, async ({ session }) => {
      const replaces = options.overwrite !== false && session.has('posix-rename@openssh.com');
      if (replaces) return await session.extensions.posixRename(old, fresh);
      try {
        await session.rename(old, fresh);
      } catch (error) {
        // Servers report a name that is taken as a failure without a reason.
        const isThere =
          error instanceof FileError &&
          (await session.lstat(fresh).then(
            () => true,
            () => false,
          ));
        throw isThere && !isMissing(error) ? new FileError(fresh, 'rename', 'EEXIST', { cause: error }) : error;
      }
    });
  }

  /**
   * A file as a stream. The file is opened when somebody begins to read; errors destroy the stream.
   *
   * @example
   * await pipeline(host.createReadStream('backup.tar.gz'), createGunzip(), extract());
   *
   * @throws {RangeError} for positions that cannot be; {FileError} for a path that no system takes
   */
  createReadStream(path: string, options: ReadStreamOptions = {}): Readable {
    return new RemoteReadStream(keeperOf(this), remotePath(path), options);
  }

  /**
   * A file as a stream to write, which is emptied or made at once (with `atomic`: at the end). `finish`, and so `pipeline`, waits until the server has confirmed all content and closed the file.
   *
   * @example
   * await pipeline(createReadStream('video.mp4'), host.createWriteStream('videos/new.mp4', { atomic: true }));
   */
  createWriteStream(path: string, options: WriteStreamOptions = {}): Writable {
    return new RemoteWriteStream(keeperOf(this), remotePath(path), options);
  }

  /** The content of a file. @throws {FileError} `EFBIG` for more than `maxBytes` (default 256 MiB), as an endless file would be */
  async readFile(
    path: string,
    options: OperationOptions & { readonly maxBytes?: number | undefined } = {},
  ): Promise<Buffer> {
    const { maxBytes = MAX_READ_FILE_BYTES, signal } = options;
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of this.createReadStream(path, { signal })) {
        chunks.push(chunk as Buffer);
        bytes += (chunk as Buffer).length;
        if (bytes > maxBytes) {
          const reason = `larger than ${maxBytes} bytes`;
          throw new FileError(shownRemote(this.name, path), 'read', 'EFBIG', { reason });
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
    return Buffer.concat(chunks, bytes);
  }

  /** Writes a file: its old content is replaced. Text is written as UTF-8. */
  async writeFile(
    path: string,
    data: string | Uint8Array,
    options: Omit<WriteStreamOptions, 'size'> = {},
  ): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const stream = this.createWriteStream(path, { ...options, size: bytes.length });
    await new Promise<void>((resolve, reject) => {
      // Streams take no error but one that counts as true.
      stream.once('error', (error) => reject(options.signal?.aborted === true ? options.signal.reason : error));
      stream.once('finish', resolve);
      stream.end(bytes);
    });
  }

  /** Ends the connection; what is still under way fails. Idempotent. Never throws. */
  async close(): Promise<void> {
    await keeperOf(this).close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #sftp(what: string, signal: AbortSignal | undefined): Promise<SftpLink> {
    signal?.throwIfAborted();
    const { link } = await abortable(keeperOf(this).get(), signal);
    if (link === undefined) throw needsSftp(this.name, what);
    return link;
  }

  /** One operation on one path: errors name the path with its host. */
  async #operation<T>(
    what: string,
    path: string,
    { signal }: OperationOptions,
    work: (link: SftpLink) => Promise<T>,
  ): Promise<T> {
    const link = await this.#sftp(what, signal);
    const shown = shownRemote(this.name, path);
    return await abortable(named(shown, what, work(link)), signal);
  }
}

async function madeParents(files: SftpLink['files'], path: string): ReturnType<typeof locate> {
  const located = await locate(files, path);
  if (located.name === '') await makePath(files, path);
  else await makePath(files, parentOf(path));
  return located;
}

function parentOf(path: string): string {
  const cut = path.replace(/\/+$/, '').lastIndexOf('/');
  return cut < 0 ? '.' : path.slice(0, cut) || '/';
}

function listed<T>(paths: OneOrMore<T>, convert: (path: T) => string): { sources: string[]; isList: boolean } {
  const isList = Array.isArray(paths);
  const list = isList ? (paths as readonly T[]) : [paths as T];
  return { sources: list.map(convert), isList };
}
