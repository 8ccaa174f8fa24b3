import { FileError, RemoteError } from '../base/errors.ts';
import type { ContentCheck } from '../files/content-check.ts';
import type { Directory, FileStatus, FileSystem, OpenFile } from '../files/file-system.ts';
import { locate, shownPath } from '../files/path.ts';
import { readAhead } from '../files/read-ahead.ts';
import type { ScpSource, SourceEntry } from '../scp/source.ts';
import { lookFirst } from './look-first.ts';
import type { CopyObserver } from './observer.ts';
import type { RateLimit } from './rate-limit.ts';

/** The mode bits that OpenSSH's source sends: the sticky bit is not among them. */
const SENT_MODE_BITS = 0o6777;

/** Files whose size the system gives as 0 may have content all the same (/proc): as much is read to find out. Bytes. */
const MAX_UNSIZED_BYTES = 16 * 1024 * 1024;

export interface SendOptions {
  readonly recursive: boolean;
  /** Send modification and access times. */
  readonly preserve: boolean;
  /** Only what this finds good is sent: each file is looked at before its record. */
  readonly content?: ContentCheck | undefined;
  readonly observer: CopyObserver;
  readonly rateLimit?: RateLimit | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Names of a directory are read as they are needed: those of a large one take much memory, of which a server has but a part for each. Each level holds a descriptor more. Default false. */
  readonly gradual?: boolean | undefined;
}

/** A directory that the walk is in, to notice when links lead back into it. */
interface Ancestor {
  readonly status: FileStatus;
  readonly above: Ancestor | undefined;
}

/**
 * Walks what a path names and feeds it to a source: the local side of an upload and the remote side of a download. Links are followed, as scp does. What cannot be read is reported to both sides and passed
 * over; the promise rejects only where the copy as a whole cannot go on.
 */
export class TreeSender {
  readonly #source: ScpSource;
  readonly #options: SendOptions;
  /** How many entries could not be sent, or were refused by the sink. */
  failures = 0;

  constructor(source: ScpSource, options: SendOptions) {
    this.#source = source;
    this.#options = options;
  }

  /**
   * Sends the file or tree at `path`. A path that ends in `.` or `..` sends what is inside the directory, entry by entry.
   *
   * @param name what the file or tree is to be called there. Default: its own name
   */
  async send(fileSystem: FileSystem, path: string, name?: string): Promise<void> {
    const located = await this.#attempt(() => locate(fileSystem, path));
    if (located === undefined) return;
    try {
      if (located.name !== '') await this.#entry(located.directory, located.name, undefined, name);
      else if (this.#options.recursive) await this.#contents(located.directory, undefined);
      else this.#report(notRegular(path));
    } finally {
      await located.directory.close();
    }
  }

  /** Runs one step. A failure of one entry is reported, and undefined returned. */
  async #attempt<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof FileError) this.#report(error);
      else if (error instanceof RemoteError) this.#count(error);
      else throw error;
      return undefined;
    }
  }

  /** Both sides learn of it: the sink counts it as a failure of its own. */
  #report(error: FileError): void {
    this.#source.reportError(error.message);
    this.#count(error);
  }

  #count(error: FileError | RemoteError): void {
    this.failures++;
    this.#options.observer.failed(error);
  }

  async #entry(directory: Directory, name: string, above: Ancestor | undefined, called: string = name): Promise<void> {
    await this.#options.observer.ready?.();
    this.#options.signal?.throwIfAborted();
    const path = shownPath(directory.path, name);
    const status = await this.#attempt(async () => {
      const found = await directory.status(name, { follow: true });
      if (found === undefined) throw new FileError(path, 'stat', 'ENOENT');
      return found;
    });
    if (status === undefined) return;
    if (status.kind === 'directory' && this.#options.recursive)
      await this.#directory(directory, name, status, above, called);
    else if (status.kind === 'file') await this.#file(directory, name, called);
    else this.#report(notRegular(path));
  }

  #announce(name: string, status: FileStatus): SourceEntry {
    return { name, mode: status.mode & SENT_MODE_BITS, times: this.#options.preserve ? status : undefined };
  }

  async #directory(
    parent: Directory,
    name: string,
    status: FileStatus,
    above: Ancestor | undefined,
    called: string,
  ): Promise<void> {
    const path = shownPath(parent.path, name);
    for (let ancestor = above; ancestor !== undefined; ancestor = ancestor.above) {
      if (ancestor.status.inode === status.inode && ancestor.status.device === status.device) {
        this.#report(new FileError(path, 'open', 'ELOOP', { reason: 'links lead back into a directory above' }));
        return;
      }
    }
    const directory = await this.#attempt(() => parent.directory(name, { follow: true }));
    if (directory === undefined) return;
    try {
      // A directory that cannot be read is not to be made on the other side either.
      const listing = await this.#attempt(() => begin(this.#namesOf(directory)));
      if (listing === undefined) return;
      try {
        const entered = await this.#attempt(async () => {
          await this.#source.enter(this.#announce(called, status));
          return true;
        });
        if (entered !== true) return;
        await this.#contents(directory, { status, above }, listing.names);
        await this.#attempt(() => this.#source.leave());
      } finally {
        await listing.end();
      }
    } finally {
      await directory.close();
    }
  }

  #namesOf(directory: Directory): AsyncIterable<string> {
    return directory.names({ gradual: this.#options.gradual === true });
  }

  async #contents(
    directory: Directory,
    self: Ancestor | undefined,
    names: AsyncIterable<string> = this.#namesOf(directory),
  ): Promise<void> {
    await this.#attempt(async () => {
      for await (const name of names) await this.#entry(directory, name, self);
    });
  }

  async #file(directory: Directory, name: string, called: string): Promise<void> {
    await this.#attempt(async () => {
      const file = await directory.open(name, { access: 'read', follow: true });
      try {
        await this.#content(file, name, called);
      } finally {
        await file.close();
      }
    });
  }

  async #content(file: OpenFile, name: string, called: string): Promise<void> {
    const status = await file.status();
    if (status.kind !== 'file') throw notRegular(file.path);
    const unsized = status.size === 0 ? await readUnsized(file) : undefined;
    const size = unsized?.length ?? status.size;
    const progress = this.#options.observer.fileStarted(name, size, { source: file.path });
    let landed = false;
    try {
      const check = this.#options.content;
      const good =
        check && (await lookFirst(file, unsized ?? size, { check, name: called, signal: this.#options.signal }));
      const content = good?.content ?? (unsized === undefined ? readAhead(file, size) : once(unsized));
      await this.#source.file({
        ...this.#announce(called, status),
        path: file.path,
        size,
        content: this.#options.rateLimit === undefined ? content : this.#limited(content, this.#options.rateLimit),
        onBytes: (bytes, piece) => progress.moved(bytes, piece),
      });
      landed = true;
      if (good !== undefined) progress.verified?.(good.found);
    } finally {
      progress.finished(landed);
    }
  }

  async *#limited(content: AsyncIterable<Uint8Array>, limit: RateLimit): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of content) {
      for (let at = 0; at < chunk.length; at += 16384) {
        const piece = chunk.subarray(at, at + 16384);
        yield piece;
        await limit.wait(piece.length, this.#options.signal);
      }
    }
  }
}

function notRegular(path: string): FileError {
  return new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
}

/** Names of which the first has been read. */
interface BegunListing {
  readonly names: AsyncIterable<string>;
  /** Lets go of it, however far it was read. */
  end(): Promise<void>;
}

/** Reads the first name: whoever cannot read them fails here. */
async function begin(names: AsyncIterable<string>): Promise<BegunListing> {
  const iterator = names[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = async function* (): AsyncGenerator<string, void, void> {
    for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
  };
  return {
    names: rest(),
    end: async () => {
      await iterator.return?.();
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  if (bytes.length > 0) yield bytes;
}

/** Reads a file that says it is empty. Most are; those of /proc and /sys are not, and a copy of nothing would be a lie. */
async function readUnsized(file: OpenFile): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(4096);
  const first = await file.read(buffer, 0);
  if (first === 0) return buffer.subarray(0, 0);
  const parts = [Buffer.from(buffer.subarray(0, first))];
  let position = first;
  for (let count = await file.read(buffer, position); count > 0; count = await file.read(buffer, position)) {
    position += count;
    if (position > MAX_UNSIZED_BYTES) {
      throw new FileError(file.path, 'read', 'EFBIG', {
        reason: `its size is given as 0 but it holds more than ${MAX_UNSIZED_BYTES} bytes`,
      });
    }
    parts.push(Buffer.from(buffer.subarray(0, count)));
  }
  return Buffer.concat(parts);
}
