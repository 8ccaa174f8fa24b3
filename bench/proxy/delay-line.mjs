/** What travels behind the last chunk. */
export const END = Symbol('end');
export const RESET = Symbol('reset');

/** Beyond what is on its way anyhow: the buffer of a router, for each connection. */
const QUEUE_BYTES = 2 * 1024 * 1024;
/** What is on its way where no rate bounds it. */
const UNLIMITED_BYTES = 64 * 1024 * 1024;

/** One direction of a link: all connections send one after another at one rate, and everything arrives a delay later. */
export class Link {
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** @param bytesPerSecond Infinity where only the delay counts */
  constructor({ delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = {}) {
    this.delayMs = delayMs;
    this.bytesPerSecond = bytesPerSecond;
  }

  /** How much one connection may have in here before its sender waits. */
  get roomBytes() {
    const carried = (this.bytesPerSecond * this.delayMs) / 1000;
    return Number.isFinite(carried) ? carried + QUEUE_BYTES : UNLIMITED_BYTES;
  }

  /** When the last of so many bytes arrives that are ready to be sent at a time. */
  arrival(readyMs, bytes) {
    this.#freeAtMs = Math.max(readyMs, this.#freeAtMs) + (bytes / this.bytesPerSecond) * 1000;
    return this.#freeAtMs + this.delayMs;
  }
}

/** One direction of one connection: a queue whose chunks come out in order when they are due and the receiver takes them. */
export class DelayLine {
  #link;
  #clock;
  #deliver;
  #onRoom;
  #opensAtMs;
  #queue = [];
  #heldBytes = 0;
  #cancelTimer;
  #receiverIsFull = false;
  #senderWaits = false;

  /**
   * @param clock `now()` in milliseconds, and `at(ms, call)`, which returns a function that cancels it
   * @param deliver given a chunk, END or RESET; false when the receiver wants no more until `resume`
   * @param onRoom called when a sender that was told to wait may go on
   * @param opensAtMs nothing is sent before, since the connection is still being made
   */
  constructor({ link, clock, deliver, onRoom = () => {}, opensAtMs = 0 }) {
    this.#link = link;
    this.#clock = clock;
    this.#deliver = deliver;
    this.#onRoom = onRoom;
    this.#opensAtMs = opensAtMs;
  }

  get heldBytes() {
    return this.#heldBytes;
  }

  /** Takes a chunk, END or RESET; false when the sender has to wait for `onRoom`. */
  push(item) {
    const bytes = typeof item === 'symbol' ? 0 : item.length;
    const readyMs = Math.max(this.#clock.now(), this.#opensAtMs);
    this.#queue.push({ item, bytes, dueMs: this.#link.arrival(readyMs, bytes) });
    this.#heldBytes += bytes;
    // Without a delay nothing waits for a timer, which would take a millisecond.
    this.#run();
    this.#senderWaits = this.#heldBytes >= this.#link.roomBytes;
    return !this.#senderWaits;
  }

  /** The receiver takes more. */
  resume() {
    this.#receiverIsFull = false;
    this.#run();
  }

  /** Forgets what is on its way. */
  stop() {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#queue = [];
    this.#heldBytes = 0;
  }

  #schedule() {
    if (this.#cancelTimer !== undefined || this.#receiverIsFull || this.#queue.length === 0) return;
    this.#cancelTimer = this.#clock.at(this.#queue[0].dueMs, () => {
      this.#cancelTimer = undefined;
      this.#run();
    });
  }

  #run() {
    const nowMs = this.#clock.now();
    while (!this.#receiverIsFull && this.#queue.length > 0 && this.#queue[0].dueMs <= nowMs) {
      const { item, bytes } = this.#queue.shift();
      this.#heldBytes -= bytes;
      if (!this.#deliver(item)) this.#receiverIsFull = true;
    }
    this.#schedule();
    if (this.#senderWaits && this.#heldBytes < this.#link.roomBytes) {
      this.#senderWaits = false;
      this.#onRoom();
    }
  }
}
