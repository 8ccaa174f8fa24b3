import { FileError } from '../../base/errors.ts';
import type { Directory, FileStatus, OpenFile, Space } from '../../files/file-system.ts';
import { RunningDigest } from '../../files/running-digest.ts';
import type { Attributes } from '../../sftp/attributes.ts';
import type { ServedFile } from '../../sftp/server/served-files.ts';
import type { FileTransfer, SessionFilesOptions, TransferOutcome } from './options.ts';
import type { Upload } from './upload.ts';

/** A handle on a file that is being uploaded in this session. */
export class UploadHandle implements ServedFile {
  readonly #upload: Upload;
  readonly #access: { readonly reads: boolean; readonly writes: boolean; readonly append: boolean };
  readonly #over: () => void;

  /** @param over called when the upload has ended with this handle */
  constructor(
    upload: Upload,
    access: { readonly reads: boolean; readonly writes: boolean; readonly append: boolean },
    over: () => void,
  ) {
    this.#upload = upload;
    this.#access = access;
    this.#over = over;
    upload.opened(access.writes);
  }

  status(): Promise<FileStatus> {
    return this.#upload.status();
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    if (!this.#access.reads) throw notOpenFor(this.#upload.path, 'read');
    return await this.#upload.read(buffer, position);
  }

  inspect(buffer: Uint8Array, position: number): Promise<number> {
    return this.read(buffer, position);
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    if (!this.#access.writes) throw notOpenFor(this.#upload.path, 'write');
    await this.#upload.write(chunks, this.#access.append ? undefined : position);
  }

  async setAttributes(attributes: Attributes): Promise<void> {
    if (attributes.size !== undefined && !this.#access.writes) throw notOpenFor(this.#upload.path, 'truncate');
    await this.#upload.setAttributes(attributes);
  }

  sync(): Promise<void> {
    return this.#upload.sync();
  }

  space(): Promise<Space> {
    return this.#upload.space();
  }

  async close(): Promise<void> {
    try {
      await this.#upload.closed(this.#access.writes);
    } finally {
      if (this.#upload.over !== undefined) this.#over();
    }
  }
}

export interface PlainParts {
  readonly file: OpenFile;
  /** Where the file is; closed with it. */
  readonly directory: Directory;
  readonly transfer: FileTransfer;
  readonly reads: boolean;
  /** Written where it stands, because nothing can be made beside it. */
  readonly writes: boolean;
  readonly append: boolean;
  /** Of the content when it was opened. Bytes. */
  readonly size: number;
}

/** A handle on a file as it stands. */
export class PlainHandle implements ServedFile {
  readonly #parts: PlainParts;
  readonly #options: SessionFilesOptions;
  readonly #digest: RunningDigest | undefined;
  readonly #over: () => void;
  #failure: Error | undefined;
  #moved = 0;
  #isClosed = false;

  /** @param over called when it is closed */
  constructor(parts: PlainParts, options: SessionFilesOptions, over: () => void) {
    this.#parts = parts;
    this.#options = options;
    this.#over = over;
    this.#digest = options.hashes ? new RunningDigest() : undefined;
  }

  status(): Promise<FileStatus> {
    return this.#parts.file.status();
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const at = await this.inspect(buffer, position);
    if (this.#parts.writes) return at;
    this.#digest?.update(buffer.subarray(0, at), position);
    this.#moved += at;
    this.#parts.transfer.moved(at);
    return at;
  }

  async inspect(buffer: Uint8Array, position: number): Promise<number> {
    const { file, reads } = this.#parts;
    if (!reads) throw notOpenFor(file.path, 'read');
    let at = 0;
    try {
      while (at < buffer.length) {
        const count = await file.read(buffer.subarray(at), position + at);
        if (count === 0) break;
        at += count;
      }
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
    return at;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const { file, writes, append, transfer } = this.#parts;
    if (!writes) throw notOpenFor(file.path, 'write');
    try {
      const start = append ? (await file.status()).size : position;
      await file.write(chunks, start);
      let at = start;
      for (const chunk of chunks) {
        this.#digest?.update(chunk, at);
        at += chunk.length;
      }
      transfer.moved(at - start);
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  async setAttributes({ size, permissions, uid, gid, atimeSeconds, mtimeSeconds }: Attributes): Promise<void> {
    const { file, writes } = this.#parts;
    if (this.#options.readOnly) throw new FileError(file.path, 'set attributes', 'EACCES');
    if (size !== undefined && !writes) throw notOpenFor(file.path, 'truncate');
    if (size !== undefined) {
      await file.truncate(size);
      this.#digest?.resize(size);
    }
    if (uid !== undefined && gid !== undefined && this.#options.owners === 'set') await file.setOwner(uid, gid);
    if (permissions !== undefined) await file.setMode(permissions & this.#options.modeMask);
    if (atimeSeconds !== undefined && mtimeSeconds !== undefined) await file.setTimes(atimeSeconds, mtimeSeconds);
  }

  async sync(): Promise<void> {
    await this.#parts.file.sync();
  }

  space(): Promise<Space> {
    return this.#parts.directory.space();
  }

  async close(): Promise<void> {
    await this.#end(false);
  }

  /** The session ended first. Never throws. */
  async cut(): Promise<void> {
    await this.#end(true).catch(() => {});
  }

  async #end(isCut: boolean): Promise<void> {
    const { file, directory, transfer, writes } = this.#parts;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#over();
    const size = await file.status().then(
      (status) => status.size,
      () => undefined,
    );
    try {
      if (writes && this.#options.durable) await file.sync();
      await file.close();
    } catch (error) {
      this.#failure ??= error as Error;
      throw error;
    } finally {
      await directory.close().catch(() => {});
      const outcome = this.#outcome(isCut, size);
      const isWhole = outcome === 'complete' && size !== undefined;
      transfer.ended(outcome, isWhole ? this.#digest?.of(size) : undefined, this.#failure);
    }
  }

  #outcome(isCut: boolean, size: number | undefined): TransferOutcome {
    if (this.#failure !== undefined) return 'failed';
    if (isCut) return 'cut';
    const wanted = Math.min(this.#parts.size, size ?? this.#parts.size);
    return this.#parts.writes || this.#moved >= wanted ? 'complete' : 'partial';
  }
}

function notOpenFor(path: string, operation: string): FileError {
  // What read(2) and write(2) say; OpenSSH's server reports it so.
  return new FileError(path, operation, 'EBADF');
}
