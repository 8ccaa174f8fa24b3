import { FileError } from '../base/errors.ts';
import type { Amount } from './counter.ts';
import type { Directory, FileStatus, FileSystem } from './file-system.ts';
import { joinPath } from './path.ts';

/** So many entries are counted at most. */
export const MAX_COUNTED_ENTRIES = 10_000_000;

/** Directories that lie deeper are not looked into: each level holds a descriptor. */
export const MAX_COUNTED_DEPTH = 256;

/** Statuses that are asked for at a time. */
const STATUSES_AT_A_TIME = 16;

export interface UsageScan extends Amount {
  /** Directories that could not be counted. */
  readonly skipped: readonly string[];
}

/** So many of the directories that could not be counted are told. */
const MAX_TOLD = 10;

export interface ScanOptions {
  readonly maxEntries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Counts what is below `/`: the size of each file once, however many names it has, and every entry. Links are not followed.
 *
 * @throws {FileError} ERR_LIMIT for more than `maxEntries` (default 10,000,000), or where `/` itself cannot be read
 */
export async function scanUsage(fileSystem: FileSystem, options: ScanOptions = {}): Promise<UsageScan> {
  const scan = new Scan(options);
  const top = await fileSystem.directory('/');
  try {
    await scan.count(top, 1);
  } finally {
    await top.close();
  }
  return scan;
}

class Scan implements UsageScan {
  bytes = 0;
  entries = 0;
  readonly skipped: string[] = [];
  readonly #options: ScanOptions;
  /** Files with several names that were counted. */
  readonly #seen = new Set<string>();

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  async count(directory: Directory, depth: number): Promise<void> {
    const below: string[] = [];
    let names: string[] = [];
    const look = async (): Promise<void> => {
      this.#options.signal?.throwIfAborted();
      const statuses = await Promise.all(names.map(async (name) => await quietly(directory, name)));
      for (const [index, status] of statuses.entries()) {
        if (status !== undefined) this.#add(status);
        if (status?.kind === 'directory') below.push(names[index] as string);
      }
      names = [];
    };
    for await (const name of directory.names({ gradual: true })) {
      names.push(name);
      if (names.length === STATUSES_AT_A_TIME) await look();
    }
    await look();
    for (const name of below) await this.#below(directory, name, depth);
  }

  #add(status: FileStatus): void {
    const { maxEntries = MAX_COUNTED_ENTRIES } = this.#options;
    this.entries++;
    if (this.entries > maxEntries)
      throw new FileError('/', 'count', 'ERR_LIMIT', { reason: `holds more than ${maxEntries} entries` });
    if (status.kind !== 'file') return;
    if (status.links > 1) {
      const key = `${status.device}:${status.inode}`;
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
    }
    this.bytes += status.size;
  }

  async #below(parent: Directory, name: string, depth: number): Promise<void> {
    if (depth >= MAX_COUNTED_DEPTH) return this.#skip(parent, name);
    let directory: Directory;
    try {
      directory = await parent.directory(name);
    } catch (error) {
      // What is gone need not be counted.
      if (!(error instanceof FileError) || error.code !== 'ENOENT') this.#skip(parent, name);
      return;
    }
    try {
      await this.count(directory, depth + 1);
    } catch (error) {
      if (!(error instanceof FileError) || error.code === 'ERR_LIMIT') throw error;
      this.#skip(parent, name);
    } finally {
      await directory.close();
    }
  }

  #skip(parent: Directory, name: string): void {
    if (this.skipped.length < MAX_TOLD) this.skipped.push(joinPath(parent.path, name));
  }
}

async function quietly(directory: Directory, name: string): Promise<FileStatus | undefined> {
  return await directory.status(name).catch(() => undefined);
}
