import type { BufferPool } from './buffer-pool.ts';
import { MERGE_BYTES } from './limits.ts';
import type { Replies } from './replies.ts';
import type { ServedFile } from './served-files.ts';

/** What is asked of an open file, in the order in which it came. See Job for `isWanted` and `done`. */
export type FileRequest =
  | {
      readonly kind: 'read';
      readonly id: number;
      readonly position: number;
      readonly length: number;
      readonly isWanted: () => boolean;
      readonly done: () => void;
    }
  | {
      readonly kind: 'write';
      readonly id: number;
      readonly position: number;
      readonly data: Uint8Array;
      readonly isWanted: () => boolean;
      readonly done: () => void;
    }
  /** Everything else. `run` never rejects. */
  | { readonly kind: 'other'; readonly run: (file: ServedFile) => Promise<void> };

type Read = FileRequest & { readonly kind: 'read' };
type Write = FileRequest & { readonly kind: 'write' };

/**
 * An open file and what is asked of it, one after the other: a client may send WRITE, FSETSTAT and CLOSE without waiting. READs that follow each other in the file are read together, and so are WRITEs written: the system is asked once
 * for what clients ask in pieces of 32 KiB.
 */
export class FileHandle {
  readonly kind = 'file';
  readonly file: ServedFile;
  readonly #replies: Replies;
  readonly #buffers: BufferPool;
  readonly #waiting: FileRequest[] = [];
  #busy = false;
  /** What was to be written was given up half way, and no client could be told: it must not land. */
  isSpoiled = false;

  constructor(file: ServedFile, replies: Replies, buffers: BufferPool) {
    this.file = file;
    this.#replies = replies;
    this.#buffers = buffers;
  }

  add(request: FileRequest): void {
    this.#waiting.push(request);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const first = this.#waiting[0];
    this.#busy = first !== undefined;
    if (first === undefined) return;
    const over = (): void => this.#next();
    switch (first.kind) {
      case 'read':
        this.#read(this.#takeRow('read', (request) => request.length)).then(over, over);
        break;
      case 'write':
        this.#write(this.#takeRow('write', (request) => request.data.length)).then(over, over);
        break;
      case 'other':
        this.#waiting.shift();
        first.run(this.file).then(over, over);
        break;
      default:
        first satisfies never;
    }
  }

  /** The requests of one kind at the front of which each begins where the one before ends. */
  #takeRow<K extends 'read' | 'write'>(
    kind: K,
    lengthOf: (request: FileRequest & { kind: K }) => number,
  ): (FileRequest & { kind: K })[] {
    const row: (FileRequest & { kind: K })[] = [];
    let bytes = 0;
    let end: number | undefined;
    for (const request of this.#waiting) {
      if (request.kind !== kind) break;
      const one = request as FileRequest & { kind: K; position: number };
      const length = lengthOf(one);
      if (end !== undefined && (one.position !== end || bytes + length > MERGE_BYTES)) break;
      row.push(one);
      bytes += length;
      end = one.position + length;
    }
    this.#waiting.splice(0, row.length);
    return row;
  }

  async #read(row: readonly Read[]): Promise<void> {
    const [first, ...more] = row;
    if (first === undefined || drop(row)) return;
    const wanted = row.reduce((bytes, { length }) => bytes + length, 0);
    const buffer = this.#buffers.take(wanted);
    let count: number;
    try {
      count = wanted === 0 ? 0 : await this.file.read(buffer, first.position);
    } catch (error) {
      this.#buffers.give(buffer);
      // Where several were asked together each gets a try of its own: one may be before what cannot be read.
      if (more.length > 0) for (const request of row) await this.#read([request]);
      else this.#refuse(first, error);
      return;
    }
    this.#answer(row, buffer, count);
  }

  #answer(row: readonly Read[], buffer: Buffer, count: number): void {
    let using = 1;
    const release = (): void => {
      using--;
      if (using === 0) this.#buffers.give(buffer);
    };
    let at = 0;
    for (const { id, length, done } of row) {
      const content = buffer.subarray(at, Math.min(at + length, count));
      at += length;
      if (content.length === 0) {
        this.#replies.end(id);
        done();
        continue;
      }
      using++;
      this.#replies.data(id, content, () => {
        release();
        done();
      });
    }
    release();
  }

  async #write(row: readonly Write[]): Promise<void> {
    const first = row[0];
    if (first === undefined || drop(row)) return;
    try {
      await this.file.write(
        row.map(({ data }) => data),
        first.position,
      );
    } catch (error) {
      for (const request of row) this.#refuse(request, error);
      return;
    }
    for (const { id, done } of row) {
      this.#replies.ok(id);
      done();
    }
  }

  #refuse({ id, done }: Read | Write, error: unknown): void {
    this.#replies.failure(id, error);
    done();
  }
}

/** Requests of one kind are wanted together or not at all. @returns whether they are not, and are over */
function drop(row: readonly (Read | Write)[]): boolean {
  if (row[0]?.isWanted() !== false) return false;
  for (const { done } of row) done();
  return true;
}
