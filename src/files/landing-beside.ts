import { FileError } from '../base/errors.ts';
import { besideName, freshToken } from './beside-name.ts';
import type { VerifiedContent } from './content-check.ts';
import type { Directory, OpenFile, SequentialWriter } from './file-system.ts';
import {
  ASIDE_SUFFIX,
  applyAttributes,
  attempt,
  copyThere,
  type Landing,
  type LandingAttributes,
  type LandingOptions,
} from './landing-types.ts';
import { shownPath } from './path.ts';
import { readAhead } from './read-ahead.ts';
import { sequentialWriter } from './write-behind.ts';

const COPY_BYTES = 256 * 1024;

/** What a landing beside the target needs to know. */
export interface BesideParts {
  readonly directory: Directory;
  readonly name: string;
  /** The name that the content has until it is whole. */
  readonly partial: string;
  readonly file: OpenFile;
  /** How much of the content is there from an earlier attempt. */
  readonly offset: number;
  /** The target, open for writing: proof that it may be written, and the way out where a rename is refused. */
  readonly existing: OpenFile | undefined;
  /** `rename` puts the new file in the place of the old one; `copy` keeps the old file, with all its names, and gives it the new content. */
  readonly finish: 'rename' | 'copy';
  /** What to do where the file system renames to free names only. Default: that is an error as it comes. */
  readonly taken?: 'refuse' | 'remove';
}

/** Written beside the target; when it is whole, renamed over it or copied into it. */
export class Beside implements Landing {
  readonly #parts: BesideParts;
  readonly #writer: SequentialWriter;
  readonly #options: LandingOptions;
  /** The target is damaged and the content beside it is all there is. */
  #keep = false;
  /** The content was found to be wrong. */
  #wrong = false;
  readonly #finished: (() => void) | undefined;
  #verified: VerifiedContent | undefined;

  constructor(parts: BesideParts, options: LandingOptions) {
    this.#parts = parts;
    // What goes on where this one breaks off must find a beginning without holes.
    const end = options.resume === undefined ? options.size : undefined;
    this.#writer = sequentialWriter(parts.file, parts.offset, end);
    this.#options = options;
    // What the next attempt goes on with may stay.
    if (options.resume === undefined) this.#finished = parts.directory.unfinished?.();
  }

  get offset(): number {
    return this.#parts.offset;
  }

  get verified(): VerifiedContent | undefined {
    return this.#verified;
  }

  begun(): AsyncIterable<Uint8Array> {
    const { file, offset } = this.#parts;
    return file.contentFrom?.(0, offset) ?? readAhead(file, offset);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#writer.write(chunk);
  }

  async copyFrom(source: OpenFile, size: number, moved: (bytes: number) => void): Promise<boolean> {
    const { file, offset } = this.#parts;
    return await copyThere(source, file, { from: offset, size }, moved);
  }

  async commit(attributes: LandingAttributes): Promise<void> {
    const { directory, existing, file, finish, partial } = this.#parts;
    await this.#writer.flush();
    await this.#checkOwner();
    await this.#check(directory, partial);
    const trouble =
      finish === 'rename'
        ? await this.#rename(attributes)
        : await this.#copyOver(existing as OpenFile, attributes, this.#options.readsBack === true ? file : undefined);
    await file.close();
    await existing?.close();
    if (this.#options.durable === true) await directory.sync();
    this.#finished?.();
    if (trouble !== undefined) throw trouble;
  }

  /**
   * A name that a later attempt finds again can be found by another copy at the same time, which then writes the same file, renames it away, or takes it for unfit and makes its own: what has the name now must be what was written here.
   */
  async #checkOwner(): Promise<void> {
    if (this.#options.resume === undefined) return;
    const { directory, file, name, partial } = this.#parts;
    const [own, there] = await Promise.all([file.status(), directory.status(partial)]);
    const isSame =
      there?.kind === 'file' && there.size === own.size && there.inode === own.inode && there.device === own.device;
    if (isSame) return;
    const reason = 'another copy of the same file has written it at the same time';
    throw new FileError(shownPath(directory.path, name), 'rename', 'EBUSY', { reason });
  }

  /** Only what has no holes is a beginning. Where the connection is lost nothing can be done: the next attempt looks at the end of what is there. */
  async #cutOff(hole: number): Promise<void> {
    const { directory, file, partial } = this.#parts;
    try {
      await this.#checkOwner();
      await file.truncate(hole).catch(() => directory.remove(partial));
    } catch {
      // It belongs to another copy, or cannot be reached.
    }
  }

  async #check(directory: Directory, name: string): Promise<void> {
    try {
      await this.#options.check?.(directory, name);
      this.#verified = await this.#parts.file.verify?.();
    } catch (error) {
      // What is wrong is no beginning of anything.
      this.#wrong = true;
      throw error;
    }
  }

  async #rename(attributes: LandingAttributes): Promise<FileError | undefined> {
    const { directory, existing, file, name, partial } = this.#parts;
    const trouble = await applyAttributes(file, attributes);
    if (this.#options.durable === true) await file.sync();
    await this.#closeWhole();
    try {
      await directory.rename(partial, name);
      return trouble;
    } catch (cause) {
      const error = FileError.from(cause, shownPath(directory.path, name), 'rename');
      const mayBeTaken = this.#parts.taken !== undefined && directory.renameReplaces === false;
      if (mayBeTaken && (await directory.status(name)) !== undefined) return await this.#replace(error, trouble);
      // A file that is itself a mount point cannot be replaced.
      if (existing === undefined || error.code !== 'EBUSY') throw error;
      return await this.#copyOver(existing, attributes);
    }
  }

  async #replace(error: FileError, trouble: FileError | undefined): Promise<FileError | undefined> {
    const { directory, name, partial, taken } = this.#parts;
    if (taken === 'refuse') {
      this.#wrong = true;
      throw new FileError(error.path, 'rename', 'ENOTSUP', {
        cause: error,
        reason: 'the server cannot replace a file in one step (it has no posix-rename@openssh.com)',
        cure: 'leave --atomic out, or remove the old file first',
      });
    }
    // The rename may have failed because the new content is gone: then the old one is all there is.
    if ((await directory.status(partial)) === undefined) throw error;
    const aside = besideName(name, freshToken(), ASIDE_SUFFIX);
    await directory.rename(name, aside);
    try {
      await directory.rename(partial, name);
    } catch (cause) {
      await directory.rename(aside, name).catch(() => {
        const reason = `${error.reason}; the old file is ${shownPath(directory.path, aside)} now`;
        throw new FileError(error.path, 'rename', error.code, { cause, reason });
      });
      throw cause;
    }
    return (await attempt(() => directory.remove(aside))) ?? trouble;
  }

  /** Some servers and file systems tell only here that content was lost: before the old file is. */
  async #closeWhole(): Promise<void> {
    try {
      await this.#parts.file.close();
    } catch (error) {
      this.#wrong = true;
      throw error;
    }
  }

  /** @param part what is beside the target, where it can be read; else it is opened once more */
  async #copyOver(target: OpenFile, attributes: LandingAttributes, part?: OpenFile): Promise<FileError | undefined> {
    const { directory, name, partial } = this.#parts;
    const source = part ?? (await directory.open(partial, { access: 'read', shownAs: name }));
    let release: (() => void) | undefined;
    try {
      release = await this.#options.turns?.object(await target.status());
      await this.#copy(source, target);
      if (this.#options.durable === true) await target.sync();
      this.#keep = false;
    } catch (cause) {
      throw this.#keep ? this.#damaged(FileError.from(cause, target.path, 'write')) : cause;
    } finally {
      release?.();
      await source.close();
    }
    await directory.remove(partial);
    return await applyAttributes(target, attributes);
  }

  /** What is behind the old end goes first: where there is no room for it, the old content is still whole. */
  async #copy(source: OpenFile, target: OpenFile): Promise<void> {
    const [{ size }, { size: oldSize }] = [await source.status(), await target.status()];
    try {
      await copyRange(source, target, oldSize, size);
    } catch (error) {
      await target.truncate(oldSize).catch(() => {
        this.#keep = true;
      });
      throw error;
    }
    this.#keep = true;
    await copyRange(source, target, 0, Math.min(size, oldSize));
    await target.truncate(size);
  }

  #damaged(error: FileError): FileError {
    const whole = shownPath(this.#parts.directory.path, this.#parts.partial);
    const reason = `${error.reason}; it may be half written now, the new content is whole in ${whole}`;
    return new FileError(error.path, error.operation, error.code, { cause: error, reason });
  }

  async discard(): Promise<void> {
    const { directory, existing, file, partial } = this.#parts;
    const resumable = this.#options.resume !== undefined && !this.#wrong;
    // What has come is not to be sent twice.
    if (resumable) await this.#writer.flush().catch(() => {});
    const hole = await this.#writer.abandon();
    if (resumable && hole !== undefined) await this.#cutOff(hole);
    for (const open of [file, existing]) await open?.close().catch(() => {});
    if (!this.#keep && !resumable) await directory.remove(partial).catch((error: unknown) => this.#left(error));
    this.#finished?.();
  }

  #left(error: unknown): void {
    const { directory, partial } = this.#parts;
    if (!(error instanceof FileError) || error.code !== 'ENOENT')
      this.#options.left?.(shownPath(directory.path, partial));
  }
}

async function copyRange(source: OpenFile, target: OpenFile, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  for (let position = from; position < to; ) {
    const count = await source.read(buffer.subarray(0, Math.min(COPY_BYTES, to - position)), position);
    if (count === 0) throw new FileError(source.path, 'read', 'ERR_FILE_CHANGED');
    await target.write([buffer.subarray(0, count)], position);
    position += count;
  }
}
