import type { FileError } from '../base/errors.ts';
import type { Directory, FileStatus } from '../files/file-system.ts';
import { attempt } from '../files/landing-types.ts';

/** What a directory gets once everything in it is there. */
export interface LevelAttributes {
  /** Undefined leaves the mode as it is. */
  readonly mode: number | undefined;
  readonly times: { readonly atimeSeconds: number; readonly mtimeSeconds: number } | undefined;
}

/**
 * A directory that is being copied: where it comes from, where it goes, and how much of it is still under way. Files of several directories move at the same time, so a
 * directory is finished by whichever of its entries comes last.
 */
export class TreeLevel {
  readonly source: Directory;
  readonly target: Directory;
  readonly above: TreeLevel | undefined;
  readonly depth: number;
  /** What the target is, where its file system numbers its objects. */
  readonly targetStatus: FileStatus | undefined;
  /** The source's status, to notice when links lead back into it. */
  readonly status: FileStatus | undefined;
  readonly #attributes: LevelAttributes;
  readonly #failed: (error: FileError) => void;
  /** The listing itself and every entry under way. */
  #open = 1;

  constructor(
    source: Directory,
    target: Directory,
    options: {
      readonly above: TreeLevel | undefined;
      readonly status: FileStatus | undefined;
      readonly targetStatus?: FileStatus | undefined;
      readonly attributes: LevelAttributes;
      readonly failed: (error: FileError) => void;
    },
  ) {
    this.source = source;
    this.target = target;
    this.above = options.above;
    this.depth = (options.above?.depth ?? 0) + 1;
    this.status = options.status;
    this.targetStatus = options.targetStatus;
    this.#attributes = options.attributes;
    this.#failed = options.failed;
    this.above?.hold();
  }

  /** An entry is under way. */
  hold(): void {
    this.#open++;
  }

  /** An entry has come to its end, whatever the end is. Never throws. @returns a promise where that was the last one: it resolves when the directory is finished */
  release(): Promise<void> | undefined {
    return --this.#open > 0 ? undefined : this.#end();
  }

  async #end(): Promise<void> {
    await this.#finish();
    await this.above?.release();
  }

  async #finish(): Promise<void> {
    const { mode, times } = this.#attributes;
    const troubles = [
      times &&
        (await attempt(() => this.target.setOwnTimes(times.atimeSeconds, times.mtimeSeconds)).catch(() => undefined)),
      mode === undefined ? undefined : await attempt(() => this.target.setOwnMode(mode)).catch(() => undefined),
    ];
    for (const trouble of troubles) if (trouble !== undefined) this.#failed(trouble);
    await this.source.close().catch(() => {});
    await this.target.close().catch(() => {});
  }

  /** Whether the directory with this status is this one or one above: links that lead back make a tree without end. */
  isWithin(status: FileStatus): boolean {
    return isSame(this.status, status) || (this.above?.isWithin(status) ?? false);
  }

  /** Whether the directory with this status is one that the copy goes into: what is in it may be a copy already. */
  isTarget(status: FileStatus): boolean {
    return isSame(this.targetStatus, status) || (this.above?.isTarget(status) ?? false);
  }
}

/** Whether both are one object. Not every file system numbers them. */
export function isSame(one: FileStatus | undefined, other: FileStatus): boolean {
  if (Number(other.inode) === 0) return false;
  return one?.inode === other.inode && one.device === other.device;
}
