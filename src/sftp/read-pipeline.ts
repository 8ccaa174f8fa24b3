import { isDeepStrictEqual } from 'node:util';
import { ProtocolError } from '../base/errors.ts';
import type { Attributes } from './attributes.ts';
import { SSH_FXF_READ } from './constants.ts';
import type { SftpHandle } from './handle.ts';
import { type FurtherSessions, freest, LANE_BYTES, Lane, LaneOpener } from './lanes.ts';
import { giveReadMemoryBack } from './read-memory.ts';
import type { ReadReceiver, ReadRequest } from './read-request.ts';
import type { SftpSession } from './session.ts';

/** READs ask for at most so much: more is not faster, and a power of two keeps the server's reads on the borders of its pages. */
const READ_BYTES: number = 128 * 1024;

/** The least that a READ asks for, however little a server gives. */
const MIN_READ_BYTES = 512;

/** Where the size is known, so much is asked for from the start: what OpenSSH's window for a channel takes. */
const FIRST_WINDOW_BYTES: number = 2 * 1024 * 1024;

/** After so many slots have been consumed, the room they took is given back. */
const COMPACT_AFTER = 64;

export interface ReadPipelineOptions {
  readonly position: number;
  /** How many bytes at most; 0 or Infinity where that is not known: to the end of the file then. */
  readonly size: number;
  /** The last READ asks for one byte more, as far as it has room: if the file has it, it is part of the content. So more than was told shows without another question. */
  readonly beyond?: boolean | undefined;
  /** Called when the last READ has been sent. */
  readonly asked?: (() => void) | undefined;
  /** The consumer keeps chunks: their memory is not used again. */
  readonly keeps?: boolean | undefined;
  /** What becomes of an error before it is thrown. */
  readonly failed: (error: unknown) => unknown;
  /** Sessions that may help, where the window of one channel is less than the way holds. */
  readonly further?: FurtherSessions | undefined;
}

/**
 * The content of an open file in order, with many READs in flight. The window grows while the consumer waits for the server, and does not while it is the consumer who is slow. Short answers are
 * completed by asking for the rest. Ends early where the file does. Nothing beyond `size` is asked for but what `beyond` says.
 *
 * A chunk stays unchanged until the next but one is asked for; then its memory is used again. A consumer that stops early waits in `return()` until what is in flight has been answered, so the file may be closed then.
 */
export function readPipeline(
  session: SftpSession,
  handle: SftpHandle,
  options: ReadPipelineOptions,
): AsyncIterableIterator<Uint8Array> {
  return new ReadPipeline(session, handle, options);
}

type Result = IteratorResult<Uint8Array, undefined>;

const DONE: Result = { done: true, value: undefined };

interface Waiter {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Lanes for reading: the same file is one of the same length, time, owner and mode. They are asked for content at once, since the server answers what it was asked before first. */
function laneOpener(
  further: FurtherSessions,
  own: SftpSession,
  handle: SftpHandle,
  use: (lane: Lane) => void,
): LaneOpener {
  let known: Attributes | undefined;
  own.startFstat(handle, (told) => {
    known = told;
  });
  return new LaneOpener(further, own, {
    open: (session) => session.open(handle.path, SSH_FXF_READ),
    prove: (lane) => {
      lane.isProven = false;
      lane.session.startFstat(lane.handle, (told) => {
        lane.isProven = isSame(known, told);
        lane.isClosed = !lane.isProven;
      });
      return undefined;
    },
    use,
  });
}

function isSame(one: Attributes | undefined, other: Attributes | undefined): boolean {
  if (one?.size === undefined || one.mtimeSeconds === undefined || other === undefined) return false;
  return isDeepStrictEqual(identity(one), identity(other));
}

function identity({ size, mtimeSeconds, uid, gid, permissions }: Attributes): unknown {
  return { size, mtimeSeconds, uid, gid, permissions };
}

/** A stretch of the file that has been asked for. */
class Slot implements ReadReceiver {
  readonly #pipeline: ReadPipeline;
  readonly length: number;
  /** What has arrived, and the index of the first piece that has not been consumed. */
  readonly pieces: (Buffer | undefined)[] = [];
  first = 0;
  /** Where the next READ for this slot begins, and how much is still to come. */
  position: number;
  left: number;
  /** What a READ for this slot may ask for beyond it. Bytes. */
  readonly spare: number;
  state: 'asked' | 'done' | 'end of file' | { readonly error: unknown } = 'asked';
  request: ReadRequest | undefined;
  /** By which way the READ goes, and what it asks for. */
  lane: Lane | undefined;
  asked = 0;
  /** Answers without a byte, one after the other. */
  empty = 0;

  constructor(pipeline: ReadPipeline, position: number, length: number, spare: number) {
    this.#pipeline = pipeline;
    this.position = position;
    this.length = length;
    this.left = length;
    this.spare = spare;
  }

  received(pieces: readonly Buffer[], length: number): void {
    if (this.#isOfAnother()) return;
    for (const piece of pieces) this.pieces.push(piece);
    this.position += length;
    this.left -= length;
    this.empty = length === 0 ? this.empty + 1 : 0;
    if (this.left <= 0) this.state = 'done';
    this.#pipeline.answered(this, length);
  }

  /** The answer is of another file, and is asked for once more. */
  #isOfAnother(): boolean {
    return this.lane?.isProven === false && this.#pipeline.tryElsewhere(this);
  }

  ended(): void {
    if (this.#isOfAnother()) return;
    this.state = 'end of file';
    this.#pipeline.answered(this, 0);
  }

  failed(error: unknown): void {
    if (this.#pipeline.tryElsewhere(this)) return;
    this.state = { error };
    this.#pipeline.answered(this, 0);
  }
}

class ReadPipeline implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #session: SftpSession;
  /** The first is the file's own; the others come, where they do, while it is read. */
  readonly #lanes: Lane[];
  readonly #opener: LaneOpener | undefined;
  readonly #failed: (error: unknown) => unknown;
  /** What lies before has been consumed, and asked for. */
  #consumed: number;
  #asked: number;
  readonly #end: number;
  readonly #spare: number;
  readonly #allAsked: (() => void) | undefined;
  readonly #keeps: boolean;
  /** Slots in the order of the file; those before #first are consumed. */
  #slots: Slot[] = [];
  #first = 0;
  #readBytes: number;
  /** The most that the server has given at once. */
  #proven = 0;
  /** As many bytes may be asked for and not be consumed. */
  #window: number;
  #inFlight = 0;
  /** Nothing more comes: because of this error, or because all is there. */
  #over: { readonly error?: unknown } | undefined;
  #waiting: Waiter | undefined;
  #idle: (() => void) | undefined;
  /** The last two chunks that were given out: the consumer may still need them. */
  #last: Uint8Array | undefined;
  #before: Uint8Array | undefined;

  constructor(
    session: SftpSession,
    handle: SftpHandle,
    { position, size, beyond, asked, keeps, failed, further }: ReadPipelineOptions,
  ) {
    this.#session = session;
    this.#lanes = [new Lane(session, handle)];
    this.#failed = failed;
    this.#consumed = position;
    this.#asked = position;
    this.#end = size === 0 ? Number.POSITIVE_INFINITY : position + size;
    this.#spare = beyond === true ? 1 : 0;
    this.#allAsked = asked;
    this.#keeps = keeps === true;
    this.#readBytes = Math.min(READ_BYTES, session.limits.maxReadBytes);
    this.#window = Number.isFinite(this.#end) ? Math.min(FIRST_WINDOW_BYTES, session.maxBytes) : this.#readBytes;
    this.#opener =
      further &&
      laneOpener(further, session, handle, (lane) => {
        this.#lanes.push(lane);
        this.#window = Math.max(this.#window, this.#lanes.length * LANE_BYTES);
        this.#ask();
      });
  }

  /** What may be asked for and not be consumed at most. */
  get #maxWindow(): number {
    return Math.max(this.#session.maxBytes, this.#lanes.length * LANE_BYTES);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One call at a time, as `for await` does it. */
  next(): Promise<Result> {
    if (this.#before !== undefined) giveReadMemoryBack(this.#before);
    this.#before = this.#last;
    this.#last = undefined;
    this.#ask();
    const piece = this.#take();
    if (piece !== undefined) return Promise.resolve({ done: false, value: piece });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#wake();
    });
  }

  /** Stops: resolves when everything in flight has been answered. */
  return(): Promise<Result> {
    this.#stop({});
    if (this.#inFlight === 0) return this.#left();
    return new Promise((resolve) => {
      this.#idle = () => resolve(this.#left());
    });
  }

  #left(): Promise<Result> {
    this.#leaveLanes();
    return Promise.resolve(DONE);
  }

  /** The further lanes are closed without waiting for that: nothing was written. */
  #leaveLanes(): void {
    this.#opener?.end();
    this.#opener?.close().catch(() => {});
  }

  #ask(): void {
    const { maxRequests } = this.#session;
    while (this.#over === undefined && this.#asked < this.#end && this.#asked - this.#consumed < this.#window) {
      // Where READs are tiny, their number is the bound.
      if (this.#slots.length - this.#first >= maxRequests) return;
      const length = Math.min(this.#readBytes, this.#end - this.#asked);
      const isLast = this.#asked + length === this.#end;
      const slot = new Slot(this, this.#asked, length, isLast ? this.#spare : 0);
      this.#asked += length;
      this.#slots.push(slot);
      this.#send(slot);
      if (isLast) this.#allAsked?.();
    }
  }

  #send(slot: Slot): void {
    this.#inFlight++;
    const wanted = slot.left > this.#readBytes ? this.#readBytes : slot.left + slot.spare;
    const length = Math.min(wanted, this.#session.limits.maxReadBytes);
    const lane = freest(this.#lanes);
    lane.bytes += length;
    slot.lane = lane;
    slot.asked = length;
    slot.request = lane.session.startRead(lane.handle, slot.position, length, slot);
  }

  /** What a further lane could not bring may still come by the file's own. */
  tryElsewhere(slot: Slot): boolean {
    const own = this.#lanes[0] as Lane;
    const { lane } = slot;
    if (lane === undefined || lane === own || this.#over !== undefined || own.session.failure !== undefined)
      return false;
    lane.isClosed = true;
    lane.bytes -= slot.asked;
    own.bytes += slot.asked;
    slot.lane = own;
    slot.request = own.session.startRead(own.handle, slot.position, slot.asked, slot);
    return true;
  }

  /** The next piece, if it is there. Finds out where the content is over. */
  #take(): Uint8Array | undefined {
    while (this.#over === undefined) {
      const slot = this.#slots[this.#first];
      if (slot === undefined) {
        this.#stop({});
        return undefined;
      }
      const piece = slot.pieces[slot.first];
      if (piece !== undefined) {
        // Consumed slots stay in their array for a while; their content must not.
        slot.pieces[slot.first++] = undefined;
        if (!this.#keeps) this.#last = piece;
        if (slot.state === 'done' && slot.first === slot.pieces.length) this.#consume(slot);
        return piece;
      }
      if (slot.state === 'asked') return undefined;
      if (slot.state === 'done') this.#consume(slot);
      else this.#stop(slot.state === 'end of file' ? {} : { error: this.#failed(slot.state.error) });
    }
    return undefined;
  }

  #consume(slot: Slot): void {
    this.#consumed += slot.length;
    this.#first++;
    if (this.#first === this.#slots.length) {
      this.#slots = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_AFTER) {
      this.#slots.splice(0, this.#first);
      this.#first = 0;
    }
    this.#ask();
  }

  /** Nothing more is asked for, and what is in flight is not kept. */
  #stop(over: { readonly error?: unknown }): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    for (const slot of this.#slots) slot.request?.drop();
    this.#slots = [];
    this.#first = 0;
  }

  /** A slot got an answer. */
  answered(slot: Slot, length: number): void {
    this.#inFlight--;
    if (slot.lane !== undefined) slot.lane.bytes -= slot.asked;
    this.#proven = Math.max(this.#proven, length);
    // The consumer waits: more in flight may be worth while.
    if (this.#waiting !== undefined) this.#window = Math.min(this.#window + length, this.#maxWindow);
    if (slot.state === 'asked' && this.#over === undefined) this.#askForRest(slot, length);
    this.#wake();
  }

  /** The server gave less than was asked for, which it may. It is asked for less from now on, but for no less than it has given at some time. */
  #askForRest(slot: Slot, length: number): void {
    if (slot.empty > 1) {
      const error = new ProtocolError('protocol error: the server answers READ with no data');
      slot.state = { error };
      this.#session.fail(error);
      return;
    }
    if (length > 0) this.#readBytes = Math.min(this.#readBytes, Math.max(length, this.#proven, MIN_READ_BYTES));
    this.#send(slot);
  }

  /** Gives the consumer what it waits for, if that is there now. */
  #wake(): void {
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      // What is asked for meanwhile may fail at once and come here again: that must not give the next piece to the same wait.
      this.#waiting = undefined;
      const piece = this.#take();
      if (piece !== undefined) waiting.resolve({ done: false, value: piece });
      else if (this.#over !== undefined && this.#inFlight === 0) this.#finish(this.#over, waiting);
      else this.#waiting = waiting;
    }
    if (this.#inFlight === 0) this.#idle?.();
  }

  /** An error is thrown once. */
  #finish(over: { readonly error?: unknown }, { resolve, reject }: Waiter): void {
    this.#over = {};
    this.#leaveLanes();
    if ('error' in over) reject(over.error);
    else resolve(DONE);
  }
}
