import { FileError } from '../base/errors.ts';
import type { FileStatus, FileSystem } from './file-system.ts';
import { FreeSpace } from './free-space.ts';
import { type Amount, Usage } from './usage.ts';
import { scanUsage } from './usage-scan.ts';

/** How much may be below one folder. */
export interface RoomLimits {
  /** Bytes of the content of all files. Default: any number. */
  readonly quota?: number | undefined;
  /** Files, folders and links together. Default: any number. */
  readonly maxEntries?: number | undefined;
  /** Bytes that uploads leave free on the disk. Default: none. */
  readonly keepFree?: number | undefined;
  /** How many processes serve the folder. Default 1. */
  readonly processes?: number | undefined;
}

/** A file that is open for writing, by however many. */
export interface WrittenFile {
  readonly key: string;
  /** As many bytes are counted for it. */
  size: number;
  /** How far the writes under way reach. */
  readonly ends: Set<{ readonly end: number }>;
  opened: number;
  /** Its last name is gone: it is counted until it is closed. */
  unlinked: boolean;
  /** A write failed: how long it is must be looked at. */
  unsure: boolean;
}

/** The room below one folder, shared by all its users in this process. */
export class Room {
  readonly usage: Usage;
  /** What could not be counted, by the last count. */
  skipped: readonly string[];
  readonly #fileSystem: FileSystem;
  #free: FreeSpace | undefined;
  #isCounted: boolean;
  readonly #open = new Map<string, WrittenFile>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(fileSystem: FileSystem, usage: Usage, isCounted: boolean, skipped: readonly string[]) {
    this.#fileSystem = fileSystem;
    this.usage = usage;
    this.#isCounted = isCounted;
    this.skipped = skipped;
  }

  /**
   * Counts what is there.
   *
   * @param fileSystem what is limited, without any layer that hides something
   * @throws {FileError} see scanUsage {RangeError} for a limit that is no whole number
   */
  static async open(fileSystem: FileSystem, limits: RoomLimits, signal?: AbortSignal): Promise<Room> {
    const { limit, isCounted } = amountOf(limits);
    const counted = isCounted ? await scanUsage(fileSystem, { signal }) : { bytes: 0, entries: 0, skipped: [] };
    const room = new Room(fileSystem, new Usage(counted, limit, limits.processes), isCounted, counted.skipped);
    room.#keepFree(limits);
    return room;
  }

  /** Other limits hold from now on, for uploads under way too. @throws as {@link Room.open} */
  async change(limits: RoomLimits, signal?: AbortSignal): Promise<void> {
    const { limit, isCounted } = amountOf(limits);
    if (isCounted && !this.#isCounted) await this.recount(signal);
    this.#isCounted = isCounted;
    this.usage.setLimit(limit, limits.processes);
    this.#keepFree(limits);
  }

  #keepFree({ keepFree }: RoomLimits): void {
    this.#free = keepFree === undefined ? undefined : new FreeSpace(keepFree, () => availableBytes(this.#fileSystem));
  }

  /** Counts again, for what others have changed. @throws {FileError} */
  async recount(signal?: AbortSignal): Promise<void> {
    this.usage.scanBegins();
    let found: Awaited<ReturnType<typeof scanUsage>> | undefined;
    try {
      found = await scanUsage(this.#fileSystem, { signal });
      this.skipped = found.skipped;
    } finally {
      this.usage.scanEnds(found);
    }
  }

  /** Runs work on names one after the other, so that what is counted is what was there. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => {});
    return next;
  }

  /** Runs work that makes entries or content. They are counted before, and not counted where it fails. @throws {FileError} EDQUOT */
  async adding<T>(path: string, bytes: number, entries: number, work: () => Promise<T>): Promise<T> {
    if (!this.usage.take(bytes, entries)) throw new FileError(path, 'write', 'EDQUOT');
    try {
      return await work();
    } catch (error) {
      this.usage.add(-bytes, -entries);
      throw error;
    }
  }

  /** Promises room for a file of a known size. @throws {FileError} EDQUOT, ENOSPC */
  async reserve(path: string, bytes: number): Promise<void> {
    if (!this.usage.reserve(bytes)) throw new FileError(path, 'write', 'EDQUOT');
    try {
      // What this file is promised is not written now; the disk has to have room for all that is promised.
      await this.checkFree(path, 0, this.usage.reserved);
    } catch (error) {
      this.usage.giveUpReserved(bytes);
      throw error;
    }
  }

  /** @throws {FileError} ENOSPC */
  async checkFree(path: string, bytes: number, promised: number): Promise<void> {
    if (this.#free !== undefined && !(await this.#free.hasRoomFor(bytes, promised)))
      throw new FileError(path, 'write', 'ENOSPC');
  }

  // Files that are open

  opened(status: FileStatus): WrittenFile {
    const key = keyOf(status);
    const found = this.#open.get(key);
    const file = found ?? { key, size: status.size, ends: new Set(), opened: 0, unlinked: false, unsure: false };
    file.opened++;
    this.#open.set(key, file);
    return file;
  }

  isOpen(status: FileStatus): boolean {
    return this.#open.has(keyOf(status));
  }

  /** @param size how long it is, where that had to be looked at */
  closed(file: WrittenFile, size: number | undefined): void {
    file.opened--;
    if (size !== undefined) {
      this.usage.add(size - file.size);
      file.size = size;
      file.unsure = false;
    }
    if (file.opened > 0) return;
    this.#open.delete(file.key);
    if (file.unlinked) this.usage.add(-file.size);
  }

  /** An entry is gone. @param status as it was */
  removed(status: FileStatus): void {
    const isLast = status.kind === 'file' && status.links <= 1;
    const open = isLast ? this.#open.get(keyOf(status)) : undefined;
    if (open !== undefined) open.unlinked = true;
    this.usage.add(isLast && open === undefined ? -status.size : 0, -1);
  }
}

/** @throws {RangeError} */
function amountOf(limits: RoomLimits): { readonly limit: Amount; readonly isCounted: boolean } {
  for (const [what, value] of Object.entries(limits)) checkLimit(what, value);
  const { quota, maxEntries } = limits;
  const limit = { bytes: quota ?? Number.POSITIVE_INFINITY, entries: maxEntries ?? Number.POSITIVE_INFINITY };
  return { limit, isCounted: quota !== undefined || maxEntries !== undefined };
}

function checkLimit(what: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= (what === 'processes' ? 1 : 0)))
    throw new RangeError(`${what}: ${String(value)} is not a whole number that fits`);
}

function keyOf({ device, inode }: FileStatus): string {
  return `${device}:${inode}`;
}

async function availableBytes(fileSystem: FileSystem): Promise<number> {
  const directory = await fileSystem.directory('/');
  try {
    const { blockBytes, availableBlocks } = await directory.space();
    return Number(availableBlocks) * blockBytes;
  } finally {
    await directory.close();
  }
}
