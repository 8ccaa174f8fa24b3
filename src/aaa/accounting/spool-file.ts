import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { FileError } from '../../base/errors.ts';

const { O_RDWR, O_APPEND, O_CREAT, O_EXCL } = constants;
// Not on every system. A FIFO of that name must not hold up the server.
const NO_SURPRISE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const LINE_FEED = 0x0a;

/** One file of a spool, of lines. All calls are synchronous; those that touch the disk throw the system's errors. */
export class SpoolFile {
  #path: string;
  readonly #descriptor: number;
  #size: number;
  /** It does not end with a line feed: a write came to an end too early. */
  #isTorn = false;

  private constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    this.#size = status.size;
  }

  /** Makes a file with mode 0600. */
  static make(path: string): SpoolFile {
    return SpoolFile.#open(path, O_CREAT | O_EXCL);
  }

  /** Opens one that is there. */
  static open(path: string): SpoolFile {
    const file = SpoolFile.#open(path, 0);
    file.#isTorn = file.#size > 0 && file.read(file.#size - 1, 1)[0] !== LINE_FEED;
    return file;
  }

  static #open(path: string, flags: number): SpoolFile {
    const descriptor = openSync(path, O_RDWR | O_APPEND | NO_SURPRISE | flags, 0o600);
    try {
      return new SpoolFile(path, descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  get path(): string {
    return this.#path;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** Appends whole lines with one write. What was written of them in part is taken back, or cannot become part of the next line. */
  append(lines: Buffer): void {
    const bytes = this.#isTorn ? Buffer.concat([Buffer.from([LINE_FEED]), lines]) : lines;
    let written = 0;
    try {
      written = writeSync(this.#descriptor, bytes);
    } finally {
      if (written < bytes.length) this.#takeBack(written);
    }
    if (written < bytes.length) throw Object.assign(new Error('not enough room'), { code: 'ENOSPC' });
    this.#size += written;
    this.#isTorn = false;
  }

  #takeBack(written: number): void {
    try {
      ftruncateSync(this.#descriptor, this.#size);
    } catch {
      this.#size += written;
      this.#isTorn ||= written > 0;
    }
  }

  /** Up to `length` bytes from an offset on; fewer at the end alone. */
  read(from: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.min(length, Math.max(0, this.#size - from)));
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(this.#descriptor, bytes, filled, bytes.length - filled, from + filled);
      if (count === 0) throw new FileError(this.#path, 'read', 'ERR_FILE_CHANGED');
      filled += count;
    }
    return bytes;
  }

  rename(path: string): void {
    renameSync(this.#path, path);
    this.#path = path;
  }

  /** Does not throw: what was written was written. */
  close(): void {
    try {
      closeSync(this.#descriptor);
    } catch {
      // The descriptor is gone all the same.
    }
  }

  /** Closes and removes it. */
  remove(): void {
    this.close();
    rmSync(this.#path, { force: true });
  }
}
