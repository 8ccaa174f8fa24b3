import type { Writable } from 'node:stream';

/** As many replies and records may wait for a peer that does not read. */
const MAX_SMALL_WRITES = 1024;

/**
 * Writes to a Writable with a bounded amount under way. A failed stream makes every later write fail with the same error, so a peer
 * that goes away is noticed at the next write and never crashes the process.
 */
export class StreamWriter {
  readonly #writable: Writable;
  #error: Error | undefined;
  /** Settles when the chunk before the current one has been handed to the system. */
  #previous: Promise<void> = Promise.resolve();
  /** Rejects what is under way: some streams never call back once they are destroyed. */
  readonly #pending = new Set<(error: Error) => void>();
  #drained: (() => void) | undefined;
  /** Replies and records that wait to be handed over. */
  #small = 0;
  readonly #smallWritten = (): void => {
    this.#small--;
    if (this.#small <= MAX_SMALL_WRITES / 2) this.#drained?.();
  };

  constructor(writable: Writable) {
    this.#writable = writable;
    writable.on('error', (error) => this.#failed(error));
    writable.on('close', () => {
      if (!writable.writableFinished) this.#failed(brokenPipe());
    });
    if (writable.destroyed) this.#error = brokenPipe();
  }

  #failed(error: Error): void {
    this.#error ??= error;
    for (const reject of this.#pending) reject(this.#error);
    this.#pending.clear();
    this.#drained?.();
  }

  /** Makes every write fail with this error, those under way included. */
  fail(error: Error): void {
    this.#failed(error);
  }

  /** Writes a few bytes (a reply, a record) without waiting: their number is bounded by the protocol. A failure shows at the next write. */
  write(bytes: Uint8Array): void {
    if (this.#error !== undefined) return;
    this.#small++;
    this.#writable.write(bytes, this.#smallWritten);
  }

  /**
   * Writes data and resolves once the data of the call BEFORE this one has been handed over: so at most two chunks are under way. A chunk must
   * not change until the next call but one has resolved, or {@link flush} has.
   *
   * @throws the error of the stream.
   */
  async send(chunk: Uint8Array): Promise<void> {
    if (this.#error) throw this.#error;
    const before = this.#previous;
    this.#previous = this.#writeChunk(chunk);
    await before;
  }

  #writeChunk(chunk: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#pending.add(reject);
      this.#writable.write(chunk, (error) => {
        this.#pending.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
    // The failure is thrown by the send() or flush() that waits for it; until then nobody may be listening.
    written.catch(() => {});
    return written;
  }

  /** Waits until all that was sent has been handed over. */
  async flush(): Promise<void> {
    await this.#previous;
    if (this.#error) throw this.#error;
  }

  /** Waits until what {@link write} has left behind is small again: a peer that sends but does not read must not fill the memory. */
  async drained(): Promise<void> {
    while (this.#small > MAX_SMALL_WRITES && this.#error === undefined) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
      this.#drained = undefined;
    }
  }

  /** Sends the end of the stream. Errors are ignored: the other side may be gone already. */
  end(): void {
    if (!this.#writable.destroyed) this.#writable.end();
  }
}

function brokenPipe(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'EPIPE' });
}
