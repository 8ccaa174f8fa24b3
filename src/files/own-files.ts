import type { FileStatus } from './file-system.ts';

/** So many are remembered; then the oldest are forgotten. */
export const MAX_OWN_FILES = 1000;

/** What others know who count as the same. */
export type KnownFiles = Pick<OwnFiles, 'add' | 'has' | 'forget'>;

/** What one session has made, by path and object: clients look at what they have just sent, and set its mode and times. */
export class OwnFiles {
  readonly #objects = new Map<string, string>();
  readonly #others: KnownFiles | undefined;

  /** @param others know of what is added here, and what they know counts here; default: nobody */
  constructor(others?: KnownFiles) {
    this.#others = others;
  }

  add(path: string, status: FileStatus): void {
    this.#others?.add(path, status);
    this.#objects.delete(path);
    this.#objects.set(path, objectOf(status));
    for (const oldest of this.#objects.keys()) {
      if (this.#objects.size <= MAX_OWN_FILES) return;
      this.#objects.delete(oldest);
    }
  }

  /** Whether what is at the path now was made here, or by the others. */
  has(path: string, status: FileStatus): boolean {
    return this.#objects.get(path) === objectOf(status) || this.#others?.has(path, status) === true;
  }

  forget(path: string): void {
    this.#others?.forget(path);
    this.#objects.delete(path);
  }
}

/** What tells a file from every other one, whatever it is called. */
export function objectOf({ device, inode }: FileStatus): string {
  return `${device}:${inode}`;
}
