import { FileError } from '../../base/errors.ts';
import type { VerifiedContent } from '../../files/content-check.ts';
import type { Directory, FileStatus, OpenFile, Space } from '../../files/file-system.ts';
import { Overlay } from '../../files/overlay.ts';
import { joinPath } from '../../files/path.ts';
import type { Attributes } from '../../sftp/attributes.ts';
import type { KeptUploads } from './kept.ts';
import type { FileTransfer, SessionFilesOptions } from './options.ts';

/** Where something is, or is to be. */
export interface Spot {
  readonly directory: Directory;
  readonly name: string;
}

export interface UploadParts {
  readonly target: Spot;
  /** The file beside the target. */
  readonly part: Spot & { readonly file: OpenFile; readonly length: number };
  /** The file that stands at the target, open; undefined where the name is new. */
  readonly old: OpenFile | undefined;
  /** How much of the old content shows behind the new. */
  readonly oldBytes: number;
  /** The name must still be free at the end. */
  readonly exclusive: boolean;
  readonly transfer: FileTransfer;
}

/**
 * A file that is being written by a session. Its content is beside the target until the last handle that may write is closed; then it is made durable and takes the name in one step. Until then the name shows its old content, or nothing, to everybody but the
 * session itself.
 */
export class Upload {
  readonly #options: SessionFilesOptions;
  readonly #kept: KeptUploads;
  readonly #part: UploadParts['part'];
  readonly #old: OpenFile | undefined;
  readonly #overlay: Overlay;
  readonly #transfer: FileTransfer;
  readonly #directories: Set<Directory> = new Set();
  #target: Spot;
  #exclusive: boolean;
  #writers = 0;
  #handles = 0;
  /** Its name was taken away: what is written goes nowhere. */
  #detached = false;
  /** It is to get another name than the one it was opened with. */
  #isMoved = false;
  #mode: number | undefined;
  #times: { readonly atimeSeconds: number; readonly mtimeSeconds: number } | undefined;
  /** What its content was found to be, where only verified content lands. */
  #content: VerifiedContent | undefined;
  #ending: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: UploadParts, options: SessionFilesOptions, kept: KeptUploads) {
    const { part, old, oldBytes } = parts;
    this.#options = options;
    this.#kept = kept;
    this.#target = parts.target;
    this.#part = part;
    this.#old = old;
    this.#exclusive = parts.exclusive;
    this.#transfer = parts.transfer;
    this.#overlay = new Overlay({
      part: part.file,
      filled: part.length,
      old: old === undefined ? undefined : { file: old, size: oldBytes },
      hashes: options.hashes,
      signal: options.signal,
    });
    this.#directories.add(parts.target.directory).add(part.directory);
  }

  get path(): string {
    return joinPath(this.#target.directory.path, this.#target.name);
  }

  /** Set once the end has begun: resolves, whatever the end is, when it is over. */
  get over(): Promise<void> | undefined {
    return this.#ending?.catch(() => {});
  }

  // What its handles do

  opened(writes: boolean): void {
    this.#handles++;
    if (writes) this.#writers++;
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return this.#overlay.read(buffer, position);
  }

  /** @param position undefined: at the end */
  async write(chunks: readonly Uint8Array[], position: number | undefined): Promise<void> {
    await this.#overlay.write(chunks, position);
    for (const { length } of chunks) this.#transfer.moved(length);
  }

  truncate(size: number): Promise<void> {
    return this.#overlay.truncate(size);
  }

  async status(): Promise<FileStatus> {
    const shows = this.#overlay.isChanged ? this.#part.file : (this.#old ?? this.#part.file);
    const status = await shows.status();
    return {
      ...status,
      links: 1,
      size: this.#overlay.size,
      mode: this.#mode ?? (await this.#part.file.status()).mode,
      ...this.#times,
    };
  }

  async setAttributes({ size, permissions, uid, gid, atimeSeconds, mtimeSeconds }: Attributes): Promise<void> {
    if (size !== undefined) await this.truncate(size);
    if (uid !== undefined && gid !== undefined && this.#options.owners === 'set')
      await this.#part.file.setOwner(uid, gid);
    if (permissions !== undefined) {
      this.#mode = permissions & this.#options.modeMask;
      await this.#part.file.setMode(this.#mode);
    }
    // They are set at the end: every write would change them again.
    if (atimeSeconds !== undefined && mtimeSeconds !== undefined) this.#times = { atimeSeconds, mtimeSeconds };
  }

  async sync(): Promise<void> {
    await this.#overlay.settled();
    await this.#part.file.sync();
  }

  space(): Promise<Space> {
    return this.#target.directory.space();
  }

  /** A handle is closed. The last one that may write ends the upload. @throws {FileError} the content did not land */
  async closed(writes: boolean): Promise<void> {
    this.#handles--;
    if (writes) this.#writers--;
    try {
      if (writes && this.#writers === 0) {
        this.#ending = this.#commit();
        await this.#ending;
      }
    } finally {
      await this.#closeFiles();
    }
  }

  // What happens to its name

  /** The name was removed, or given to another file. */
  detach(): void {
    this.#detached = true;
  }

  /** The upload gets another name. It closes the directory at its end. */
  move(target: Spot, exclusive: boolean): void {
    this.#directories.add(target.directory);
    this.#target = target;
    this.#exclusive = exclusive;
    this.#isMoved = true;
  }

  /** The session is over. Never throws. */
  async abandon(): Promise<void> {
    if (this.#ending === undefined) {
      this.#ending = this.#leave();
    }
    this.#handles = 0;
    await this.over;
    await this.#closeFiles();
  }

  // The end

  async #commit(): Promise<void> {
    try {
      await this.#overlay.settled();
      if (this.#overlay.failure !== undefined) throw this.#overlay.failure;
      if (this.#detached) await this.#discard();
      else if (this.#old !== undefined && !this.#overlay.isChanged) await this.#changeNothing();
      else await this.#land();
    } catch (error) {
      await this.#discard();
      this.#transfer.ended(this.#failed(), undefined, error as Error);
      throw error instanceof FileError ? renamedError(error, this.path) : error;
    }
    this.#transfer.ended('complete', this.#detached ? undefined : this.#overlay.sha256, undefined, this.#content);
  }

  async #land(): Promise<void> {
    const { file } = this.#part;
    await this.#overlay.complete();
    this.#content = await file.verify?.(this.#options.signal);
    // Modes and times that cannot be set are no reason to lose content; the client was told when it asked for the mode.
    if (this.#times !== undefined)
      await file.setTimes(this.#times.atimeSeconds, this.#times.mtimeSeconds).catch(() => {});
    if (this.#options.durable) await file.sync();
    await this.#takeName();
    if (!this.#options.durable) return;
    await this.#target.directory.sync();
    if (this.#part.directory !== this.#target.directory) await this.#part.directory.sync();
  }

  async #takeName(): Promise<void> {
    const { directory, name } = this.#part;
    const target = this.#target;
    if (this.#exclusive) {
      if (await this.#linkName()) {
        await directory.remove(name).catch((error: Error) => this.#options.observer.failed(error));
        return;
      }
      if ((await target.directory.status(target.name)) !== undefined) throw new FileError(this.path, 'open', 'EEXIST');
    }
    await directory.rename(name, target.name, target.directory);
    if (this.#old === undefined) await this.#kept.forget(target.directory, target.name);
  }

  /** @returns false where the file system has no hard links @throws {FileError} EEXIST */
  async #linkName(): Promise<boolean> {
    const { directory, name } = this.#target;
    try {
      await this.#part.directory.makeHardLink(this.#part.name, name, directory);
      return true;
    } catch (error) {
      if (error instanceof FileError && ['EPERM', 'ENOTSUP', 'EMLINK'].includes(error.code)) return false;
      throw error;
    }
  }

  /** Opened for writing and never written: the file stays what it was. */
  async #changeNothing(): Promise<void> {
    const attributes = { mode: this.#mode, times: this.#times };
    await this.#discard();
    if (this.#mode !== undefined || this.#times !== undefined)
      await this.#target.directory.setAttributes(this.#target.name, attributes);
  }

  async #discard(): Promise<void> {
    await this.#part.directory.remove(this.#part.name).catch(() => {});
  }

  /** What has come of a new file is kept for the same user; of one that has old content, or was given another name meanwhile, nothing. */
  async #leave(): Promise<void> {
    await this.#overlay.settled();
    const { solidLength, failure } = this.#overlay;
    const isNew = this.#old === undefined && !this.#isMoved;
    const isOfUse = isNew && !this.#detached && failure === undefined && solidLength > 0;
    if (!isOfUse || !(await this.#keep(solidLength))) await this.#discard();
    this.#transfer.ended(failure === undefined ? 'cut' : this.#failed(), undefined, failure);
  }

  /** What fails once everything was told to stop was cut off. */
  #failed(): 'failed' | 'cut' {
    return this.#options.signal?.aborted === true ? 'cut' : 'failed';
  }

  async #keep(length: number): Promise<boolean> {
    const { directory, name, file } = this.#part;
    const target = this.#target;
    try {
      if ((await target.directory.status(target.name)) !== undefined) return false;
      await file.truncate(length);
      // It is kept beyond a crash of the system, and must have no holes then.
      await file.sync();
      await directory.rename(name, this.#kept.nameOf(target.name), target.directory);
      return true;
    } catch {
      return false;
    }
  }

  async #closeFiles(): Promise<void> {
    if (this.#handles > 0 || this.#ending === undefined || this.#isClosed) return;
    this.#isClosed = true;
    // The content is safe by now; an error of close(2) would say nothing new.
    for (const open of [this.#part.file, this.#old, ...this.#directories]) await open?.close().catch(() => {});
  }
}

function renamedError(error: FileError, path: string): FileError {
  const { operation, code, reason, cure } = error;
  return new FileError(path, operation, code, { cause: error, reason, ...(cure === undefined ? {} : { cure }) });
}
