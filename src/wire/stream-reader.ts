import type { Readable } from 'node:stream';

/** How many unread bytes a reader keeps before it pauses its stream. */
export const DEFAULT_HIGH_WATER_BYTES: number = 1024 * 1024;

/** What a chunk costs besides its bytes: a peer that sends single bytes must not fill the memory with the objects around them. */
const CHUNK_OVERHEAD_BYTES = 512;

/** What {@link StreamReader.line} found. */
export interface Line {
  /** The bytes before the terminator; the terminator itself is consumed and not part of it. */
  readonly bytes: Buffer;
  /** What ended the line: the terminator, the end of the stream, or the limit. */
  readonly endedBy: 'terminator' | 'end' | 'limit';
}

/**
 * Reads bytes, lines and runs of data from a Readable, in order and without copying them. It holds back the stream when more than
 * `highWaterBytes` wait unread, so memory stays bounded however slow the consumer is. One consumer at a time.
 *
 * Errors of the stream are thrown by the read that meets them, after all bytes that came before have been delivered.
 */
export class StreamReader {
  readonly #readable: Readable;
  readonly #highWaterBytes: number;
  #chunks: Buffer[] = [];
  /** Index of the first unread chunk: shifting an array for each small chunk would be quadratic. */
  #first = 0;
  #buffered = 0;
  /** Memory held by what is unread. */
  #held = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(readable: Readable, highWaterBytes: number = DEFAULT_HIGH_WATER_BYTES) {
    this.#readable = readable;
    this.#highWaterBytes = highWaterBytes;
    readable.on('data', this.#onData);
    readable.on('end', this.#onEnd);
    readable.on('close', this.#onEnd);
    readable.on('error', this.#onError);
    if (readable.readableEnded || readable.destroyed) this.#ended = true;
  }

  /** Bytes that have arrived and wait to be read. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#held += chunk.length + CHUNK_OVERHEAD_BYTES;
    if (this.#held >= this.#highWaterBytes) this.#readable.pause();
    this.#notify();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#notify();
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#ended = true;
    this.#notify();
  };

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** The next unread bytes, at most `max` of them, if some have arrived; undefined otherwise. Never waits. */
  take(max: number): Buffer | undefined {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined || max <= 0) return undefined;
    if (chunk.length <= max) {
      this.#dropFirst();
      this.#held -= CHUNK_OVERHEAD_BYTES;
      this.#consumed(chunk.length);
      return chunk;
    }
    this.#chunks[this.#first] = chunk.subarray(max);
    this.#consumed(max);
    return chunk.subarray(0, max);
  }

  #dropFirst(): void {
    this.#chunks[this.#first] = undefined as unknown as Buffer;
    this.#first++;
    if (this.#first === this.#chunks.length) {
      this.#chunks = [];
      this.#first = 0;
    } else if (this.#first >= 1024) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #consumed(bytes: number): void {
    this.#buffered -= bytes;
    this.#held -= bytes;
    if (this.#held < this.#highWaterBytes && this.#readable.isPaused()) this.#readable.resume();
  }

  /**
   * Waits until unread bytes are there.
   *
   * @returns false where the stream has ended instead.
   * @throws the stream's error.
   */
  async ready(): Promise<boolean> {
    while (this.#buffered === 0) {
      if (this.#error) throw this.#error;
      if (this.#ended) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  /** At least one and at most `max` bytes; undefined at the end of the stream. */
  async chunk(max: number): Promise<Buffer | undefined> {
    return (await this.ready()) ? this.take(max) : undefined;
  }

  /** One byte; undefined at the end of the stream. */
  async byte(): Promise<number | undefined> {
    return (await this.chunk(1))?.[0];
  }

  /**
   * Bytes up to the first of `terminators` (byte values; LF by default), which is consumed. At most `limit` bytes are taken: the memory a
   * peer can claim with a line that never ends. The bytes collected so far are in `partial` as well, for a caller that gives up waiting.
   */
  async line(limit: number, terminators: readonly number[] = [0x0a], partial: Buffer[] = []): Promise<Line> {
    let length = partial.reduce((sum, part) => sum + part.length, 0);
    while (length < limit) {
      if (!(await this.ready())) return { bytes: Buffer.concat(partial), endedBy: 'end' };
      const chunk = this.#chunks[this.#first] as Buffer;
      const at = indexOfAny(chunk, terminators);
      const room = limit - length;
      if (at >= 0 && at <= room) {
        if (at > 0) partial.push(this.take(at) as Buffer);
        this.take(1);
        return { bytes: Buffer.concat(partial), endedBy: 'terminator' };
      }
      const part = this.take(room) as Buffer;
      partial.push(part);
      length += part.length;
    }
    return await this.#atLimit(partial, terminators);
  }

  /** A line of exactly `limit` bytes is still whole when its terminator follows at once. */
  async #atLimit(partial: Buffer[], terminators: readonly number[]): Promise<Line> {
    const bytes = Buffer.concat(partial);
    if (!(await this.ready())) return { bytes, endedBy: 'end' };
    const next = this.#chunks[this.#first]?.[0];
    if (next === undefined || !terminators.includes(next)) return { bytes, endedBy: 'limit' };
    this.take(1);
    return { bytes, endedBy: 'terminator' };
  }

  /** Makes every read fail with this error from now on, whatever has arrived. */
  fail(error: Error): void {
    this.release();
    this.#error = error;
    this.#notify();
  }

  /** Lets go of the stream; what has not been read is lost. */
  release(): void {
    this.#readable.off('data', this.#onData);
    this.#readable.off('end', this.#onEnd);
    this.#readable.off('close', this.#onEnd);
    this.#ended = true;
    this.#chunks = [];
    this.#first = 0;
    this.#buffered = 0;
    this.#held = 0;
    this.#notify();
  }
}

function indexOfAny(chunk: Buffer, bytes: readonly number[]): number {
  if (bytes.length === 1) return chunk.indexOf(bytes[0] as number);
  return chunk.findIndex((byte) => bytes.includes(byte));
}
