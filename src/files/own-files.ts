import type { FileStatus } from './file-system.ts';

/** So many are remembered; then the oldest are forgotten. */
export const MAX_OWN_FILES = 1000;

/** What one session has made, by path and object: clients look at what they have just sent, and set its mode and times. */
export class OwnFiles {
  readonly #objects = new Map<string, string>();

  add(path: string, status: FileStatus): void {
    this.#objects.delete(path);
    this.#objects.set(path, objectOf(status));
    for (const oldest of this.#objects.keys()) {
      if (this.#objects.size <= MAX_OWN_FILES) return;
      this.#objects.delete(oldest);
    }
  }

  /** Whether this session has made what is at the path now. */
  has(path: string, status: FileStatus): boolean {
    return this.#objects.get(path) === objectOf(status);
  }

  forget(path: string): void {
    this.#objects.delete(path);
  }
}

function objectOf({ device, inode }: FileStatus): string {
  return `${device}:${inode}`;
}
