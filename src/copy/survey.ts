import type { Directory, DirectoryEntry, FileStatus, FileSystem } from '../files/file-system.ts';
import { locate } from '../files/path.ts';
import type { EntryFilter } from './entry-rules.ts';
import { Gate } from './gate.ts';
import { leadsBack } from './leads-back.ts';

/** So many directories of a host are listed side by side: enough to be ahead of the copy, few beside what the copy itself asks for. */
const LISTINGS = 4;

/** After so many entries a survey gives up: whoever lists without end is not to be counted. */
const MAX_ENTRIES: number = 10_000_000;

const MAX_DEPTH = 64;

export interface SurveyOptions {
  readonly recursive: boolean;
  readonly copyLinks?: boolean | undefined;
  readonly rules?: EntryFilter | undefined;
}

/** How much there is to copy. */
export interface SurveyResult {
  readonly files: number;
  readonly bytes: number;
}

interface Level {
  readonly status: FileStatus;
  readonly above: Level | undefined;
  readonly depth: number;
  readonly path: string;
}

/**
 * Counts what a copy will find, ahead of the copy and by itself: it keeps nothing but two sums, so a tree of any size can be told as a whole. Of this machine it asks one thing at a time; from a host it takes the statuses of
 * the listings. What it cannot look at it passes over, since the copy will report it.
 */
export class Survey {
  readonly #options: SurveyOptions;
  readonly #listings = new Gate(LISTINGS);
  #files = 0;
  #bytes = 0;
  #entries = 0;
  #isStopped = false;

  constructor(options: SurveyOptions) {
    this.#options = options;
  }

  /** @returns undefined where it was stopped, or gave up. Never rejects */
  async run(source: FileSystem, paths: readonly string[]): Promise<SurveyResult | undefined> {
    for (const path of paths) await this.#operand(source, path).catch(() => {});
    await this.#listings.idle();
    return this.#isStopped ? undefined : { files: this.#files, bytes: this.#bytes };
  }

  /** Nobody needs the result any more. */
  stop(): void {
    this.#isStopped = true;
  }

  async #operand(source: FileSystem, path: string): Promise<void> {
    const { directory, name } = await locate(source, path);
    try {
      if (name !== '') await this.#entry(directory, { name }, undefined);
      else if (this.#options.recursive) await this.#contents(directory, undefined, await directory.ownStatus(), '');
      // A directory below may still be under way, and is reached through this one.
      await this.#listings.idle();
    } finally {
      await directory.close();
    }
  }

  async #entry(directory: Directory, entry: DirectoryEntry, above: Level | undefined): Promise<void> {
    const { copyLinks, recursive, rules } = this.#options;
    const { name } = entry;
    if (++this.#entries > MAX_ENTRIES) this.stop();
    const isTold = entry.status !== undefined && (copyLinks === true || entry.status.kind !== 'symlink');
    const status = isTold ? entry.status : await directory.status(name, { follow: copyLinks !== true });
    if (status === undefined) return;
    const path = above === undefined || above.path === '' ? name : `${above.path}/${name}`;
    const isTree = status.kind === 'directory' && recursive;
    if (rules?.wants(path, isTree ? 'directory' : 'file', status) === false) return;
    if (isTree) {
      const isLink = entry.status?.kind === 'symlink';
      const task = () => this.#directory(directory, name, { above, status, path, isLink }).catch(() => {});
      if (directory.entries === undefined || !this.#listings.tryStart(1, task)) await task();
    } else if (status.kind === 'file' && Number.isSafeInteger(status.size)) {
      this.#files++;
      this.#bytes += status.size;
    }
  }

  async #directory(
    parent: Directory,
    name: string,
    { above, status, path, isLink }: Omit<Level, 'depth'> & { readonly isLink: boolean },
  ): Promise<void> {
    if (isWithin(above, status) || (above?.depth ?? 0) >= MAX_DEPTH) return;
    if (isLink && (await leadsBack(parent, name))) return;
    const directory = await parent.directory(name, { follow: true });
    try {
      await this.#contents(directory, above, status, path);
    } finally {
      await directory.close();
    }
  }

  async #contents(directory: Directory, above: Level | undefined, status: FileStatus, path: string): Promise<void> {
    const level: Level = { status, above, depth: (above?.depth ?? 0) + 1, path };
    for await (const entry of directory.entries?.() ?? named(directory)) {
      if (this.#isStopped) return;
      await this.#entry(directory, entry, level).catch(() => {});
    }
  }
}

async function* named(directory: Directory): AsyncGenerator<DirectoryEntry, void, void> {
  for await (const name of directory.names()) yield { name };
}

function isWithin(level: Level | undefined, status: FileStatus): boolean {
  if (status.inode === 0 || status.inode === 0n) return false;
  for (let at = level; at !== undefined; at = at.above)
    if (at.status.inode === status.inode && at.status.device === status.device) return true;
  return false;
}
