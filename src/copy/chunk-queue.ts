/** Chunks wait here until their consumer takes them, up to this many bytes before the producer is held back. */
const HIGH_WATER_BYTES = 512 * 1024;

/** A bounded queue between whoever pushes chunks and whoever iterates over them. */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #stopped = false;
  #error: Error | undefined;
  #wakeConsumer: (() => void) | undefined;
  #wakeProducer: (() => void) | undefined;

  /** Takes over the chunk; a promise where the producer must wait. After {@link stop} chunks are thrown away. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#stopped) return undefined;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wakeConsumer?.();
    if (this.#bytes < HIGH_WATER_BYTES) return undefined;
    return new Promise((resolve) => {
      this.#wakeProducer = resolve;
    });
  }

  /** There is no more to come. */
  end(): void {
    this.#ended = true;
    this.#wakeConsumer?.();
  }

  /** The consumer gets this error after what is there. A queue that has ended is left as it is. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#error = error;
    this.end();
  }

  /** Nobody takes chunks any more. */
  stop(): void {
    this.#stopped = true;
    this.#chunks = [];
    this.#bytes = 0;
    this.#wakeProducer?.();
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const chunks = this.#chunks;
      this.#chunks = [];
      for (const chunk of chunks) {
        this.#bytes -= chunk.length;
        if (this.#bytes < HIGH_WATER_BYTES) this.#wakeProducer?.();
        yield chunk;
      }
      if (this.#chunks.length > 0) continue;
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
      this.#wakeConsumer = undefined;
    }
  }
}
