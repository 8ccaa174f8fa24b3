import { FileError } from '../base/errors.ts';
import type { OpenFile } from './file-system.ts';
import { RunningDigest } from './running-digest.ts';

const COPY_BYTES = 256 * 1024;

/** As many holes are remembered; what lies behind a further one counts as not there, also when it is filled. */
const MAX_HOLES = 64;

export interface OverlayParts {
  /** Open for reading and writing; holds the new content from its start on. */
  readonly part: OpenFile;
  /** How much of it is there already. */
  readonly filled?: number | undefined;
  /** What the new content is laid over, open for reading. */
  readonly old?: { readonly file: OpenFile; readonly size: number } | undefined;
  /** Whether the SHA-256 of the content is wanted. */
  readonly hashes?: boolean | undefined;
  /** Once aborted, no old content is copied any more, which fails with EINTR. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * New content over old: what a file will hold, while the old file stays as it is. A part holds the beginning of the new content, without gaps; behind it the old content shows, as far as it has not been cut off. A write behind the part's end first
 * fills the gap from the old file; {@link complete} fills the rest. Operations are done one after the other, in the order of the calls.
 *
 * After a failed change the content is not what the writer believes, so every later change fails too.
 */
export class Overlay {
  readonly #part: OpenFile;
  readonly #old: OpenFile | undefined;
  readonly #digest: RunningDigest | undefined;
  readonly #signal: AbortSignal | undefined;
  /** The part has the content up to here. */
  #filled: number;
  /** Behind #filled the old content shows up to here. */
  #oldLimit: number;
  /** Ranges of the part that were skipped and hold zeros. */
  readonly #holes: { from: number; to: number }[] = [];
  /** Where the first hole begins that is not remembered. */
  #unknownFrom = Number.POSITIVE_INFINITY;
  /** Up to here the part had content before anything was written. */
  #inherited: number;
  /** How far that is written anew, where it is: what is behind is of another attempt, and may be of another file. */
  #renewed = Number.POSITIVE_INFINITY;
  #changed = false;
  #failure: FileError | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ part, filled = 0, old, hashes, signal }: OverlayParts) {
    this.#part = part;
    this.#filled = filled;
    this.#inherited = filled;
    this.#old = old?.file;
    this.#oldLimit = old?.size ?? 0;
    this.#signal = signal;
    this.#digest = hashes === true ? new RunningDigest() : undefined;
  }

  get size(): number {
    return Math.max(this.#filled, this.#oldLimit);
  }

  /** Whether anything differs from the old file. */
  get isChanged(): boolean {
    return this.#changed;
  }

  /** Why a change failed. */
  get failure(): FileError | undefined {
    return this.#failure;
  }

  /** How much of the part was really written, without a gap and by one attempt: what a later one may build on. */
  get solidLength(): number {
    const ofOneAttempt = this.#renewed < this.#inherited ? this.#renewed : Number.POSITIVE_INFINITY;
    return Math.min(this.#unknownFrom, ofOneAttempt, this.#holes[0]?.from ?? this.#filled);
  }

  /** The SHA-256 of all the content in hex, where it was wanted and came in order. */
  get sha256(): string | undefined {
    return this.#digest?.of(this.size);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => {});
    return next;
  }

  #change(work: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await work();
        this.#changed = true;
      } catch (error) {
        this.#failure = FileError.from(error, this.#part.path, 'write');
        throw this.#failure;
      }
    });
  }

  /** Reads until the buffer is full or the content ends. */
  read(buffer: Uint8Array, position: number): Promise<number> {
    return this.#inTurn(async () => {
      let at = 0;
      while (at < buffer.length) {
        const count = await this.#readSome(buffer.subarray(at), position + at);
        if (count === 0) break;
        at += count;
      }
      return at;
    });
  }

  async #readSome(buffer: Uint8Array, position: number): Promise<number> {
    if (position < this.#filled) return await this.#part.read(buffer.subarray(0, this.#filled - position), position);
    if (this.#old === undefined || position >= this.#oldLimit) return 0;
    return await this.#old.read(buffer.subarray(0, this.#oldLimit - position), position);
  }

  /** Writes the chunks one behind the other. @param position undefined: at the end */
  write(chunks: readonly Uint8Array[], position?: number): Promise<void> {
    return this.#change(async () => {
      const start = position ?? this.size;
      if (start > this.#filled) await this.#fillTo(start);
      await this.#put(chunks, start);
    });
  }

  async #put(chunks: readonly Uint8Array[], start: number): Promise<void> {
    await this.#part.write(chunks, start);
    let end = start;
    for (const chunk of chunks) {
      this.#digest?.update(chunk, end);
      end += chunk.length;
    }
    // Nothing makes no file longer.
    if (end === start) return;
    this.#renew(start, end);
    if (start > this.#filled) this.#addHole(start);
    else if (this.#holes.length > 0) this.#closeHoles(start, end);
    this.#filled = Math.max(this.#filled, end);
  }

  #renew(start: number, end: number): void {
    if (start >= this.#inherited) return;
    if (!Number.isFinite(this.#renewed)) this.#renewed = end;
    else if (start <= this.#renewed) this.#renewed = Math.max(this.#renewed, end);
  }

  #addHole(to: number): void {
    if (this.#holes.length < MAX_HOLES) this.#holes.push({ from: this.#filled, to });
    else this.#unknownFrom = Math.min(this.#unknownFrom, this.#filled);
  }

  #closeHoles(from: number, to: number): void {
    for (let index = this.#holes.length - 1; index >= 0; index--) {
      const hole = this.#holes[index] as { from: number; to: number };
      if (from > hole.from && to < hole.to) {
        // In the middle of it: without room for two the hole stays, and less counts as there than is.
        if (this.#holes.length >= MAX_HOLES) continue;
        this.#holes.splice(index + 1, 0, { from: to, to: hole.to });
        hole.to = from;
        continue;
      }
      if (from <= hole.from && to > hole.from) hole.from = Math.min(to, hole.to);
      if (to >= hole.to && from < hole.to) hole.to = Math.max(from, hole.from);
      if (hole.from >= hole.to) this.#holes.splice(index, 1);
    }
  }

  /** Copies old content into the part, up to a position or to where it ends. */
  async #fillTo(position: number): Promise<void> {
    const end = Math.min(position, this.#oldLimit);
    if (this.#old === undefined || this.#filled >= end) return;
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    while (this.#filled < end) {
      if (this.#signal?.aborted === true) throw new FileError(this.#part.path, 'copy', 'EINTR');
      const wanted = buffer.subarray(0, Math.min(buffer.length, end - this.#filled));
      const count = await this.#old.read(wanted, this.#filled);
      // Somebody has cut the old file meanwhile.
      if (count === 0) {
        this.#oldLimit = this.#filled;
        return;
      }
      await this.#put([wanted.subarray(0, count)], this.#filled);
    }
  }

  /** Cuts the content, or makes it longer with zeros. */
  truncate(size: number): Promise<void> {
    return this.#change(async () => {
      if (size > this.size) await this.#fillTo(this.size);
      if (size < this.#filled || size > this.size) {
        await this.#part.truncate(size);
        this.#filled = size;
        this.#inherited = Math.min(this.#inherited, size);
        this.#digest?.resize(size);
        this.#cutHoles(size);
      }
      this.#oldLimit = Math.min(this.#oldLimit, size);
    });
  }

  #cutHoles(size: number): void {
    for (let index = this.#holes.length - 1; index >= 0; index--) {
      const hole = this.#holes[index] as { from: number; to: number };
      hole.to = Math.min(hole.to, size);
      if (hole.from >= hole.to) this.#holes.splice(index, 1);
    }
  }

  /** Makes the part hold all of the content. @throws {FileError} */
  complete(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#fillTo(this.#oldLimit);
    });
  }

  /** Resolves when nothing is under way. Never throws. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
