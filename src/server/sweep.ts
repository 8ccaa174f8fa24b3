import { LocalDirectory } from '../files/local-directory.ts';
import { type PrivateName, readPrivateName } from '../files/private-names.ts';
import type { ProcessMark } from '../files/process-mark.ts';
import { isLeftover, timesOf } from './sftp/leftover.ts';

/** How often a running server looks for what was kept for too long. Milliseconds. */
export const SWEEP_INTERVAL_MS: number = 6 * 60 * 60 * 1000;

/** Directories in which nothing more is looked for: a tree that is deeper than this was not made to be used. */
const MAX_DEPTH = 1024;

export interface SweepOptions {
  /** The data folder. */
  readonly root: string;
  readonly process: ProcessMark;
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes what killed servers have left in a folder and all below it: uploads that were under way, and what was kept for too long. Each folder is opened from the one above it, so no link that somebody puts in its place leads out. Never throws.
 *
 * @returns how many files were removed
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const sweeper = new Sweeper(options);
  await sweeper.below(() => LocalDirectory.open(options.root, '/', { follow: true, pin: true }), 0);
  return sweeper.removed;
}

class Sweeper {
  removed = 0;
  readonly #options: SweepOptions;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  get #isStopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Never throws: a folder may be gone, or not ours to read. */
  async below(open: () => Promise<LocalDirectory>, depth: number): Promise<void> {
    let directory: LocalDirectory | undefined;
    try {
      if (this.#isStopped) return;
      directory = await open();
      for (const name of await this.#within(directory))
        if (depth < MAX_DEPTH) await this.below(() => (directory as LocalDirectory).directory(name), depth + 1);
    } catch {
      // What else there is does not depend on it.
    } finally {
      await directory?.close().catch(() => {});
    }
  }

  /** @returns the folders in it */
  async #within(directory: LocalDirectory): Promise<readonly string[]> {
    const folders: string[] = [];
    for await (const { name, kind } of directory.listing()) {
      if (this.#isStopped) break;
      if (kind === 'directory') folders.push(name);
      const own = kind === 'file' ? readPrivateName(name) : undefined;
      if (own !== undefined && (await this.#remove(directory, name, own))) this.removed++;
    }
    return folders;
  }

  async #remove(directory: LocalDirectory, name: string, own: PrivateName): Promise<boolean> {
    try {
      const status = await directory.status(name);
      if (status?.kind !== 'file' || !isLeftover(own, timesOf(status), { ...this.#options, byAge: true })) return false;
      await directory.remove(name);
      return true;
    } catch {
      return false;
    }
  }
}
