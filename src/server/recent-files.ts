import { OwnFiles } from '../files/own-files.ts';

/** Whoever logs in so long after the last login knows nothing of it any more. Milliseconds. */
const REMEMBERED_MS = 10 * 60 * 1000;

/** So many users at one source each are remembered; then those who came first are forgotten. */
const MAX_REMEMBERED = 1000;

/** What was sent, for each layer of the files that asks by its name. */
export type OwnFilesOf = (layer: string) => OwnFiles;

interface Remembered {
  readonly layers: Map<string, OwnFiles>;
  atMs: number;
}

/**
 * What a user has sent lately from one source. Clients send a file by one connection and look at it, or set its times, by another one of the same user (rclone has several); to somebody else, or from elsewhere, a drop zone shows nothing of it.
 */
export class RecentFiles {
  readonly #now: () => number;
  readonly #remembered = new Map<string, Remembered>();

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** For a connection that logs in. @param source an IPv4 address, or an IPv6 /64 */
  of(user: string, source: string): OwnFilesOf {
    const key = JSON.stringify([user, source]);
    const before = this.#remembered.get(key);
    const isRecent = before !== undefined && this.#now() - before.atMs <= REMEMBERED_MS;
    const entry: Remembered = isRecent ? before : { layers: new Map(), atMs: 0 };
    entry.atMs = this.#now();
    this.#remembered.delete(key);
    this.#remembered.set(key, entry);
    this.#forget();
    return (layer) => {
      const files = entry.layers.get(layer) ?? new OwnFiles();
      entry.layers.set(layer, files);
      return files;
    };
  }

  /** Those who came first are in front. */
  #forget(): void {
    for (const [key, { atMs }] of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED && this.#now() - atMs <= REMEMBERED_MS) return;
      this.#remembered.delete(key);
    }
  }
}
