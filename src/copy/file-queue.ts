import type { Directory } from '../files/file-system.ts';
import { Gate } from './gate.ts';
import { isCertain, isShortage, withCure } from './shortage.ts';

/** So many directories are listed side by side. */
const LISTINGS = 8;

/** Files weigh what they may keep in memory while they move: between these two, and together not more than the third. Bytes. */
const LEAST_WEIGHT = 64 * 1024;
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
  readonly done: () => Promise<void>;
  readonly tries: number;
}

export interface FileQueueOptions {
  /** How many files may be under way. */
  readonly parallel: number;
  /** Runs a step and reports its failure. Never rejects. */
  readonly guarded: (step: () => Promise<void>) => Promise<void>;
  /** The copy as a whole has ended: nothing is tried again. */
  readonly isOver: () => boolean;
}

/** Lets files and listings of a copy run side by side, as many as both sides have room for: where too much is open, files are put back, and fewer run from then on until it goes well again. */
export class FileQueue {
  readonly #options: FileQueueOptions;
  readonly #files: Gate;
  readonly #listings = new Gate(LISTINGS);

  constructor(options: FileQueueOptions) {
    this.#options = options;
    this.#files = new Gate(options.parallel, TOTAL_WEIGHT);
  }

  /** Runs a listing beside others, if there is room for it now. It must not reject. */
  tryListing(task: () => Promise<void>): boolean {
    return this.#listings.tryStart(1, task);
  }

  /**
   * Resolves when the work of a file has begun; its failure is reported.
   *
   * @param size of the file in bytes
   * @param done called once at its end, whatever that is
   */
  async start(size: number, work: () => Promise<void>, done: () => Promise<void>): Promise<void> {
    const weight = Math.min(Math.max(size, LEAST_WEIGHT), MOST_WEIGHT);
    await this.#files.start(weight, () => this.#run({ weight, work, done, tries: 1 }));
  }

  /** A server that lets little be open at a time is asked for less. */
  heed(...directories: readonly Directory[]): void {
    const told = directories.map(({ maxOpen }) => maxOpen).filter((most) => most !== undefined);
    if (told.length === 0) return;
    const most = Math.min(...told) / told.length;
    this.#listings.limit(Math.floor(most / 4));
    this.#files.limit(Math.floor(Math.max(most - LISTINGS - SPARE_HANDLES, most / 2)));
  }

  async #run(task: FileTask): Promise<void> {
    let isPutBack = false;
    await this.#options.guarded(async () => {
      try {
        await task.work();
        this.#files.grow();
      } catch (error) {
        if (!isShortage(error) || this.#options.isOver()) throw error;
        const isLast = task.tries >= MAX_TRIES && !isCertain(error);
        if (this.#files.running === 1 || isLast) throw withCure(error);
        isPutBack = true;
      }
    });
    if (!isPutBack) return await task.done();
    this.#files.shrink();
    void this.#files.start(task.weight, () => this.#run({ ...task, tries: task.tries + 1 }));
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
