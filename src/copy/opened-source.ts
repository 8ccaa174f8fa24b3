import { FileError } from '../base/errors.ts';
import type { Directory, FileStatus, OpenFile } from '../files/file-system.ts';
import { READ_BYTES, readAhead } from '../files/read-ahead.ts';
import type { RateLimit } from './rate-limit.ts';

/** Files whose size the system gives as 0 may have content all the same (/proc): as much is read to find out. Bytes. */
export const MAX_UNSIZED_BYTES: number = 16 * 1024 * 1024;

/** Most files without a size are empty: no large buffers for them. */
const UNSIZED_CHUNK_BYTES = 4096;

/** A file that is far away and smaller than this comes in one answer or two: nobody changes it between them. Bytes. */
const QUICK_BYTES: number = 64 * 1024;

/** A file to copy: found in a directory under a name. */
export interface FoundFile {
  readonly directory: Directory;
  readonly name: string;
  /** What was found there, links followed. */
  readonly status: FileStatus;
}

/** With a rate limit so much waits as a whole: a file that is written in pieces would wait with its first for its last. Bytes. */
const WHOLE_BYTES: number = 64 * 1024;

export interface OpenedSourceOptions {
  /** Content may be asked for before anybody takes it. */
  readonly readsAhead: boolean;
  /** Every chunk is to be a buffer of its own. */
  readonly fresh: boolean;
  readonly rateLimit: RateLimit | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A source that is open: what it is now, which may be something else than what was found, and its content. */
export class OpenedSource {
  readonly file: OpenFile;
  /** As it is while it is open. */
  readonly status: FileStatus;
  readonly #options: OpenedSourceOptions;
  readonly #ahead: Ahead | undefined;
  /** What the file is at the end of its content. */
  #last: Promise<FileStatus> | undefined;

  private constructor(file: OpenFile, status: FileStatus, options: OpenedSourceOptions, ahead: Ahead | undefined) {
    this.file = file;
    this.status = status;
    this.#options = options;
    this.#ahead = ahead;
  }

  /** @throws {FileError} ERR_NOT_REGULAR_FILE; EFBIG for a size that no number here can hold */
  static async open(
    { directory, name, status: found }: FoundFile,
    options: OpenedSourceOptions,
  ): Promise<OpenedSource> {
    const file = await directory.open(name, { access: 'read', follow: true });
    let ahead: Ahead | undefined;
    let last: Promise<FileStatus> | undefined;
    try {
      const asked = file.status();
      // Far away the look costs no time if the content is asked for behind it, by the size that was found.
      if (options.readsAhead && options.rateLimit === undefined && file.contentFrom !== undefined) {
        const behind = (): void => {
          last = lookAgain(file, found);
        };
        ahead = new Ahead(file.contentFrom(0, found.size, { beyond: true, asked: behind }));
      }
      const status = file.contentFrom === undefined ? await asked : await mergedStatus(asked, found);
      requireSized(file.path, status);
      if (status.kind !== 'file') throw notRegular(file.path);
      if (ahead !== undefined && status.size !== found.size) {
        await ahead.return();
        ahead = undefined;
        last = undefined;
      }
      const opened = new OpenedSource(file, status, options, ahead);
      opened.#last = last;
      return opened;
    } catch (error) {
      await ahead?.return();
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** What of the content is copied at most: where the size is not known, one byte more than may be. */
  limit(start: number): number {
    return this.status.size === 0 ? MAX_UNSIZED_BYTES + 1 : this.status.size - start;
  }

  /** The content from a position on, once. With a rate limit no more of it is asked for than the limit allows. */
  content(start: number): AsyncIterable<Uint8Array> {
    const { size } = this.status;
    if (this.#ahead !== undefined && start === 0) return this.#ahead;
    const { fresh, rateLimit } = this.#options;
    const far = this.file.contentFrom !== undefined;
    if (far && rateLimit !== undefined && size > 0) return this.#paced(start, rateLimit);
    const chunkBytes =
      size === 0
        ? UNSIZED_CHUNK_BYTES
        : rateLimit === undefined
          ? READ_BYTES
          : Math.max(rateLimit.burstBytes, WHOLE_BYTES);
    return (
      this.#from(start, size === 0 ? 0 : size - start) ??
      readAhead(this.file, this.limit(start), { chunkBytes, start, fresh })
    );
  }

  /** Whether the content comes no faster than the limit allows: nobody else need wait then. */
  get isPaced(): boolean {
    return this.file.contentFrom !== undefined && this.#options.rateLimit !== undefined && this.status.size > 0;
  }

  #from(start: number, size: number): AsyncIterable<Uint8Array> | undefined {
    const asked = (): void => {
      if (start + size === this.status.size) this.#last = lookAgain(this.file, this.status);
    };
    return this.file.contentFrom?.(start, size, { beyond: start + size === this.status.size, asked });
  }

  async *#paced(start: number, rateLimit: RateLimit): AsyncGenerator<Uint8Array, void, void> {
    for (let at = start; at < this.status.size; at += rateLimit.burstBytes) {
      const length = Math.min(rateLimit.burstBytes, this.status.size - at);
      await rateLimit.wait(length, this.#options.signal);
      let left = length;
      for await (const piece of this.#from(at, length) as AsyncIterable<Uint8Array>) {
        left -= piece.length;
        yield piece;
      }
      if (left > 0) return;
    }
  }

  /** After all has been read: whether it may be something that the file never was. A file that has only grown has been copied as it was. */
  async hasChanged(): Promise<boolean> {
    const { size, mtimeSeconds } = this.status;
    if (size === 0) return false;
    const asked = this.file.contentFrom === undefined ? this.file.status() : this.#last;
    const last = asked && (await mergedStatus(asked, this.status));
    return last !== undefined && last.size === size && last.mtimeSeconds !== mtimeSeconds;
  }

  /** What was read has been checked by its length: a source that does not close has nothing more to say about it. Never rejects. */
  async close(): Promise<void> {
    await this.#ahead?.return();
    await this.file.close().catch(() => {});
  }
}

export function notRegular(path: string): FileError {
  return new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
}

/** @throws {FileError} EFBIG: what is larger than 2^53 - 1 bytes has no size here */
export function requireSized(path: string, { size }: FileStatus): void {
  if (!Number.isSafeInteger(size)) throw new FileError(path, 'open', 'EFBIG');
}

/** What is told now; what is not, as it was found. A server that cannot tell at all has told before. */
async function mergedStatus(asked: Promise<FileStatus>, found: FileStatus): Promise<FileStatus> {
  let now: FileStatus;
  try {
    now = await asked;
  } catch (error) {
    if (error instanceof FileError) return found;
    throw error;
  }
  const untold = new Set(now.untold);
  if (untold.size === 0) return now;
  const { kind, mode, size, mtimeSeconds, atimeSeconds } = found;
  return {
    ...now,
    ...(untold.has('mode') ? { kind, mode } : {}),
    ...(untold.has('size') ? { size } : {}),
    ...(untold.has('times') ? { mtimeSeconds, atimeSeconds } : {}),
  };
}

/** Asked behind the last request for content. Undefined is no answer that says anything. */
function lookAgain(file: OpenFile, { size }: FileStatus): Promise<FileStatus> | undefined {
  if (size < QUICK_BYTES) return undefined;
  const asked = file.status();
  // Whoever waits for it learns of the failure; until then nobody listens.
  asked.catch(() => {});
  return asked;
}

/** Content whose beginning has been asked for. */
class Ahead implements AsyncIterableIterator<Uint8Array> {
  readonly #content: AsyncIterator<Uint8Array>;
  #first: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#content = content[Symbol.asyncIterator]();
    this.#first = this.#content.next();
    this.#first.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const first = this.#first ?? this.#content.next();
    this.#first = undefined;
    return first;
  }

  /** Never rejects. */
  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#content.return?.().catch(() => {});
    return { done: true, value: undefined };
  }
}
