/** How much of the earlier speed a new measurement keeps. */
const AGE_FACTOR = 0.9;

/** After this long without a byte nothing moves any more. Seconds. */
const STALL_SECONDS = 5;

/** How fast bytes move, smoothed as OpenSSH's meter does it. Pure: the clock is handed in. */
export class Pace {
  readonly #startSeconds: number;
  #updatedSeconds: number;
  #counted = 0;
  #stalledSeconds = 0;
  /** As of the last measurement. */
  bytesPerSecond = 0;

  constructor(nowSeconds: number) {
    this.#startSeconds = nowSeconds;
    this.#updatedSeconds = nowSeconds;
  }

  /** Nothing has moved for a while. */
  get isStalled(): boolean {
    return this.#stalledSeconds >= STALL_SECONDS;
  }

  /**
   * Takes a measurement.
   *
   * @param movedBytes all bytes that have moved so far
   * @param isAlive something else shows that the copy goes on: files without content are done
   * @returns how long ago the last one was. Seconds.
   */
  measure(nowSeconds: number, movedBytes: number, isAlive = false): number {
    const moved = movedBytes - this.#counted;
    const elapsed = nowSeconds - this.#updatedSeconds;
    const speed = elapsed > 0 ? moved / elapsed : moved;
    const earlier = this.bytesPerSecond;
    this.bytesPerSecond = earlier > 0 ? earlier * AGE_FACTOR + speed * (1 - AGE_FACTOR) : speed;
    this.#update(nowSeconds, movedBytes, moved > 0 || isAlive, elapsed);
    return elapsed;
  }

  /**
   * Takes the last measurement: the average over the whole time.
   *
   * @returns how long it all took. Seconds.
   */
  total(nowSeconds: number, movedBytes: number): number {
    const elapsed = nowSeconds - this.#startSeconds;
    this.bytesPerSecond = elapsed > 0 ? movedBytes / elapsed : movedBytes;
    this.#update(nowSeconds, movedBytes, movedBytes > 0, elapsed);
    return elapsed;
  }

  #update(nowSeconds: number, movedBytes: number, isAlive: boolean, elapsed: number): void {
    this.#stalledSeconds = isAlive ? 0 : this.#stalledSeconds + elapsed;
    this.#counted = movedBytes;
    this.#updatedSeconds = nowSeconds;
  }
}
