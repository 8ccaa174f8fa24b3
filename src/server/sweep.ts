import type { Dirent } from 'node:fs';
import { lstat, opendir, unlink } from 'node:fs/promises';
import { decodeName, osPath } from '../base/byte-name.ts';
import { joinPath } from '../files/path.ts';
import { type PrivateName, readPrivateName } from '../files/private-names.ts';
import type { ProcessMark } from '../files/process-mark.ts';
import { isLeftover } from './sftp/leftover.ts';

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
 * Removes what killed servers have left in a folder and all below it: uploads that were under way, and what was kept for too long. Never throws.
 *
 * @returns how many files were removed
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: options.root, depth: 0 }];
  const isStopped = (): boolean => options.signal?.aborted === true;
  let removed = 0;
  for (let next = waiting.pop(); next !== undefined && !isStopped(); next = waiting.pop()) {
    const { path, depth } = next;
    for await (const { name, isDirectory, isFile } of entriesOf(path)) {
      if (isStopped()) break;
      if (isDirectory && depth < MAX_DEPTH) waiting.push({ path: joinPath(path, name), depth: depth + 1 });
      const own = isFile ? readPrivateName(name) : undefined;
      if (own !== undefined && (await removeLeftover(joinPath(path, name), own, options))) removed++;
    }
  }
  return removed;
}

interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

/** The entries of a directory that can be read; links are neither file nor directory. */
async function* entriesOf(path: string): AsyncGenerator<Entry, void, void> {
  try {
    // The types of node:fs know directories of strings only.
    const directory = await opendir(osPath(path), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    for await (const entry of directory as AsyncIterable<Dirent>) {
      const name = decodeName(entry.name as unknown as Buffer);
      yield { name, isDirectory: entry.isDirectory(), isFile: entry.isFile() };
    }
  } catch {
    // It may be gone, or not ours to read.
  }
}

async function removeLeftover(path: string, own: PrivateName, options: SweepOptions): Promise<boolean> {
  try {
    if (!isLeftover(own, await lstat(osPath(path)), { ...options, byAge: true })) return false;
    await unlink(osPath(path));
    return true;
  } catch {
    return false;
  }
}
