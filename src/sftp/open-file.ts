import { ProtocolError } from '../base/errors.ts';
import type { Access, ContentOptions, FileStatus, OpenFile, SequentialWriter } from '../files/file-system.ts';
import { statusOf } from './file-status.ts';
import type { SftpHandle } from './handle.ts';
import { FAR_MS, type FurtherSessions, MIN_SPREAD_BYTES } from './lanes.ts';
import { named, renamed } from './named.ts';
import { readPipeline } from './read-pipeline.ts';
import type { SftpSession } from './session.ts';
import { requireWireTimes } from './wire-times.ts';
import { WritePipeline } from './write-pipeline.ts';

/** An open file of a server. Requests go out at once, in the order of the calls: setTimes() and close() may be called while a flush() is under way. */
export class SftpFile implements OpenFile {
  readonly path: string;
  readonly #session: SftpSession;
  readonly #handle: SftpHandle;
  readonly #access: Access;
  readonly #further: FurtherSessions | undefined;
  #closing: Promise<void> | undefined;

  /** @param path how messages name the file */
  constructor(
    session: SftpSession,
    handle: SftpHandle,
    path: string,
    { access, further }: { readonly access: Access; readonly further?: FurtherSessions | undefined },
  ) {
    this.#session = session;
    this.#access = access;
    this.#further = further;
    this.#handle = handle;
    this.path = path;
  }

  async status(): Promise<FileStatus> {
    return statusOf(await named(this.path, 'stat', this.#session.fstat(this.#handle)));
  }

  /** One READ of at most the server's maximum. */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    const length = Math.min(buffer.length, this.#session.limits.maxReadBytes);
    if (length === 0) return 0;
    // An answer without a byte says nothing, so it is asked for once more.
    for (let tries = 0; tries < 2; tries++) {
      const pieces = await named(this.path, 'read', this.#session.read(this.#handle, position, length));
      if (pieces === undefined) return 0;
      let at = 0;
      for (const piece of pieces) {
        buffer.set(piece, at);
        at += piece.length;
      }
      if (at > 0) return at;
    }
    const error = new ProtocolError('protocol error: the server answers READ with no data');
    this.#session.fail(error);
    throw error;
  }

  async copyTo(target: OpenFile, position: number, length: number): Promise<boolean> {
    if (!(target instanceof SftpFile) || target.#session !== this.#session || !this.#session.has('copy-data'))
      return false;
    const range = { fromPosition: position, toPosition: position, length };
    await named(
      target.path,
      'copy',
      this.#session.extensions.copyData({ from: this.#handle, to: target.#handle, ...range }),
    );
    return true;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const writer = this.writerFrom(position);
    try {
      for (const chunk of chunks) await writer.write(chunk);
      await writer.flush();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  /**
   * The content with many READs in flight. A size of 0 or Infinity means that the size is not known (files of /proc are of size 0): reads to the end of the file then.
   */
  contentFrom(
    position: number,
    size: number,
    { beyond, asked, keeps }: ContentOptions = {},
  ): AsyncIterable<Uint8Array> {
    return readPipeline(this.#session, this.#handle, {
      position,
      size,
      beyond,
      asked,
      keeps,
      failed: (error) => renamed(error, this.path, 'read'),
      further: this.#furtherFor(size),
    });
  }

  /** Further sessions are of use where content is large and the way is long. */
  #furtherFor(bytes: number): FurtherSessions | undefined {
    const isLarge = Number.isFinite(bytes) && bytes >= MIN_SPREAD_BYTES;
    return isLarge && this.#session.roundTripMs >= FAR_MS ? this.#further : undefined;
  }

  writerFrom(position: number, end?: number): SequentialWriter {
    return new WritePipeline(this.#session, this.#handle, {
      position,
      end,
      further: end === undefined ? undefined : this.#furtherFor(end - position),
      failed: (error) => renamed(error, this.path, 'write'),
    });
  }

  truncate(size: number): Promise<void> {
    return named(this.path, 'truncate', this.#session.fsetstat(this.#handle, { size }));
  }

  setMode(mode: number): Promise<void> {
    return named(this.path, 'set mode', this.#session.fsetstat(this.#handle, { permissions: mode & 0o7777 }));
  }

  setOwner(uid: number, gid: number): Promise<void> {
    return named(this.path, 'set owner', this.#session.fsetstat(this.#handle, { uid, gid }));
  }

  /** Whole seconds. @throws {FileError} EOVERFLOW for times before 1970 and after 2106 */
  async setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    requireWireTimes(this.path, { atimeSeconds, mtimeSeconds });
    await named(this.path, 'set times', this.#session.fsetstat(this.#handle, { atimeSeconds, mtimeSeconds }));
  }

  /** With fsync@openssh.com. Without it nothing can be done and this resolves: ask `session.has('fsync@openssh.com')` where it matters. */
  async sync(): Promise<void> {
    if (!this.#session.has('fsync@openssh.com')) return;
    await named(this.path, 'sync', this.#session.extensions.fsync(this.#handle));
  }

  /**
   * For a file that was written: an error tells that content was lost, and a second call gives the same outcome as the first. For a file that was only read the answer says nothing, so it is not
   * waited for.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = named(this.path, 'close', this.#session.closeHandle(this.#handle));
    if (this.#access !== 'read') await closed;
    else closed.catch(() => {});
  }
}
