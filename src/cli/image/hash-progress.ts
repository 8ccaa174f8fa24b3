/** Shows how far a hash is, where somebody watches: a line that is written over, and is gone at the end. */
export class HashProgress {
  readonly #isShown: boolean;
  #shown = '';
  #percent = -1;

  constructor(isWanted: boolean) {
    this.#isShown = isWanted && process.stderr.isTTY === true;
  }

  tell(done: number, total: number): void {
    if (!this.#isShown || total === 0) return;
    const percent = Math.floor((done / total) * 100);
    if (percent === this.#percent) return;
    this.#percent = percent;
    this.#shown = `Hash Computation: ${String(percent).padStart(6)}%`;
    process.stderr.write(`\r${this.#shown}`);
  }

  end(): void {
    if (this.#shown !== '') process.stderr.write(`\r${' '.repeat(this.#shown.length)}\r`);
    this.#shown = '';
  }
}
