import { createHash, type Hash } from 'node:crypto';

/** The SHA-256 of a file's content, computed while it moves through in order. Content that comes in another order leaves it undefined. */
export class RunningDigest {
  #hash: Hash | undefined = createHash('sha256');
  #position = 0;

  /** The bytes at `position` of the file. */
  update(chunk: Uint8Array, position: number): void {
    if (this.#hash === undefined || chunk.length === 0) return;
    if (position === this.#position) {
      this.#hash.update(chunk);
      this.#position += chunk.length;
    } else this.#hash = undefined;
  }

  /** The file is cut, or grows without content. */
  resize(size: number): void {
    if (size === 0) {
      this.#hash = createHash('sha256');
      this.#position = 0;
    } else if (size !== this.#position) this.#hash = undefined;
  }

  /** In hex, for a file of this size; undefined where not all of it moved through in order. */
  of(size: number): string | undefined {
    if (this.#hash === undefined || this.#position !== size) return undefined;
    return this.#hash.copy().digest('hex');
  }
}
