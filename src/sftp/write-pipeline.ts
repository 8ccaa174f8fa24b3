import type { SequentialWriter } from '../files/file-system.ts';
import type { SftpHandle } from './handle.ts';
import type { SftpSession } from './session.ts';
import type { WriteReceiver } from './write-request.ts';

/** WRITEs carry at most so much: more is not faster, and a power of two keeps the server's writes on the borders of its pages. */
const WRITE_BYTES: number = 128 * 1024;

/** So many WRITEs have left, or have been answered. */
interface Milestone {
  readonly kind: 'sent' | 'answered';
  readonly count: number;
}

interface Waiter {
  readonly milestone: Milestone;
  readonly resolve: () => void;
}

export interface WritePipelineOptions {
  /** Where in the file the first chunk goes. */
  readonly position: number;
  /** What becomes of an error before it is thrown. */
  readonly failed: (error: unknown) => unknown;
}

/**
 * Writes an open file in order, with many WRITEs in flight. Large chunks are cut and sent from where they lie; small ones are collected.
 *
 * What is relied on: a chunk stays unchanged until the next call but one of write() has been made and what it returned has resolved, or flush() or abandon() has (readAhead and StreamReader give such
 * chunks). The other way round: when what write() returned has resolved, nothing of the chunks before that one is needed any more.
 */
export class WritePipeline implements SequentialWriter, WriteReceiver {
  readonly #session: SftpSession;
  readonly #handle: SftpHandle;
  readonly #failed: (error: unknown) => unknown;
  readonly #writeBytes: number;
  #position: number;
  /** Copies of small chunks, which come before the tail. */
  #collected: Buffer | undefined;
  #collectedBytes = 0;
  /** What the last chunk left, less than a WRITE. */
  #tail: Uint8Array | undefined;
  /** How many WRITEs were made, have left, and have been answered. */
  #made = 0;
  #sent = 0;
  #answered = 0;
  /** The first WRITE of those that failed. */
  #hole: number | undefined;
  /** The first error counts. */
  #error: { readonly error: unknown } | undefined;
  #waiting: Waiter[] = [];

  constructor(session: SftpSession, handle: SftpHandle, { position, failed }: WritePipelineOptions) {
    this.#session = session;
    this.#handle = handle;
    this.#failed = failed;
    this.#position = position;
    this.#writeBytes = Math.min(WRITE_BYTES, session.limits.maxWriteBytes);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#error !== undefined) throw this.#error.error;
    const before = this.#made + (this.#tail === undefined ? 0 : 1);
    const waiting = this.#collectedBytes + (this.#tail?.length ?? 0);
    if (waiting + chunk.length < this.#writeBytes) {
      this.#collectTail();
      if (chunk.length > 0) this.#tail = chunk;
      return this.#made > this.#sent ? this.#passedOn(this.#made) : undefined;
    }
    let at = 0;
    if (waiting > 0) {
      at = this.#writeBytes - waiting;
      this.#send(chunk.subarray(0, at));
    }
    for (; chunk.length - at >= this.#writeBytes; at += this.#writeBytes)
      this.#send(chunk.subarray(at, at + this.#writeBytes));
    if (at < chunk.length) this.#tail = chunk.subarray(at);
    return this.#sent < before ? this.#passedOn(before) : undefined;
  }

  /** The tail may change soon: takes it over. */
  #collectTail(): void {
    if (this.#tail === undefined) return;
    this.#collected ??= Buffer.allocUnsafe(this.#writeBytes);
    this.#collected.set(this.#tail, this.#collectedBytes);
    this.#collectedBytes += this.#tail.length;
    this.#tail = undefined;
  }

  /** One WRITE of what was collected, the tail, and this. */
  #send(last: Uint8Array | undefined): void {
    const pieces: Uint8Array[] = [];
    if (this.#collected !== undefined) pieces.push(this.#collected.subarray(0, this.#collectedBytes));
    if (this.#tail !== undefined) pieces.push(this.#tail);
    if (last !== undefined) pieces.push(last);
    this.#collected = undefined;
    this.#collectedBytes = 0;
    this.#tail = undefined;
    this.#made++;
    const position = this.#position;
    for (const piece of pieces) this.#position += piece.length;
    this.#session.startWrite(this.#handle, position, pieces, this);
  }

  async flush(): Promise<number> {
    if (this.#error === undefined && (this.#tail !== undefined || this.#collected !== undefined)) this.#send(undefined);
    await this.#until({ kind: 'answered', count: this.#made });
    if (this.#error !== undefined) throw this.#error.error;
    return this.#position;
  }

  async abandon(): Promise<number | undefined> {
    this.#tail = undefined;
    this.#collected = undefined;
    this.#collectedBytes = 0;
    await this.#until({ kind: 'answered', count: this.#made });
    return this.#hole;
  }

  /** Resolves when so many WRITEs have left, so that the chunks they were cut from may change. */
  async #passedOn(sent: number): Promise<void> {
    await this.#until({ kind: 'sent', count: sent });
    if (this.#error !== undefined) throw this.#error.error;
  }

  async #until(milestone: Milestone): Promise<void> {
    if (this.#has(milestone)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ milestone, resolve });
    });
  }

  /** Whoever waits for content to leave learns of an error at once: it may never leave then. */
  #has(milestone: Milestone): boolean {
    if (milestone.kind === 'answered') return this.#answered >= milestone.count;
    return this.#sent >= milestone.count || this.#error !== undefined;
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ milestone }) => !this.#has(milestone));
    for (const { milestone, resolve } of waiting) if (this.#has(milestone)) resolve();
  }

  sent(): void {
    this.#sent++;
    this.#wake();
  }

  written(): void {
    this.#answered++;
    this.#wake();
  }

  failed(error: unknown, position: number): void {
    this.#hole = Math.min(position, this.#hole ?? position);
    this.#error ??= { error: this.#failed(error) };
    this.#answered++;
    this.#wake();
  }
}
