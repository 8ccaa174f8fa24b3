import type { SequentialWriter } from '../files/file-system.ts';
import type { SftpHandle } from './handle.ts';
import { type FurtherSessions, freest, LANE_BYTES, Lane } from './lanes.ts';
import type { SftpSession } from './session.ts';
import { WriteLanes } from './write-lanes.ts';
import type { WriteReceiver } from './write-request.ts';

/** WRITEs carry at most so much: more is not faster, and a power of two keeps the server's writes on the borders of its pages. */
const WRITE_BYTES: number = 128 * 1024;

/** So many WRITEs have left, in order; have been answered; or there is room for one more. */
type Milestone = { readonly kind: 'sent' | 'answered'; readonly count: number } | { readonly kind: 'room' };

interface Waiter {
  readonly milestone: Milestone;
  readonly resolve: () => void;
}

export interface WritePipelineOptions {
  /** Where in the file the first chunk goes. */
  readonly position: number;
  /** What becomes of an error before it is thrown. */
  readonly failed: (error: unknown) => unknown;
  /** Where the content is going to end, where that is known. */
  readonly end?: number | undefined;
  /** Sessions that may help, where the window of one channel is less than the way holds. With `end` only. */
  readonly further?: FurtherSessions | undefined;
}

/** A WRITE on its way. */
class Piece implements WriteReceiver {
  readonly #pipeline: WritePipeline;
  readonly #index: number;
  readonly #lane: Lane;
  readonly #bytes: number;

  constructor(pipeline: WritePipeline, index: number, lane: Lane, bytes: number) {
    this.#pipeline = pipeline;
    this.#index = index;
    this.#lane = lane;
    this.#bytes = bytes;
    lane.bytes += bytes;
  }

  sent(): void {
    this.#pipeline.sent(this.#index);
  }

  written(): void {
    this.#lane.bytes -= this.#bytes;
    this.#pipeline.written();
  }

  failed(error: unknown, position: number): void {
    this.#lane.bytes -= this.#bytes;
    this.#pipeline.failed(error, position);
  }
}

/**
 * Writes an open file in order, with many WRITEs in flight. Large chunks are cut and sent from where they lie; small ones are collected.
 *
 * What is relied on: a chunk stays unchanged until the next call but one of write() has been made and what it returned has resolved, or flush() or abandon() has (readAhead and StreamReader give such
 * chunks). The other way round: when what write() returned has resolved, nothing of the chunks before that one is needed any more.
 *
 * Over a long way the content goes by several lanes, so that what is behind may arrive before what is in front. The last WRITE of all is held back until everything else is there: a file that has its length is whole, whatever happens.
 */
export class WritePipeline implements SequentialWriter {
  /** The first is the file's own; the others come, where they do, while it is written. */
  readonly #lanes: Lane[];
  readonly #spread: WriteLanes | undefined;
  readonly #end: number;
  /** The WRITE that reaches the end, until the others are there. */
  #last: { readonly position: number; readonly content: Buffer } | undefined;
  readonly #failed: (error: unknown) => unknown;
  readonly #writeBytes: number;
  #position: number;
  /** Copies of small chunks, which come before the tail. */
  #collected: Buffer | undefined;
  #collectedBytes = 0;
  /** What the last chunk left, less than a WRITE. */
  #tail: Uint8Array | undefined;
  /** How many WRITEs were made, have left with all before them, and have been answered. */
  #made = 0;
  #sent = 0;
  /** Those that have left before one that was made earlier. */
  readonly #sentEarly = new Set<number>();
  #answered = 0;
  /** The first WRITE of those that failed. */
  #hole: number | undefined;
  /** The first error counts. */
  #error: { readonly error: unknown } | undefined;
  #waiting: Waiter[] = [];

  constructor(session: SftpSession, handle: SftpHandle, { position, failed, end, further }: WritePipelineOptions) {
    const own = new Lane(session, handle);
    this.#lanes = [own];
    this.#failed = failed;
    this.#position = position;
    this.#end = end ?? Number.POSITIVE_INFINITY;
    this.#writeBytes = Math.min(WRITE_BYTES, session.limits.maxWriteBytes);
    this.#spread =
      further &&
      new WriteLanes(further, own, (lane) => {
        this.#lanes.push(lane);
        this.#wake();
      });
  }

  get #isSpread(): boolean {
    return this.#lanes.length > 1 || this.#spread?.isMarked === true;
  }

  /** What is asked next on the file's own way would overtake what is under way on others. */
  get #isUnsettled(): boolean {
    return this.#isSpread && (this.#spread?.isMarking === true || this.#answered < this.#made);
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
    // What is held back is a copy.
    const needed = Math.min(before, this.#made);
    return this.#sent < needed || !this.#has({ kind: 'room' }) ? this.#passedOn(needed) : undefined;
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
    const position = this.#position;
    for (const piece of pieces) this.#position += piece.length;
    if (this.#isSpread && this.#position >= this.#end && this.#last === undefined)
      this.#last = { position, content: Buffer.concat(pieces) };
    else this.#start(position, pieces);
  }

  #start(position: number, pieces: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    const lane = freest(this.#lanes);
    lane.session.startWrite(lane.handle, position, pieces, new Piece(this, this.#made++, lane, bytes));
  }

  settled(): Promise<void> | undefined {
    return this.#isSpread ? this.#settled() : undefined;
  }

  async #settled(): Promise<void> {
    await this.#spread?.stop();
    this.#sendTail();
    await this.#until({ kind: 'answered', count: this.#made });
    // Nothing more is to be asked of a file that is not whole.
    if (this.#error !== undefined) throw this.#error.error;
  }

  leave(): void {
    this.#spread?.leave();
  }

  #sendTail(): void {
    if (this.#error === undefined && (this.#tail !== undefined || this.#collected !== undefined)) this.#send(undefined);
  }

  async flush(): Promise<number> {
    if (this.#isUnsettled) await this.#settled();
    void this.#spread?.stop();
    this.#sendTail();
    const closed = this.#spread?.close();
    closed?.catch(() => {});
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined && this.#error === undefined) this.#start(last.position, [last.content]);
    await this.#until({ kind: 'answered', count: this.#made });
    if (this.#error !== undefined) throw this.#error.error;
    await closed?.catch((error: unknown) => {
      throw this.#failed(error);
    });
    return this.#position;
  }

  async abandon(): Promise<number | undefined> {
    await this.#spread?.stop();
    this.#tail = undefined;
    this.#collected = undefined;
    this.#collectedBytes = 0;
    this.#last = undefined;
    await this.#until({ kind: 'answered', count: this.#made });
    await this.#spread?.close().catch(() => {});
    return this.#hole;
  }

  /** Resolves when so many WRITEs have left, so that the chunks they were cut from may change, and there is room for more. */
  async #passedOn(sent: number): Promise<void> {
    await this.#until({ kind: 'sent', count: sent });
    await this.#until({ kind: 'room' });
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
    if (this.#error !== undefined) return true;
    if (milestone.kind === 'sent') return this.#sent >= milestone.count;
    return !this.#isSpread || freest(this.#lanes).bytes < LANE_BYTES;
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ milestone }) => !this.#has(milestone));
    for (const { milestone, resolve } of waiting) if (this.#has(milestone)) resolve();
  }

  /** A WRITE has left. Those of one lane do so in order. */
  sent(index: number): void {
    if (index !== this.#sent) {
      this.#sentEarly.add(index);
      return;
    }
    this.#sent++;
    while (this.#sentEarly.delete(this.#sent)) this.#sent++;
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
