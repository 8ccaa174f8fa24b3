import { FileError } from '../base/errors.ts';
import { type Amount, Counter } from './counter.ts';
import type { FileStatus, FileSystem } from './file-system.ts';
import { FreeSpace } from './free-space.ts';
import { Usage } from './usage.ts';
import { scanUsage, type UsageScan } from './usage-scan.ts';

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
  /** How many truncations are under way. */
  cuts: number;
  opened: number;
  /** Its last name is gone: it is counted until it is closed. */
  unlinked: boolean;
  /** A write failed, or came beside a truncation, of which nobody knows which was first: how long it is must be looked at. */
  unsure: boolean;
}

/** What is known of one folder, whatever limits hold for whom. */
class CountedFolder {
  readonly fileSystem: FileSystem;
  readonly counter: Counter;
  readonly open = new Map<string, WrittenFile>();
  /** What could not be counted, by the last count. */
  skipped: readonly string[];
  last: Promise<unknown> = Promise.resolve();

  constructor(fileSystem: FileSystem, scan: UsageScan | undefined) {
    this.fileSystem = fileSystem;
    this.counter = new Counter(scan ?? { bytes: 0, entries: 0 });
    this.skipped = scan?.skipped ?? [];
  }

  async recount(signal: AbortSignal | undefined): Promise<void> {
    this.counter.scanBegins();
    let found: UsageScan | undefined;
    try {
      found = await scanUsage(this.fileSystem, { signal });
      this.skipped = found.skipped;
    } finally {
      this.counter.scanEnds(found);
    }
  }
}

export interface RoomOptions {
  /** Another room below the same folder: what is there is counted once for both, and each has its limits. */
  readonly beside?: Room | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The room below one folder by one set of limits, shared by all who are under these in this process. */
export class Room {
  readonly usage: Usage;
  readonly #folder: CountedFolder;
  #free: FreeSpace | undefined;
  /** Whether what is there is limited, so that it has been counted. */
  #isCounted: boolean;

  private constructor(folder: CountedFolder, usage: Usage, isCounted: boolean) {
    this.#isCounted = isCounted;
    this.#folder = folder;
    this.usage = usage;
  }

  /**
   * Counts what is there, where that is limited and was not counted yet.
   *
   * @param fileSystem what is limited, without any layer that hides something
   * @throws {FileError} see scanUsage {RangeError} for a limit that is no whole number
   */
  static async open(fileSystem: FileSystem, limits: RoomLimits, { beside, signal }: RoomOptions = {}): Promise<Room> {
    const { limit, isCounted } = amountOf(limits);
    const scan = isCounted && beside === undefined ? await scanUsage(fileSystem, { signal }) : undefined;
    const folder = beside === undefined ? new CountedFolder(fileSystem, scan) : beside.#folder;
    if (isCounted && beside !== undefined && !beside.#isCounted) await folder.recount(signal);
    const room = new Room(folder, new Usage(folder.counter, limit, limits.processes), isCounted);
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

  /** What is there, for all rooms below this folder. */
  get counter(): Counter {
    return this.#folder.counter;
  }

  /** What could not be counted, by the last count. */
  get skipped(): readonly string[] {
    return this.#folder.skipped;
  }

  #keepFree({ keepFree }: RoomLimits): void {
    this.#free =
      keepFree === undefined ? undefined : new FreeSpace(keepFree, () => availableBytes(this.#folder.fileSystem));
  }

  /** Counts again, for what others have changed. @throws {FileError} */
  async recount(signal?: AbortSignal): Promise<void> {
    await this.#folder.recount(signal);
  }

  /** Runs work on names one after the other, so that what is counted is what was there. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#folder.last.then(work);
    this.#folder.last = next.catch(() => {});
    return next;
  }

  /** Runs work that makes entries or content. They are counted before, and not counted where it fails. @throws {FileError} EDQUOT */
  async adding<T>(path: string, bytes: number, entries: number, work: () => Promise<T>): Promise<T> {
    if (!this.usage.take(bytes, entries)) throw new FileError(path, 'write', 'EDQUOT');
    try {
      return await work();
    } catch (error) {
      this.counter.add(-bytes, -entries);
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
      this.counter.giveUpReserved(bytes);
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
    const found = this.#folder.open.get(key);
    const file = found ?? {
      key,
      size: status.size,
      ends: new Set(),
      cuts: 0,
      opened: 0,
      unlinked: false,
      unsure: false,
    };
    file.opened++;
    this.#folder.open.set(key, file);
    return file;
  }

  isOpen(status: FileStatus): boolean {
    return this.#folder.open.has(keyOf(status));
  }

  /**
   * It is about to be closed, in turn: behind that the system may give its number to another file.
   *
   * @param size how long it is, where that had to be looked at
   * @returns the bytes that are free once it is closed
   */
  closing(file: WrittenFile, size: number | undefined): number {
    file.opened--;
    // Somebody who has opened it meanwhile is the one who looks at the end.
    if (file.opened > 0) return 0;
    if (size !== undefined) {
      this.counter.add(size - file.size);
      file.size = size;
    }
    this.#folder.open.delete(file.key);
    return file.unlinked ? file.size : 0;
  }

  /** An entry is gone. @param status as it was */
  removed(status: FileStatus): void {
    const isLast = status.kind === 'file' && status.links <= 1;
    const open = isLast ? this.#folder.open.get(keyOf(status)) : undefined;
    if (open !== undefined) open.unlinked = true;
    this.counter.add(isLast && open === undefined ? -status.size : 0, -1);
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
