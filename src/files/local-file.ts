import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileError } from '../base/errors.ts';
import { descriptors } from './descriptors.ts';
import type { FileKind, FileStatus, OpenFile, SpecialKind } from './file-system.ts';

/** The longest pause before a full FIFO is tried again. Milliseconds. */
const MAX_RETRY_MS = 50;

/** Linux takes at most 1,024 buffers in one writev(2). */
const MAX_VECTORS = 1024;

/** A file of this machine. Its descriptor was taken from {@link descriptors}, which gets it back. */
export class LocalFile implements OpenFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #closed = false;
  /** FIFOs, sockets and terminals have no positions: what is written to them goes to the end. */
  #sequential = false;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.path = path;
  }

  async #run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw FileError.from(cause, this.path, operation);
    }
  }

  async status(): Promise<FileStatus> {
    return await this.#run('stat', async () => statusOf(await this.#handle.stat()));
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    return await this.#run('read', async () => (await this.#handle.read(buffer, 0, buffer.length, position)).bytesRead);
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.#run('write', () => this.#writeAll(chunks, position));
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
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      try {
        const { bytesWritten } = await this.#handle.writev([...batch], this.#sequential ? undefined : at);
        if (bytesWritten > 0) return bytesWritten;
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
    await this.#run('truncate', () => this.#handle.truncate(size));
  }

  async setMode(mode: number): Promise<void> {
    await this.#run('set mode', () => this.#handle.chmod(mode));
  }

  async setOwner(uid: number, gid: number): Promise<void> {
    await this.#run('set owner', () => this.#handle.chown(uid, gid));
  }

  async setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    await this.#run('set times', () => this.#handle.utimes(atimeSeconds, mtimeSeconds));
  }

  async sync(): Promise<void> {
    await this.#run('sync', () => this.#handle.sync());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#run('close', () => this.#handle.close()).finally(() => descriptors.release());
  }
}

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

function specialOf(stats: Stats): SpecialKind | undefined {
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'character device';
  return stats.isBlockDevice() ? 'block device' : undefined;
}

/** The status that node:fs reports, in our terms. */
export function statusOf(stats: Stats): FileStatus {
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
