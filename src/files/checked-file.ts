import { FileError } from '../base/errors.ts';
import { Slots } from '../base/slots.ts';
import {
  type ContentCheck,
  type ContentPass,
  refusedContent,
  type VerifiedContent,
  verdictOf,
} from './content-check.ts';
import type { FileStatus, OpenFile } from './file-system.ts';
import { LayerFile } from './layer.ts';

/** So much is read at once where content is looked at again. Between two pieces others have the thread. Bytes. */
const READ_BYTES = 1024 * 1024;

/** So many files of this process are looked at again at a time. */
const readBacks = new Slots(2);

/** Shows the content of an open file to a check, up to `size`. @throws {FileError} it is shorter, cannot be read or is not to be used; EINTR once the signal is aborted */
export async function passContent(
  file: OpenFile,
  size: number,
  pass: ContentPass,
  { path, signal }: { readonly path: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const interrupted = (): FileError => new FileError(path, 'read', 'EINTR');
  const release = await readBacks.take(signal).catch(() => {
    throw interrupted();
  });
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(READ_BYTES, size)));
    for (let at = 0; at < size; ) {
      if (signal?.aborted === true) throw interrupted();
      const count = await file.read(buffer.subarray(0, Math.min(buffer.length, size - at)), at);
      if (count === 0) throw changed(path);
      pass.write(buffer.subarray(0, count));
      at += count;
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  } catch (error) {
    throw refusedContent(error, path);
  } finally {
    release();
  }
}

/** Content that was not the same from the beginning of a look to its end. */
export function changed(path: string): FileError {
  return new FileError(path, 'read', 'ERR_FILE_CHANGED', { reason: 'was changed while it was verified' });
}

export interface CheckedFileOptions {
  readonly check: ContentCheck;
  /** What messages call the file. */
  readonly path: string;
  readonly name: string;
  /** It holds nothing yet. */
  readonly isNew: boolean;
}

/**
 * A file without a name yet, whose content must be found good. What is written in order is looked at as it passes; where it came in another order, or was there before, the whole is read back through the same descriptor.
 * From the moment on at which the verdict is asked for, nothing can be written any more, whoever holds the file.
 */
export class CheckedFile extends LayerFile {
  readonly #options: CheckedFileOptions;
  /** Has seen the content up to #position; undefined where that is not its beginning. */
  #pass: ContentPass | undefined;
  #position = 0;
  readonly #pending = new Set<Promise<void>>();
  #verdict: Promise<VerifiedContent> | undefined;
  /** What the file was when it was judged. */
  #judged: FileStatus | undefined;
  #isClosed = false;

  /** @param inner open for reading and writing */
  constructor(inner: OpenFile, options: CheckedFileOptions) {
    super(inner);
    this.#options = options;
    if (options.isNew) this.#pass = options.check.begin(options.name);
  }

  override async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    this.#requireOpen('write');
    this.#look(chunks, position);
    await this.#change(() => super.write(chunks, position));
  }

  #look(chunks: readonly Uint8Array[], position: number): void {
    if (chunks.every(({ length }) => length === 0)) return;
    if (this.#pass === undefined || position !== this.#position) {
      this.#pass = undefined;
      return;
    }
    try {
      for (const chunk of chunks) {
        this.#pass.write(chunk);
        this.#position += chunk.length;
      }
    } catch (error) {
      // What is on the disk decides in the end.
      this.#pass = undefined;
      throw refusedContent(error, this.#options.path);
    }
  }

  override async truncate(size: number): Promise<void> {
    this.#requireOpen('truncate');
    // A write that is still under way may come behind it.
    if (this.#pending.size > 0) this.#pass = undefined;
    else if (size === 0) {
      this.#pass = this.#options.check.begin(this.#options.name);
      this.#position = 0;
    } else if (size !== this.#position) this.#pass = undefined;
    await this.#change(() => super.truncate(size));
  }

  /** After a failure nobody knows what the file holds. */
  async #change(work: () => Promise<void>): Promise<void> {
    const done = work();
    this.#pending.add(done);
    try {
      await done;
    } catch (error) {
      this.#pass = undefined;
      throw error;
    } finally {
      this.#pending.delete(done);
    }
  }

  #requireOpen(operation: string): void {
    if (this.#verdict === undefined) return;
    throw new FileError(this.#options.path, operation, 'EBUSY', { reason: 'its content has been verified' });
  }

  /** The same verdict for everybody who asks. */
  override verify(signal?: AbortSignal): Promise<VerifiedContent> {
    this.#verdict ??= this.#judge(signal);
    return this.#verdict;
  }

  async #judge(signal: AbortSignal | undefined): Promise<VerifiedContent> {
    const { check, name, path } = this.#options;
    await Promise.allSettled(this.#pending);
    const status = await super.status();
    const { size } = status;
    let pass = this.#position === size ? this.#pass : undefined;
    this.#pass = undefined;
    const show = async (other: ContentPass): Promise<void> =>
      await passContent(this.inner, size, other, { path, signal });
    if (pass === undefined) {
      pass = check.begin(name);
      await show(pass);
    }
    const content = await verdictOf(pass, path, show);
    this.#judged = status;
    return content;
  }

  /**
   * Whether this is what is on the disk, and good. False: it is another file, or this one was closed before anybody asked.
   *
   * @throws {FileError} it is not to be used
   */
  async vouchesFor(there: FileStatus): Promise<boolean> {
    if (this.#verdict === undefined && this.#isClosed) return false;
    await this.verify();
    return this.#judged !== undefined && isSameFile(this.#judged, there) && this.#judged.size === there.size;
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    await super.close();
  }
}

export function isSameFile(one: FileStatus, other: FileStatus): boolean {
  return one.device === other.device && one.inode === other.inode;
}

/** A file that stands under a name: its content cannot be changed where it is. */
export class SealedFile extends LayerFile {
  readonly #refused: () => FileError;

  constructor(inner: OpenFile, refused: () => FileError) {
    super(inner);
    this.#refused = refused;
  }

  override async write(): Promise<void> {
    throw this.#refused();
  }

  override async truncate(): Promise<void> {
    throw this.#refused();
  }
}
