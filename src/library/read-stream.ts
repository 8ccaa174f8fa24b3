import { Readable } from 'node:stream';
import { ChunkQueue } from '../copy/chunk-queue.ts';
import { type CopyObserver, silentObserver } from '../copy/observer.ts';
import { landInPlace } from '../files/landing.ts';
import { locate } from '../files/path.ts';
import { abortError } from './abortable.ts';
import { needsSftp } from './errors.ts';
import { oneFile, plainStatus, streamedFile } from './one-file.ts';
import { scpPath } from './paths.ts';
import type { Remote, RemoteKeeper } from './remote.ts';

/** How to read a file of a host. */
export interface ReadStreamOptions {
  /** The first byte. Default 0. SFTP */
  readonly start?: number | undefined;
  /** The last byte, which is read too, as in `node:fs`. Default: the end of the file. SFTP */
  readonly end?: number | undefined;
  /** Destroys the stream with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** Content that comes in pieces, and the end of what they come from. */
interface Content {
  readonly pieces: AsyncIterator<Uint8Array>;
  /** Never throws. */
  close(): Promise<void>;
}

/** A file of a host as a stream. Nothing is asked for before somebody reads. */
export class RemoteReadStream extends Readable {
  readonly #open: () => Promise<Content>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.destroy(abortError(this.#signal));
  };
  #content: Promise<Content> | undefined;

  constructor(keeper: RemoteKeeper, path: string, options: ReadStreamOptions) {
    super({ highWaterMark: 256 * 1024 });
    checkRange(options);
    this.#signal = options.signal;
    this.#open = async () => {
      const remote = await keeper.get();
      if (remote.link !== undefined) return await openBySftp(remote, path, options);
      return openByScp(remote, path, options, (error) => keeper.noticeLost(remote, error));
    };
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal?.aborted === true) this.#onAbort();
  }

  override _read(): void {
    this.#content ??= this.#open();
    this.#content
      .then(({ pieces }) => pieces.next())
      .then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: Error) => this.destroy(error),
      );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    // Nobody need wait until the server has answered what was still asked for.
    void this.#content?.then((content) => content.close()).catch(() => {});
    callback(error);
  }
}

function checkRange({ start = 0, end }: ReadStreamOptions): void {
  const isPosition = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!isPosition(start)) throw new RangeError('start: must be a whole number from 0');
  if (end !== undefined && (!isPosition(end) || end < start)) throw new RangeError('end: must not lie before start');
}

async function openBySftp({ link }: Remote, path: string, options: ReadStreamOptions): Promise<Content> {
  const { start = 0, end } = options;
  const { directory, name } = await locate((link as NonNullable<typeof link>).files, path);
  const file = await directory.open(name === '' ? '.' : name, { access: 'read', follow: true });
  const size = end === undefined ? 0 : end - start + 1;
  const content = file.contentFrom?.(start, size, { keeps: true }) as AsyncIterable<Uint8Array>;
  const pieces = content[Symbol.asyncIterator]();
  return {
    pieces,
    close: async () => {
      await pieces.return?.();
      await file.close();
    },
  };
}

/** What the peer sends goes into a queue instead of a file, with all the checks of a copy. The stream ends when the peer has vouched for the content. */
function openByScp(
  { connection, host, stderr }: Remote,
  path: string,
  options: ReadStreamOptions,
  failed: (error: unknown) => Promise<void>,
): Content {
  if (options.start !== undefined || options.end !== undefined) throw needsSftp(host, 'a part of a file');
  const queue = new ChunkQueue();
  const stop = new AbortController();
  const files = oneFile('content', undefined, () =>
    streamedFile(path, plainStatus(0, 0o644), {
      write: async (chunks) => {
        // Whoever reads the stream keeps what he gets.
        for (const chunk of chunks) await queue.push(Buffer.from(chunk));
      },
    }),
  );
  let failure: Error | undefined;
  const observer: CopyObserver = {
    ...silentObserver,
    failed: (error) => {
      failure ??= error;
    },
  };
  const source = { kind: 'remote', host, path: scpPath(path, { patterns: false }) } as const;
  const loading = import('../copy/scp-download.ts');
  const copy = loading.then(({ downloadByScp }) =>
    downloadByScp(connection, files, source, 'content', {
      host,
      recursive: false,
      preserve: false,
      strictNames: true,
      verbose: false,
      targetIsDirectory: false,
      observer,
      land: landInPlace,
      signal: stop.signal,
      onStderr: stderr.push,
    }),
  );
  const ended = copy.then(
    () => (failure === undefined ? queue.end() : queue.fail(failure)),
    async (error: unknown) => {
      queue.fail(stderr.explain(error) as Error);
      await failed(error);
    },
  );
  return {
    pieces: queue[Symbol.asyncIterator](),
    close: async () => {
      stop.abort();
      queue.stop();
      await ended;
    },
  };
}
