import type { FileProgress } from '../../copy/observer.ts';

/** A file that is under way. */
export interface TalliedFile extends FileProgress {
  readonly name: string;
  /** Bytes: what was announced, or what has moved where that is more. */
  readonly size: number;
}

/** Counts what one run finds, moves and finishes. Pure. */
export class Tally {
  filesCopied = 0;
  /** Files that need not be copied. */
  filesSkipped = 0;
  bytesSkipped = 0;
  /** Files that are over, copied or not. */
  filesDone = 0;
  bytesMoved = 0;
  /** Bytes that were there already, from an earlier attempt: they count as found, and not as moved. */
  bytesResumed = 0;
  #filesFound = 0;
  #bytesFound = 0;
  /** Bytes of the files that are copied or may yet be. */
  #bytesExpected = 0;
  /** Files that were found and have not begun. */
  #waiting = 0;
  #foundAll = false;
  /** What the step has found, and what is counted and not yet found. */
  #step: Amount = { files: 0, bytes: 0 };
  #ahead: Amount | undefined;
  /** What was counted when the step began, and what has landed in it since. */
  #before = this.#counts();
  #landed: Amount = { files: 0, bytes: 0 };
  #isLastStep = true;
  readonly #underWay = new Set<TalliedFile>();

  /** A step of the run begins: the sources of one place. */
  step(isLast: boolean): void {
    this.#isLastStep = isLast;
    this.#foundAll = false;
    this.#step = { files: 0, bytes: 0 };
    this.#ahead = undefined;
    // What the step before left undone, because it ended as a whole, does not begin any more.
    this.#waiting = 0;
    this.#before = this.#counts();
    this.#landed = { files: 0, bytes: 0 };
  }

  #counts() {
    const { filesCopied, filesSkipped, bytesSkipped, filesDone } = this;
    return {
      filesCopied,
      filesSkipped,
      bytesSkipped,
      filesDone,
      filesFound: this.#filesFound,
      bytesFound: this.#bytesFound,
    };
  }

  /**
   * The step is done again over a new connection: what it has found will be found again, but for what has landed. What moved has moved.
   *
   * @param all what has landed is copied again too
   */
  again(all: boolean): void {
    const before = this.#before;
    if (all) this.#landed = { files: 0, bytes: 0 };
    const { files, bytes } = this.#landed;
    this.filesCopied = before.filesCopied + files;
    this.filesDone = before.filesDone + files;
    this.filesSkipped = before.filesSkipped;
    this.bytesSkipped = before.bytesSkipped;
    this.#filesFound = before.filesFound + files;
    this.#bytesFound = before.bytesFound + bytes;
    this.#bytesExpected = this.bytesMoved;
    this.#step = this.#landed;
    this.#ahead = undefined;
    this.#foundAll = false;
    this.#waiting = 0;
    this.#underWay.clear();
  }

  found(size: number): void {
    this.#foundAll = false;
    this.#waiting++;
    this.#add(size);
  }

  /** The step will find so much in all. */
  counted(files: number, bytes: number): void {
    if (!this.#foundAll) this.#ahead = less({ files, bytes }, this.#step);
  }

  foundAll(): void {
    this.#foundAll = true;
    // What was counted and is not there any more.
    this.#ahead = undefined;
  }

  #add(size: number): void {
    const found = { files: 1, bytes: size };
    this.#step = { files: this.#step.files + 1, bytes: this.#step.bytes + size };
    this.#ahead &&= less(this.#ahead, found);
    this.#filesFound++;
    this.#bytesFound += size;
    this.#bytesExpected += size;
  }

  /** How much there is in all is known. */
  get isComplete(): boolean {
    return (this.#foundAll || this.#ahead !== undefined) && this.#isLastStep;
  }

  /** Files that were found, or counted ahead. */
  get filesFound(): number {
    return this.#filesFound + (this.#ahead?.files ?? 0);
  }

  get bytesFound(): number {
    return this.#bytesFound + (this.#ahead?.bytes ?? 0);
  }

  get bytesLeft(): number {
    return Math.max(0, this.#bytesExpected - this.bytesMoved) + (this.#ahead?.bytes ?? 0);
  }

  /** The file that has been under way for longest. */
  get current(): TalliedFile | undefined {
    const [first] = this.#underWay;
    return first;
  }

  /** The next file begins, found ahead or not. */
  #next(size: number): void {
    if (this.#waiting > 0) this.#waiting--;
    else this.#add(size);
  }

  skip(size: number): void {
    this.#next(size);
    this.filesDone++;
    this.filesSkipped++;
    this.bytesSkipped += size;
    this.#bytesExpected -= size;
  }

  start(name: string, size: number): TalliedFile {
    this.#next(size);
    let moved = 0;
    const file: TalliedFile = {
      name,
      get size() {
        return Math.max(size, moved);
      },
      moved: (bytes) => {
        const before = file.size;
        moved += bytes;
        this.bytesMoved += bytes;
        this.#bytesExpected += file.size - before;
      },
      resumed: (bytes) => {
        moved += bytes;
        this.bytesResumed += bytes;
        this.#bytesExpected -= bytes;
      },
      finished: (landed) => {
        if (!this.#underWay.delete(file)) return;
        this.filesDone++;
        if (landed) {
          this.filesCopied++;
          this.#landed = { files: this.#landed.files + 1, bytes: this.#landed.bytes + size };
        }
        this.#bytesExpected -= file.size - moved;
      },
    };
    this.#underWay.add(file);
    return file;
  }
}

interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** What is left of an amount that may have been counted before it changed. */
function less(all: Amount, part: Amount): Amount {
  return { files: Math.max(0, all.files - part.files), bytes: Math.max(0, all.bytes - part.bytes) };
}
