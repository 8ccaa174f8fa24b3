import type { Writable } from 'node:stream';
import { ByteWriter } from '../wire/byte-writer.ts';
import { MAX_UNSENT_BYTES } from './limits.ts';

/** Small packets are handed to the stream at the end of the turn, together, or when they make up so many bytes. */
const BATCH_BYTES: number = 16 * 1024;

/** Content of up to so many bytes is copied and travels with its header; longer content is handed to the stream from where it lies. */
const COPY_BYTES: number = 8 * 1024;

/** There is room again when no more than this is unsent. */
const ROOM_BYTES: number = MAX_UNSENT_BYTES / 2;

/**
 * The way out: gathers the packets of one turn into few writes, and knows how much the stream has not passed on yet. Its user holds packets back while {@link isFull}.
 */
export class Outbox {
  /** Where packets are written. Call {@link written} behind each. */
  readonly writer: ByteWriter = new ByteWriter();
  readonly #output: Writable;
  readonly #drained: () => void;
  readonly #emptied: () => void;
  #unsent = 0;
  #corked = false;

  /**
   * @param drained called when half of what may be unsent has left: there is room again
   * @param emptied called when the stream has passed on all that was written
   */
  constructor(output: Writable, drained: () => void, emptied: () => void = () => {}) {
    this.#output = output;
    this.#drained = drained;
    this.#emptied = emptied;
  }

  /** Whether the stream has passed on all that was written. */
  get isEmpty(): boolean {
    return this.#unsent === 0 && this.writer.length === 0;
  }

  get isFull(): boolean {
    return this.#unsent + this.writer.length >= MAX_UNSENT_BYTES;
  }

  /** A packet is complete in {@link writer}. */
  written(): void {
    this.#cork();
    if (this.writer.length >= BATCH_BYTES) this.flush();
  }

  /**
   * Writes the content of a packet whose header is in {@link writer}.
   *
   * @param sent called when the bytes may change again: at once where they were copied
   */
  content(pieces: readonly Uint8Array[], length: number, sent: () => void): void {
    if (length <= COPY_BYTES) {
      for (const piece of pieces) this.writer.bytes(piece);
      this.written();
      sent();
      return;
    }
    this.#cork();
    this.flush();
    const last = pieces.length - 1;
    for (const [index, piece] of pieces.entries()) this.#write(piece, index === last ? sent : undefined);
  }

  /** Hands what has been gathered to the stream. */
  flush(): void {
    if (this.writer.length > 0) this.#write(this.writer.take(), undefined);
  }

  /** Ends the stream behind all that was written. */
  end(): void {
    if (this.#output.destroyed || this.#output.writableEnded) return;
    this.flush();
    this.#output.end();
  }

  #write(bytes: Uint8Array, sent: (() => void) | undefined): void {
    this.#unsent += bytes.length;
    this.#output.write(bytes, (error) => {
      const before = this.#unsent;
      this.#unsent -= bytes.length;
      // A stream that failed says so with an event.
      if (error) return;
      sent?.();
      if (before > ROOM_BYTES && this.#unsent <= ROOM_BYTES) this.#drained();
      if (this.isEmpty) this.#emptied();
    });
  }

  /** Until the end of the turn the stream keeps what it gets, and writes it together where it can. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#output.cork();
    setImmediate(() => {
      this.#corked = false;
      this.flush();
      this.#output.uncork();
    });
  }
}
