import type { FileStatus } from './file-system.ts';

/**
 * Keeps the contents of several files of one copy apart where they may go into one: names that are links to each other, or that a file system takes for the same. What is new is written side by side; what is there already gets
 * one content after the other, so that the last one is whole.
 */
export class Turns {
  /** New files under way. */
  readonly #fresh = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();
  readonly #objects = new Map<string, Promise<void>>();

  /** A file that only this copy has made is being written. @returns to be called at its end */
  fresh(): () => void {
    const { ended, end } = turn();
    this.#fresh.add(ended);
    return () => {
      this.#fresh.delete(ended);
      end();
    };
  }

  /**
   * Waits until it is the turn of a file that was there already, on a file system that does not number its objects: it may be any of those under way.
   *
   * @returns to be called at the end of the turn
   */
  async existing(): Promise<() => void> {
    const before = [this.#last, ...this.#fresh];
    const { ended, end } = turn();
    this.#last = Promise.all([...before, ended]).then(() => {});
    await Promise.all(before);
    return end;
  }

  /** The same where objects have numbers: only those wait that are the same. */
  async object({ device, inode }: FileStatus): Promise<() => void> {
    const key = `${device} ${inode}`;
    const before = this.#objects.get(key);
    const { ended, end } = turn();
    this.#objects.set(key, ended);
    await before;
    return () => {
      if (this.#objects.get(key) === ended) this.#objects.delete(key);
      end();
    };
  }
}

function turn(): { readonly ended: Promise<void>; readonly end: () => void } {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}
