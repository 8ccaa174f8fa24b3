import { Writable } from 'node:stream';
import { withDeadline } from '../base/deadline.ts';
import { FileError } from '../base/errors.ts';
import { ChunkQueue } from '../copy/chunk-queue.ts';
import { silentObserver } from '../copy/observer.ts';
import type { Directory } from '../files/file-system.ts';
import { landByRename } from '../files/landing.ts';
import { InPlace } from '../files/landing-in-place.ts';
import type { Landing, LandingOptions } from '../files/landing-types.ts';
import { locate, splitPath } from '../files/path.ts';
import { abortError } from './abortable.ts';
import { needsSftp } from './errors.ts';
import { oneFile, plainStatus, streamedFile } from './one-file.ts';
import { scpPath } from './paths.ts';
import type { Remote, RemoteKeeper } from './remote.ts';

/** How long a stream that failed may take to tidy up on the other side. */
const DISCARD_TIMEOUT_MS = 5_000;

/** How to write a file of a host. */
export interface WriteStreamOptions {
  /** Permission bits of a file that is new, lessened by the server's umask. Default 0o666. */
  readonly mode?: number | undefined;
  /** Written beside the name, made durable and renamed at the end: until then, and after a failure, the old content is there. Default false: written in place. SFTP */
  readonly atomic?: boolean | undefined;
  /** How many bytes will be written; the stream fails where it is another number. Needed where the host has only the SCP protocol, which tells the size first. */
  readonly size?: number | undefined;
  /** Destroys the stream with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** Where the content goes. */
interface Destination {
  /** Takes over the chunk; resolves when more may come. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Resolves when the server has confirmed everything. */
  commit(): Promise<void>;
  /** Never throws. */
  discard(reason: unknown): Promise<void>;
}

/** A file of a host as a stream to write. `finish` comes when the server has confirmed the content and closed the file. */
export class RemoteWriteStream extends Writable {
  readonly #destination: Promise<Destination>;
  readonly #path: string;
  readonly #size: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.destroy(abortError(this.#signal));
  };
  #written = 0;
  #committed = false;

  constructor(keeper: RemoteKeeper, path: string, options: WriteStreamOptions) {
    super({ highWaterMark: 256 * 1024, decodeStrings: true });
    const { size, signal } = options;
    if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0))
      throw new RangeError('size: must be a whole number from 0');
    this.#path = path;
    this.#size = size;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#destination = signal?.aborted === true ? Promise.reject(abortError(signal)) : open(keeper, path, options);
    this.#destination.catch((error: Error) => this.destroy(error));
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#written += chunk.length;
    if (this.#size !== undefined && this.#written > this.#size) {
      callback(this.#wrongSize());
      return;
    }
    // Whoever wrote the chunk may use its memory again as soon as it has been taken; it leaves later than that.
    const own = Buffer.from(chunk);
    this.#destination
      .then((destination) => destination.write(own))
      .then(
        () => callback(),
        (error: Error) => callback(error),
      );
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#size !== undefined && this.#written < this.#size) {
      callback(this.#wrongSize());
      return;
    }
    this.#destination
      .then((destination) => destination.commit())
      .then(
        () => {
          this.#committed = true;
          callback();
        },
        (error: Error) => callback(error),
      );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#committed) {
      callback(error);
      return;
    }
    const discarded = this.#destination.then(
      (destination) => destination.discard(error ?? new Error('the stream was destroyed')),
      () => {},
    );
    const done = (): void => callback(error);
    withDeadline(discarded, DISCARD_TIMEOUT_MS, () => new Error('no answer')).then(done, done);
  }

  #wrongSize(): FileError {
    const reason = `${this.#written} bytes were written where ${this.#size} were announced`;
    return new FileError(this.#path, 'write', 'ERR_FILE_CHANGED', { reason });
  }
}

async function open(keeper: RemoteKeeper, path: string, options: WriteStreamOptions): Promise<Destination> {
  const remote = await keeper.get();
  if (remote.link !== undefined) return await openBySftp(remote, path, options);
  return openByScp(remote, path, options, (error) => keeper.noticeLost(remote, error));
}

async function openBySftp({ link }: Remote, path: string, options: WriteStreamOptions): Promise<Destination> {
  const { directory, name, mustBeDirectory } = await locate((link as NonNullable<typeof link>).files, path);
  if (mustBeDirectory) throw new FileError(directory.path, 'open', 'EISDIR');
  const how = { mode: options.mode ?? 0o666, follow: true, durable: options.atomic === true };
  const landing =
    options.atomic === true ? await landByRename(directory, name, how) : await emptied(directory, name, how);
  return {
    write: (chunk) => landing.write(chunk),
    commit: () => landing.commit({}),
    discard: () => landing.discard(),
  };
}

/** The old content goes at once: behind a new one that broke off it would look whole. */
async function emptied(directory: Directory, name: string, how: LandingOptions): Promise<Landing> {
  const file = await directory.open(name, {
    access: 'write',
    create: 'if-missing',
    mode: how.mode & 0o777,
    follow: true,
  });
  await file.truncate(0).catch((error: unknown) => {
    // A device has no length; where a file keeps it, that is told at the end.
    if (!(error instanceof FileError)) throw error;
  });
  return new InPlace(file, undefined, how, { directory, name });
}

/** The content is what the one file of an upload holds. */
function openByScp(
  remote: Remote,
  path: string,
  options: WriteStreamOptions,
  failed: (error: unknown) => Promise<void>,
): Destination {
  const { host, connection, stderr } = remote;
  const { size, mode = 0o666 } = options;
  if (options.atomic === true) throw needsSftp(host, 'atomic');
  if (size === undefined) throw needsSftp(host, 'a stream without `size`');
  const queue = new ChunkQueue();
  const stop = new AbortController();
  const { name } = splitPath(path);
  if (name === '') throw new FileError(path, 'open', 'EISDIR');
  let failure: Error | undefined;
  const read = reader(queue);
  const status = plainStatus(size, mode);
  const files = oneFile(name, status, () => streamedFile(path, status, { read }));
  const target = { kind: 'remote', host, path: scpPath(path, { patterns: false }) } as const;
  const loading = import('../copy/scp-upload.ts');
  const copy = loading
    .then(({ uploadByScp }) =>
      uploadByScp(connection, files, [`./${name}`], target, {
        host,
        recursive: false,
        preserve: false,
        verbose: false,
        targetIsDirectory: false,
        observer: {
          ...silentObserver,
          failed: (error) => {
            failure ??= error;
          },
        },
        signal: stop.signal,
        onStderr: stderr.push,
      }),
    )
    .then(
      () => {
        if (failure !== undefined) throw failure;
      },
      (error: unknown) => {
        throw stderr.explain(error);
      },
    );
  let over: { readonly error: unknown } | undefined;
  copy.catch((error: unknown) => {
    over = { error };
    // A writer that is held back must not wait for a copy that is over.
    queue.stop();
    void failed(error);
  });
  return {
    write: async (chunk) => {
      await queue.push(chunk);
      if (over !== undefined) throw over.error;
    },
    commit: async () => {
      queue.end();
      await copy;
    },
    discard: async (reason) => {
      stop.abort(reason);
      queue.fail(reason instanceof Error ? reason : new Error('the stream was destroyed'));
      await copy.catch(() => {});
    },
  };
}

/** Reads a queue from its start to its end, as much at a time as there is. */
function reader(queue: ChunkQueue): (buffer: Uint8Array) => Promise<number> {
  const chunks = queue[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return async (buffer) => {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return 0;
      rest = next.value;
    }
    const count = Math.min(buffer.length, rest.length);
    buffer.set(rest.subarray(0, count));
    rest = rest.subarray(count);
    return count;
  };
}
