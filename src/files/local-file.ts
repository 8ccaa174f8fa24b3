import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FileError } from '../base/errors.ts';
import { descriptors } from './descriptors.ts';
import type { FileKind, FileStatus, OpenFile, SpecialKind } from './file-system.ts';
import { QUICK_CONTENT_BYTES, type QuickCalls } from './quick-calls.ts';

/** The longest pause before a full FIFO is tried again. Milliseconds. */
const MAX_RETRY_MS = 50;

/** Linux takes at most 1,024 buffers in one writev(2). */
const MAX_VECTORS = 1024;

const later = {
  fstat: promisify(fs.fstat) as (descriptor: number) => Promise<fs.Stats>,
  read: promisify(fs.read),
  writev: promisify(fs.writev),
  ftruncate: promisify(fs.ftruncate),
  fchmod: promisify(fs.fchmod),
  fchown: promisify(fs.fchown),
  futimes: promisify(fs.futimes),
  fsync: promisify(fs.fsync),
  close: promisify(fs.close),
};

/** A file of this machine. Its descriptor was taken from {@link descriptors}, which gets it back. */
export class LocalFile implements OpenFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #quick: QuickCalls | undefined;
  #closed = false;
  /** Calls under way: the number may stand for another file as soon as it is closed. */
  #calls = 0;
  #idle: (() => void) | undefined;
  /** FIFOs, sockets and terminals have no positions: what is written to them goes to the end. */
  #sequential = false;

  /** @param descriptor an open one, which this closes and nobody else */
  constructor(descriptor: number, path: string, quick?: QuickCalls) {
    this.#descriptor = descriptor;
    this.path = path;
    this.#quick = quick;
  }

  /** One call on the descriptor: on the spot, or in another thread. @throws {FileError} */
  async #call<T>(
    operation: string,
    now: ((descriptor: number) => T) | undefined,
    there: (descriptor: number) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#system(now, there);
    } catch (cause) {
      throw FileError.from(cause, this.path, operation);
    }
  }

  #system<T>(now: ((descriptor: number) => T) | undefined, there: (descriptor: number) => Promise<T>): T | Promise<T> {
    if (this.#closed) throw Object.assign(new Error('file closed'), { code: 'EBADF' });
    if (now !== undefined && this.#quick?.mayBeQuick === true) return this.#quick.run(() => now(this.#descriptor));
    return this.#elsewhere(there);
  }

  async #elsewhere<T>(there: (descriptor: number) => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await there(this.#descriptor);
    } finally {
      if (--this.#calls === 0) this.#idle?.();
    }
  }

  async status(): Promise<FileStatus> {
    return statusOf(await this.#call('stat', statNow, later.fstat));
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const { length } = buffer;
    return await this.#call(
      'read',
      length > QUICK_CONTENT_BYTES ? undefined : (descriptor) => fs.readSync(descriptor, buffer, 0, length, position),
      async (descriptor) => (await later.read(descriptor, buffer, 0, length, position)).bytesRead,
    );
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    try {
      await this.#writeAll(chunks, position);
    } catch (cause) {
      throw FileError.from(cause, this.path, 'write');
    }
  }

  async #writeAll(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const pending = chunks.filter((chunk) => chunk.length > 0);
    let at = position;
    for (let first = 0; first < pending.length; ) {
      const written = await this.#writeBatch(pending.slice(first, first + MAX_VECTORS), at);
      at += written;
      let left = written;
      for (let chunk = pending[first]; chunk !== undefined && left > 0; chunk = pending[first]) {
        if (left < chunk.length) pending[first] = chunk.subarray(left);
        else first++;
        left -= Math.min(left, chunk.length);
      }
    }
  }

  /** Writes some of the bytes, at least one. A FIFO, socket or terminal that is full is tried again until the file is closed. */
  async #writeBatch(batch: readonly Uint8Array[], at: number): Promise<number> {
    const isShort = batch.reduce((sum, { length }) => sum + length, 0) <= QUICK_CONTENT_BYTES;
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      try {
        const position = this.#sequential ? undefined : at;
        const written = await this.#system(
          isShort ? (descriptor) => fs.writevSync(descriptor, batch, position) : undefined,
          async (descriptor) => (await later.writev(descriptor, batch, position)).bytesWritten,
        );
        if (written > 0) return written;
        throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ESPIPE' && !this.#sequential) this.#sequential = true;
        else if (code === 'EAGAIN' && !this.#closed) await sleep(waitMs);
        else throw error;
      }
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#call('truncate', undefined, (descriptor) => later.ftruncate(descriptor, size));
  }

  async setMode(mode: number): Promise<void> {
    const now = (descriptor: number): void => fs.fchmodSync(descriptor, mode);
    await this.#call('set mode', now, (descriptor) => later.fchmod(descriptor, mode));
  }

  async setOwner(uid: number, gid: number): Promise<void> {
    await this.#call('set owner', undefined, (descriptor) => later.fchown(descriptor, uid, gid));
  }

  async setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    const now = (descriptor: number): void => fs.futimesSync(descriptor, atimeSeconds, mtimeSeconds);
    await this.#call('set times', now, (descriptor) => later.futimes(descriptor, atimeSeconds, mtimeSeconds));
  }

  async sync(): Promise<void> {
    await this.#call('sync', undefined, later.fsync);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#calls > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    try {
      const quick = this.#quick;
      if (quick?.mayBeQuick === true) quick.run(() => fs.closeSync(this.#descriptor));
      else await later.close(this.#descriptor);
    } catch (cause) {
      throw FileError.from(cause, this.path, 'close');
    } finally {
      descriptors.release();
    }
  }
}

/** Without the choice of 64-bit numbers that node:fs gives. */
function statNow(descriptor: number): fs.Stats {
  return fs.fstatSync(descriptor);
}

function kindOf(stats: fs.Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

function specialOf(stats: fs.Stats): SpecialKind | undefined {
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'character device';
  return stats.isBlockDevice() ? 'block device' : undefined;
}

/** The status that node:fs reports, in our terms. */
export function statusOf(stats: fs.Stats): FileStatus {
  const kind = kindOf(stats);
  return {
    kind,
    ...(kind === 'other' ? { special: specialOf(stats) } : {}),
    mode: stats.mode & 0o7777,
    size: stats.size,
    mtimeSeconds: stats.mtimeMs / 1000,
    atimeSeconds: stats.atimeMs / 1000,
    ctimeSeconds: stats.ctimeMs / 1000,
    device: stats.dev,
    inode: stats.ino,
    links: stats.nlink,
    uid: stats.uid,
    gid: stats.gid,
  };
}
