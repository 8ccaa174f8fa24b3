import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { FileError } from '../base/errors.ts';
import type { FileKind, FileStatus, OpenFile } from './file-system.ts';

/** Linux takes at most 1,024 buffers in one writev(2). */
const MAX_VECTORS = 1024;

/** A file of this machine. */
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
    let at = position;
    let pending = chunks.filter((chunk) => chunk.length > 0);
    while (pending.length > 0) {
      const batch = pending.slice(0, MAX_VECTORS);
      const bytesWritten = await this.#writeBatch(batch, at);
      if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
      at += bytesWritten;
      pending = [...dropBytes(batch, bytesWritten), ...pending.slice(MAX_VECTORS)];
    }
  }

  async #writeBatch(batch: readonly Uint8Array[], at: number): Promise<number> {
    try {
      return (await this.#handle.writev([...batch], this.#sequential ? undefined : at)).bytesWritten;
    } catch (error) {
      if (this.#sequential || (error as NodeJS.ErrnoException).code !== 'ESPIPE') throw error;
      this.#sequential = true;
      return await this.#writeBatch(batch, at);
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
    await this.#run('close', () => this.#handle.close());
  }
}

/** What is left of `chunks` once `count` bytes of them have been written. */
function dropBytes(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left < chunk.length) rest.push(left === 0 ? chunk : chunk.subarray(left));
    left = Math.max(0, left - chunk.length);
  }
  return rest;
}

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

/** The status that node:fs reports, in our terms. */
export function statusOf(stats: Stats): FileStatus {
  return {
    kind: kindOf(stats),
    mode: stats.mode & 0o7777,
    size: stats.size,
    mtimeSeconds: stats.mtimeMs / 1000,
    atimeSeconds: stats.atimeMs / 1000,
    device: stats.dev,
    inode: stats.ino,
    links: stats.nlink,
    uid: stats.uid,
    gid: stats.gid,
  };
}
