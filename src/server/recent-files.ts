import { createHash } from 'node:crypto';
import { type KnownFiles, OwnFiles, objectOf } from '../files/own-files.ts';

/** Other connections know for so long of what was sent. Milliseconds. */
const REMEMBERED_MS = 10 * 60 * 1000;

/** So many files of all users together are remembered; then the oldest are forgotten. */
export const MAX_REMEMBERED = 50_000;

/** What was sent, for each layer of the files that asks by its name. */
export type OwnFilesOf = (layer: string) => OwnFiles;

interface Remembered {
  readonly object: string;
  readonly atMs: number;
}

/**
 * What a user has sent lately from one source. Clients send a file by one connection and look at it, or set its times, by another one of the same user (rclone has several); to somebody else, or from elsewhere, a drop zone shows nothing of it.
 */
export class RecentFiles {
  readonly #now: () => number;
  /** By digests: paths may be long. The oldest are in front. */
  readonly #remembered = new Map<string, Remembered>();

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** For one connection, which knows what it has sent itself for longer. @param source an IPv4 address, or an IPv6 /64 */
  of(user: string, source: string): OwnFilesOf {
    const layers = new Map<string, OwnFiles>();
    return (layer) => {
      const files = layers.get(layer) ?? new OwnFiles(this.#knownOf(user, source, layer));
      layers.set(layer, files);
      return files;
    };
  }

  #knownOf(...whose: readonly [user: string, source: string, layer: string]): KnownFiles {
    const keyOf = (path: string): string =>
      createHash('sha256')
        .update(JSON.stringify([...whose, path]))
        .digest('base64');
    return {
      add: (path, status) => this.#add(keyOf(path), objectOf(status)),
      has: (path, status) => {
        const found = this.#remembered.get(keyOf(path));
        return found?.object === objectOf(status) && !this.#isOld(found);
      },
      forget: (path) => this.#remembered.delete(keyOf(path)),
    };
  }

  #add(key: string, object: string): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, { object, atMs: this.#now() });
    for (const [oldest, found] of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED && !this.#isOld(found)) return;
      this.#remembered.delete(oldest);
    }
  }

  #isOld({ atMs }: Remembered): boolean {
    return this.#now() - atMs > REMEMBERED_MS;
  }
}
