import { FileError } from '../base/errors.ts';
import { BATCH_BYTES, giveBatchBack, takeBatch } from './batch-memory.ts';
import type { OpenFile, SequentialWriter } from './file-system.ts';

/** As many bytes may wait or be under way before the producer is held back. */
const MAX_PENDING_BYTES: number = 4 * BATCH_BYTES;

/** A file that has no more than this is not worth a batch. */
const SMALL_BYTES: number = 16 * 1024;

/**
 * Writes a file from its start to its end, behind its producer's back: chunks are copied into batches and written together, one write at a time, while the next ones come in. A chunk may change as soon as {@link write} has returned.
 * Memory is bounded by MAX_PENDING_BYTES and one chunk.
 */
export class WriteBehind implements SequentialWriter {
  readonly #file: OpenFile;
  /** Copies of the first chunks, as long as they are few bytes. */
  #small: Uint8Array[] = [];
  #smallBytes = 0;
  /** The batch that is being filled, and how far. */
  #batch: Buffer | undefined;
  #filled = 0;
  /** Full batches that wait for their turn. */
  #full: Buffer[] = [];
  /** Waiting or under way. */
  #pendingBytes = 0;
  #position = 0;
  /** The write under way. It never rejects: its error waits in #error. */
  #writing: Promise<void> | undefined;
  #error: FileError | undefined;

  /** @param position where in the file the first chunk goes */
  constructor(file: OpenFile, position = 0) {
    this.#file = file;
    this.#position = position;
  }

  /** @throws {FileError} the first error of an earlier write. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#error) throw this.#error;
    this.#pendingBytes += chunk.length;
    if (this.#batch === undefined && this.#smallBytes + chunk.length <= SMALL_BYTES) {
      this.#small.push(Buffer.from(chunk));
      this.#smallBytes += chunk.length;
      return undefined;
    }
    const small = this.#small;
    this.#small = [];
    this.#smallBytes = 0;
    for (const piece of small) this.#copy(piece);
    this.#copy(chunk);
    if (this.#writing === undefined) this.#start();
    return this.#pendingBytes >= MAX_PENDING_BYTES ? this.#settled() : undefined;
  }

  #copy(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      this.#batch ??= takeBatch();
      const count = Math.min(chunk.length - at, BATCH_BYTES - this.#filled);
      this.#batch.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), this.#filled);
      at += count;
      this.#filled += count;
      if (this.#filled < BATCH_BYTES) return;
      this.#full.push(this.#batch);
      this.#batch = undefined;
      this.#filled = 0;
    }
  }

  /** Writes the next full batch, if there is one. */
  #start(): void {
    const batch = this.#full.shift();
    if (batch === undefined) return;
    this.#write([batch], BATCH_BYTES, () => giveBatchBack(batch));
  }

  #write(pieces: readonly Uint8Array[], length: number, done: () => void): void {
    const position = this.#position;
    this.#position += length;
    this.#writing = this.#file.write(pieces, position).then(
      () => {
        this.#writing = undefined;
        this.#pendingBytes -= length;
        done();
        this.#start();
      },
      (error: unknown) => {
        this.#error = FileError.from(error, this.#file.path, 'write');
        this.#writing = undefined;
        done();
      },
    );
  }

  async #settled(): Promise<void> {
    while (this.#writing !== undefined && this.#pendingBytes >= MAX_PENDING_BYTES) await this.#writing;
    if (this.#error) throw this.#error;
  }

  /**
   * Writes what is left.
   *
   * @returns the position behind what was written
   * @throws {FileError}
   */
  async flush(): Promise<number> {
    await this.#idle();
    const batch = this.#batch;
    if (batch !== undefined && this.#filled > 0) {
      this.#write([batch.subarray(0, this.#filled)], this.#filled, () => giveBatchBack(batch));
    } else if (this.#smallBytes > 0) {
      this.#write(this.#small, this.#smallBytes, () => {});
    }
    this.#batch = undefined;
    this.#filled = 0;
    this.#small = [];
    this.#smallBytes = 0;
    await this.#idle();
    return this.#position;
  }

  async #idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#error) throw this.#error;
  }

  /** Waits for the write under way and forgets the rest, so that the file can be closed. Never throws. One write at a time leaves no holes. */
  async abandon(): Promise<undefined> {
    this.#full = [];
    this.#batch = undefined;
    this.#filled = 0;
    this.#small = [];
    this.#smallBytes = 0;
    await this.#idle().catch(() => {});
  }
}

/** A writer for a file: its own, where it has one. @param end where the content is going to end, where that is known */
export function sequentialWriter(file: OpenFile, position = 0, end?: number): SequentialWriter {
  return file.writerFrom?.(position, end) ?? new WriteBehind(file, position);
}
