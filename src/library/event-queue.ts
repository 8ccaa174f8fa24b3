import type { CopiedFile, CopyEvent } from './copy-types.ts';

/** From so many events on that nobody has taken, the copy waits. */
export const MAX_WAITING_EVENTS = 256;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type BytesEvent = Mutable<Extract<CopyEvent, { type: 'bytes' }>>;
type FoundEvent = Mutable<Extract<CopyEvent, { type: 'found' }>>;

interface Waiter {
  readonly resolve: (result: IteratorResult<CopyEvent, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** The events of a copy for one loop. Amounts that nobody has taken are brought up to date in place: there is at most one for each file under way. */
export class EventQueue implements AsyncIterableIterator<CopyEvent, undefined, undefined> {
  #events: CopyEvent[] = [];
  #first = 0;
  readonly #bytes = new Map<CopiedFile, BytesEvent>();
  #found: FoundEvent | undefined;
  #over: { readonly error?: unknown } | undefined;
  #waiting: Waiter | undefined;
  #drained: (() => void)[] = [];
  readonly #left: (queue: EventQueue) => void;

  /** @param left called when the loop has been left */
  constructor(left: (queue: EventQueue) => void) {
    this.#left = left;
  }

  get #length(): number {
    return this.#events.length - this.#first;
  }

  push(event: CopyEvent): void {
    if (this.#over !== undefined) return;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#events.push(event);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve({ done: false, value: event });
  }

  pushBytes(file: CopiedFile, fileBytes: number, bytes: number): void {
    const known = this.#bytes.get(file);
    if (known !== undefined) {
      known.fileBytes = fileBytes;
      known.bytes = bytes;
      return;
    }
    const event: BytesEvent = { type: 'bytes', file, fileBytes, bytes };
    if (this.#waiting === undefined) this.#bytes.set(file, event);
    this.push(event);
  }

  pushFound(files: number, bytes: number, all: boolean): void {
    if (this.#found !== undefined) {
      Object.assign(this.#found, { files, bytes, all });
      return;
    }
    const event: FoundEvent = { type: 'found', files, bytes, all };
    if (this.#waiting === undefined) this.#found = event;
    this.push(event);
  }

  /** Nothing more comes. What is there can still be taken; then the loop ends, or throws. */
  end(over: { readonly error?: unknown }): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    this.release();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if ('error' in over) waiting.reject(over.error);
    else waiting.resolve({ done: true, value: undefined });
    this.#over = {};
  }

  /** A promise while the loop does not keep up. */
  ready(): Promise<void> | undefined {
    if (this.#over !== undefined || this.#length < MAX_WAITING_EVENTS) return undefined;
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Whoever waits in {@link ready} goes on. */
  release(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One call at a time, as `for await` does it. */
  next(): Promise<IteratorResult<CopyEvent, undefined>> {
    const event = this.#events[this.#first];
    if (event !== undefined) {
      this.#taken(event);
      return Promise.resolve({ done: false, value: event });
    }
    const over = this.#over;
    if (over !== undefined) {
      // An error is thrown once.
      this.#over = {};
      return 'error' in over ? Promise.reject(over.error) : Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #taken(event: CopyEvent): void {
    this.#first++;
    if (event.type === 'bytes') this.#bytes.delete(event.file);
    if (event.type === 'found') this.#found = undefined;
    if (this.#first === this.#events.length || this.#first > MAX_WAITING_EVENTS) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
    if (this.#length < MAX_WAITING_EVENTS / 2) this.release();
  }

  return(): Promise<IteratorResult<CopyEvent, undefined>> {
    this.end({});
    this.#events = [];
    this.#first = 0;
    this.#left(this);
    return Promise.resolve({ done: true, value: undefined });
  }
}
