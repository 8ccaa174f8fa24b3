import type { Dirent } from 'node:fs';
import { lstat, opendir, unlink } from 'node:fs/promises';
import { decodeName, osPath } from '../base/byte-name.ts';
import { joinPath } from '../files/path.ts';
import { type PrivateName, readPrivateName } from '../files/private-names.ts';
import type { ProcessMark } from '../files/process-mark.ts';
import { KEPT_MS } from './sftp/kept.ts';

/** How often a running server looks for what was kept for too long. Milliseconds. */
export const SWEEP_INTERVAL_MS: number = 6 * 60 * 60 * 1000;

/** Directories in which nothing more is looked for: a tree that is deeper than this was not made to be used. */
const MAX_DEPTH = 1024;

export interface SweepOptions {
  /** The data folder. */
  readonly root: string;
  readonly process: ProcessMark;
  /** Milliseconds since 1970: what was made before this server began is nobody's any more, also what was kept of uploads, since a crash may have left it with holes. Undefined: only what is too old, or of a process that is gone. */
  readonly startedMs?: number | undefined;
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes what killed servers have left in a folder and all below it: uploads under way, and what was kept of uploads that broke off. Never throws.
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
    if (!isLeftover(own, (await lstat(osPath(path))).mtimeMs, options)) return false;
    await unlink(osPath(path));
    return true;
  } catch {
    return false;
  }
}

function isLeftover(own: PrivateName, mtimeMs: number, { process, startedMs, nowMs }: SweepOptions): boolean {
  const isOlder = startedMs !== undefined && mtimeMs < startedMs;
  const isTooOld = nowMs - mtimeMs > KEPT_MS;
  switch (own.kind) {
    case 'upload':
      // Numbers of processes are used again: an old file with our own number was not made by us.
      return own.processId === process.id ? isOlder : !process.isAlive(own.processId);
    case 'kept':
      return isOlder || isTooOld;
    case 'unknown':
      return false;
    default:
      return own satisfies never;
  }
}
