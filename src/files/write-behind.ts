import { FileError } from '../base/errors.ts';
import type { OpenFile, SequentialWriter } from './file-system.ts';

/** Chunks are collected to this many bytes before they are written. */
const BATCH_BYTES = 512 * 1024;

/** As many bytes may wait or be under way before the producer is held back. */
const MAX_PENDING_BYTES = 4 * BATCH_BYTES;

/**
 * Writes a file from its start to its end, behind its producer's back: small chunks are collected and written together, one write at a time, while the next ones come in.
 * Memory is bounded by MAX_PENDING_BYTES and one chunk.
 */
export class WriteBehind implements SequentialWriter {
  readonly #file: OpenFile;
  #collected: Uint8Array[] = [];
  #collectedBytes = 0;
  #position = 0;
  /** The write under way. It never rejects: its error waits in #error. */
  #writing: Promise<void> | undefined;
  #error: FileError | undefined;

  /** @param position where in the file the first chunk goes */
  constructor(file: OpenFile, position = 0) {
    this.#file = file;
    this.#position = position;
  }

  /** Takes over the chunk. @throws {FileError} the first error of an earlier write. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#error) throw this.#error;
    this.#collected.push(chunk);
    this.#collectedBytes += chunk.length;
    if (this.#collectedBytes < BATCH_BYTES) return undefined;
    if (this.#writing === undefined) this.#start();
    return this.#collectedBytes >= MAX_PENDING_BYTES ? this.#settled() : undefined;
  }

  #start(): void {
    const batch = this.#collected;
    const position = this.#position;
    this.#position += this.#collectedBytes;
    this.#collected = [];
    this.#collectedBytes = 0;
    this.#writing = this.#file.write(batch, position).then(
      () => this.#finished(),
      (error: unknown) => {
        this.#error = FileError.from(error, this.#file.path, 'write');
        this.#writing = undefined;
      },
    );
  }

  #finished(): void {
    this.#writing = undefined;
    if (this.#collectedBytes >= BATCH_BYTES) this.#start();
  }

  async #settled(): Promise<void> {
    while (this.#writing !== undefined && this.#collectedBytes >= MAX_PENDING_BYTES) await this.#writing;
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
    if (this.#collectedBytes > 0) {
      this.#start();
      await this.#idle();
    }
    return this.#position;
  }

  async #idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#error) throw this.#error;
  }

  /** Waits for the write under way and forgets the rest, so that the file can be closed. Never throws. One write at a time leaves no holes. */
  async abandon(): Promise<undefined> {
    this.#collected = [];
    this.#collectedBytes = 0;
    await this.#idle().catch(() => {});
  }
}

/** A writer for a file: its own, where it has one. @param end where the content is going to end, where that is known */
export function sequentialWriter(file: OpenFile, position = 0, end?: number): SequentialWriter {
  return file.writerFrom?.(position, end) ?? new WriteBehind(file, position);
}
