import type { Directory } from '../files/file-system.ts';
import { Gate } from './gate.ts';
import { isCertain, isShortage, withCure } from './shortage.ts';

/** So many directories are listed side by side, and where answers take long. */
const LISTINGS = 8;
const FAR_LISTINGS = 64;

/** From this round trip on a server is far away. Milliseconds. */
const FAR_MS = 5;

/** So many small files may be under way for each millisecond of a round trip, and at most: 20,000 in a second, each of which takes two round trips. */
const FILES_FOR_EACH_MS = 40;
const MOST_FILES = 2048;

/** Where to go changes slowly: it is looked at with the first of so many files. */
const FILES_BETWEEN_LOOKS = 32;

/** Files weigh what they may keep in memory while they move: between these two, and together not more than the third. Bytes. */
const LEAST_WEIGHT = 8 * 1024;
const MOST_WEIGHT = 4 * 1024 * 1024;
const TOTAL_WEIGHT = 16 * 1024 * 1024;

/** So many handles of a server are left for looks at what was copied. */
const SPARE_HANDLES = 2;

/** A file whose server does not say why it cannot be opened is tried so often while others are under way. */
const MAX_TRIES = 8;

/** The work of one file. */
interface FileTask {
  readonly weight: number;
  readonly work: () => Promise<void>;
  /** Called once, at its end. */
  readonly done: () => Promise<void> | undefined;
  readonly tries: number;
}

export interface FileQueueOptions {
  /** How many files may be under way. */
  readonly parallel: number;
  /** More of them where answers take long. */
  readonly adapts: boolean;
  /** Reports the failure of one file. */
  readonly failed: (error: unknown) => void;
  /** The copy as a whole has ended: nothing is tried again. */
  readonly isOver: () => boolean;
}

/** Lets files and listings of a copy run side by side, as many as both sides have room for: where too much is open, files are put back, and fewer run from then on until it goes well again. */
export class FileQueue {
  readonly #options: FileQueueOptions;
  readonly #files: Gate;
  readonly #listings = new Gate(LISTINGS);
  #looks = 0;

  constructor(options: FileQueueOptions) {
    this.#options = options;
    this.#files = new Gate(options.parallel, TOTAL_WEIGHT);
  }

  /** Runs a listing beside others, if there is room for it now. It must not reject. */
  tryListing(task: () => Promise<void>): boolean {
    return this.#listings.tryStart(1, task);
  }

  /**
   * Begins the work of a file; its failure is reported.
   *
   * @param size of the file in bytes
   * @param done called once at its end, whatever that is
   * @returns a promise where it waits for its turn: it resolves when the work has begun
   */
  start(size: number, work: () => Promise<void>, done: () => Promise<void> | undefined): Promise<void> | undefined {
    const weight = Math.min(Math.max(size, LEAST_WEIGHT), MOST_WEIGHT);
    const task = { weight, work, done, tries: 1 };
    return this.#files.start(weight, () => this.#run(task));
  }

  /** How much is under way depends on who holds the files: a server that lets little be open is asked for less, one that is far away for more. */
  heed(source: Directory, target: Directory): void {
    if (this.#looks++ % FILES_BETWEEN_LOOKS !== 0) return;
    const told = [source.maxOpen, target.maxOpen].filter((most) => most !== undefined);
    if (told.length > 0) {
      const most = Math.min(...told) / told.length;
      const listings = Math.min(FAR_LISTINGS, Math.floor(most / 4));
      const sessions = Math.min(
        source.maxOpen === undefined ? Infinity : (source.sessions ?? 1),
        target.maxOpen === undefined ? Infinity : (target.sessions ?? 1),
      );
      this.#listings.limit(listings);
      // Listings are all of one session, and each may be that one.
      this.#files.limit(sessions * Math.floor(Math.max(most - listings - SPARE_HANDLES, most / 2)));
    }
    const roundTripMs = Math.max(source.roundTripMs ?? 0, target.roundTripMs ?? 0);
    if (!this.#options.adapts || roundTripMs < FAR_MS) return;
    this.#listings.widen(FAR_LISTINGS);
    this.#files.widen(Math.min(Math.ceil(roundTripMs * FILES_FOR_EACH_MS), MOST_FILES));
  }

  async #run(task: FileTask): Promise<void> {
    try {
      await task.work();
      this.#files.grow();
    } catch (error) {
      if (this.#isPutBack(task, error)) return;
    }
    await task.done();
  }

  /** A file for which there is no room now gets another turn; any other failure is reported. */
  #isPutBack(task: FileTask, error: unknown): boolean {
    if (!isShortage(error) || this.#options.isOver()) {
      this.#options.failed(error);
      return false;
    }
    const isLast = task.tries >= MAX_TRIES && !isCertain(error);
    if (this.#files.running === 1 || isLast) {
      this.#options.failed(withCure(error));
      return false;
    }
    this.#files.shrink();
    const again = { ...task, tries: task.tries + 1 };
    void this.#files.start(task.weight, () => this.#run(again));
    return true;
  }

  /** Runs the work of a directory; where too much is open, once more when the files that are under way are done. @throws what the work throws */
  async directory(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isShortage(error) || this.#options.isOver()) throw error;
      this.#files.shrink();
      await this.#files.quiet();
      await work().catch((again: unknown) => {
        throw isShortage(again) ? withCure(again) : again;
      });
    }
  }

  /** Resolves when all listings are done. */
  async listed(): Promise<void> {
    await this.#listings.idle();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#listings.idle();
    await this.#files.idle();
  }
}
