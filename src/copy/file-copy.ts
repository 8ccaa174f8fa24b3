import { createHash, type Hash } from 'node:crypto';
import { ConnectionError, FileError } from '../base/errors.ts';
import type { Directory, OpenFile } from '../files/file-system.ts';
import type { Landing, LandingAttributes, LandingOptions } from '../files/landing-types.ts';
import { shownPath } from '../files/path.ts';
import type { Turns } from '../files/turns.ts';
import { digestByReading, verifyCopy } from './digest.ts';
import type { CopyObserver } from './observer.ts';
import { type FoundFile, MAX_UNSIZED_BYTES, OpenedSource } from './opened-source.ts';
import { resumeFor } from './overlap.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Place } from './target.ts';

export interface FileCopyOptions {
  /** Set times and the mode as the source has them. */
  readonly preserve: boolean;
  /** Which of the mode bits 07777 a file may get with `preserve`. */
  readonly modeMask: number;
  /** How a file comes to its name: see files/landing.ts. */
  readonly land: (directory: Directory, name: string, options: LandingOptions) => Promise<Landing>;
  /** Compare the content with its source before it gets its name. */
  readonly verify?: boolean | undefined;
  /** Go on where an earlier copy of the same source broke off, and let the next one do so. */
  readonly resume?: boolean | undefined;
  /** Keeps the files of this copy apart where they are one. */
  readonly turns?: Turns | undefined;
  readonly observer: CopyObserver;
  readonly rateLimit?: RateLimit | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Told of bytes that have moved, or (`isResumed`) were there already. */
type Moved = (bytes: number, isResumed?: boolean) => void;

/**
 * Copies one file to its place. On failure nothing is left there that was not there before, unless the target had to be written in place.
 *
 * @throws {FileError} this file could not be copied. Errors of the connection pass.
 */
export async function copyFile(
  found: FoundFile,
  place: Place & { readonly follow: boolean },
  options: FileCopyOptions,
): Promise<void> {
  const progress = options.observer.fileStarted(found.name, found.status.size, {
    source: shownPath(found.directory.path, found.name),
    target: shownPath(place.directory.path, place.name),
  });
  let landed = false;
  let bytes = 0;
  const moved = (count: number, isResumed = false): void => {
    bytes += count;
    if (isResumed && progress.resumed !== undefined) progress.resumed(count);
    else progress.moved(count);
  };
  try {
    await copyOpened(found, place, options, moved);
    landed = true;
  } catch (error) {
    throw lostDuring(error, shownPath(found.directory.path, found.name), bytes, found.status.size);
  } finally {
    progress.finished(landed);
  }
}

/** Adds to a lost connection what was under way; any other error comes back as it is. */
function lostDuring(error: unknown, path: string, bytes: number, size: number): unknown {
  if (!(error instanceof ConnectionError) || error.code !== 'ERR_CONNECTION_LOST') return error;
  const reason = error.message.slice(error.host.length + 2);
  return new ConnectionError(error.host, 'transfer', `${reason} while copying ${path} (${bytes} of ${size} bytes)`, {
    code: 'ERR_CONNECTION_LOST',
    cause: error,
  });
}

async function copyOpened(
  found: FoundFile,
  place: Place & { readonly follow: boolean },
  options: FileCopyOptions,
  moved: Moved,
): Promise<void> {
  const { rateLimit, resume, signal } = options;
  // A target that is far away may need no content, and one that is gone on with not all of it.
  const isNear = place.directory.entries === undefined;
  const readsAhead = isNear && resume !== true;
  // A local target collects more chunks than two before it writes them.
  const source = await OpenedSource.open(found, { readsAhead, fresh: isNear, rateLimit, signal });
  try {
    await new FileCopy(found, source, place, options).run(moved);
  } finally {
    await source.close();
  }
}

class FileCopy {
  /** As it is now that it is open. */
  readonly #found: FoundFile;
  readonly #opened: OpenedSource;
  readonly #source: OpenFile;
  readonly #place: Place & { readonly follow: boolean };
  readonly #options: FileCopyOptions;
  /** The digest of what was read; undefined where nobody asks for it, or where the beginning was not read. */
  #hash: Hash | undefined;

  constructor(
    found: FoundFile,
    opened: OpenedSource,
    place: Place & { readonly follow: boolean },
    options: FileCopyOptions,
  ) {
    this.#found = { ...found, status: opened.status };
    this.#opened = opened;
    this.#source = opened.file;
    this.#place = place;
    this.#options = options;
  }

  async run(moved: Moved): Promise<void> {
    const { signal, verify, resume, turns, land, observer } = this.#options;
    const { directory, name, follow } = this.#place;
    const { status } = this.#found;
    const landing = await land(directory, name, {
      mode: status.mode & 0o777,
      follow,
      turns,
      left: (path) => observer.left?.(path),
      check: verify === true ? (where, called) => this.#check(where, called) : undefined,
      resume: resume === true && status.size > 0 ? resumeFor(this.#source, status) : undefined,
    });
    const interrupt = () => landing.interrupt?.();
    signal?.addEventListener('abort', interrupt, { once: true });
    let landed = false;
    try {
      // It may have waited for its turn.
      signal?.throwIfAborted();
      await this.#move(landing, moved);
      await landing.commit(this.#attributes());
      landed = true;
    } finally {
      signal?.removeEventListener('abort', interrupt);
      if (!landed) await landing.discard();
    }
  }

  async #check(directory: Directory, name: string): Promise<void> {
    const shown = shownPath(this.#place.directory.path, this.#place.name);
    await verifyCopy(this.#found, { directory, name, shown }, this.#hash?.digest());
  }

  #attributes(): LandingAttributes {
    const { preserve, modeMask } = this.#options;
    const { mode, atimeSeconds, mtimeSeconds } = this.#found.status;
    // scp keeps whole seconds: what a peer can hold decides, and the same copy gives the same times in every mode.
    const times = { atimeSeconds: Math.floor(atimeSeconds), mtimeSeconds: Math.floor(mtimeSeconds) };
    return preserve ? { mode: mode & modeMask, times } : {};
  }

  async #move(landing: Landing, moved: Moved): Promise<void> {
    const { rateLimit, signal, verify } = this.#options;
    const { size } = this.#found.status;
    const start = landing.offset ?? 0;
    if (verify === true && start === 0) this.#hash = createHash('sha256');
    let total = start;
    if (start > 0) moved(start, true);
    if (await this.#copyThere(landing, moved)) return;
    let hasMore = false;
    const held = this.#opened.isPaced ? undefined : rateLimit;
    for await (const piece of this.#opened.content(start)) {
      hasMore ||= size > 0 && total + piece.length > size;
      const chunk = hasMore ? piece.subarray(0, size - total) : piece;
      total += chunk.length;
      if (size === 0 && total > MAX_UNSIZED_BYTES) throw this.#tooLarge();
      this.#hash?.update(chunk);
      const wait = held?.wait(chunk.length, signal);
      if (wait !== undefined) await wait;
      const busy = landing.write(chunk);
      moved(chunk.length);
      if (busy !== undefined) await busy;
      signal?.throwIfAborted();
    }
    if (total < size) throw this.#tooShort(total);
    if (hasMore) await this.#requireGrowth();
    await this.#requireUnchanged(landing);
  }

  /** A target that is written in place may be the source itself, by another path: then it is we who change it, to what it is. Only a digest tells that from a change. */
  async #requireUnchanged(landing: Landing): Promise<void> {
    const streamed = this.#hash?.copy();
    if ((landing.isInPlace === true && streamed === undefined) || !(await this.#opened.hasChanged())) return;
    if (landing.isInPlace === true && streamed !== undefined) {
      const { directory, name } = this.#found;
      if (Buffer.compare(streamed.digest(), await digestByReading({ directory, name })) === 0) return;
    }
    throw new FileError(this.#source.path, 'read', 'ERR_FILE_CHANGED', { reason: 'was changed while it was copied' });
  }

  /** A file that has grown since it was found is copied as it was then. One that is larger than its size is not what its host says, and how much of it is missing nobody knows. */
  async #requireGrowth(): Promise<void> {
    const { size } = this.#found.status;
    if ((await this.#source.status()).size > size) return;
    throw new FileError(this.#source.path, 'read', 'ERR_FILE_CHANGED', {
      reason: `holds more than the ${size} bytes that its host says`,
    });
  }

  /** Two files of one server: nothing need come here. */
  async #copyThere(landing: Landing, moved: (bytes: number) => void): Promise<boolean> {
    const { size } = this.#found.status;
    const source = this.#source;
    if (source.copyTo === undefined || landing.copyFrom === undefined || size === 0) return false;
    if (this.#options.rateLimit !== undefined || !(await landing.copyFrom(source, size, moved))) return false;
    // Nothing was read on the way that could be hashed.
    this.#hash = undefined;
    return true;
  }

  #tooLarge(): FileError {
    return new FileError(this.#source.path, 'read', 'EFBIG', {
      reason: `its size is given as 0 but it holds more than ${MAX_UNSIZED_BYTES} bytes`,
    });
  }

  #tooShort(total: number): FileError {
    return new FileError(this.#source.path, 'read', 'ERR_FILE_CHANGED', {
      reason: `ends after ${total} of ${this.#found.status.size} bytes`,
    });
  }
}
