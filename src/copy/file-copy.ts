import { createHash, type Hash } from 'node:crypto';
import { ConnectionError, FileError } from '../base/errors.ts';
import type { ContentCheck, VerifiedContent } from '../files/content-check.ts';
import type { Directory, OpenFile } from '../files/file-system.ts';
import type { Landing, LandingAttributes, LandingOptions } from '../files/landing-types.ts';
import { shownPath } from '../files/path.ts';
import { readAhead } from '../files/read-ahead.ts';
import type { Turns } from '../files/turns.ts';
import { ContentLook } from './content-look.ts';
import { contentAt, digestByReading, verifyCopy } from './digest.ts';
import type { CopyObserver } from './observer.ts';
import { type FoundFile, MAX_UNSIZED_BYTES, OpenedSource } from './opened-source.ts';
import { resumeFor } from './overlap.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Place } from './target.ts';
import { copyWhole } from './whole-copy.ts';

export interface FileCopyOptions {
  /** Set times and the mode as the source has them. */
  readonly preserve: boolean;
  /** Which of the mode bits 07777 a file may get with `preserve`. */
  readonly modeMask: number;
  /** How a file comes to its name: see files/landing.ts. */
  readonly land: (directory: Directory, name: string, options: LandingOptions) => Promise<Landing>;
  /** Compare the content with its source before it gets its name. */
  readonly verify?: boolean | undefined;
  /** Only what this finds good gets a name; the bytes that it sees are the bytes that are written. What would be written where it stands is refused. */
  readonly content?: ContentCheck | undefined;
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
    if (await copyWhole(found, place, options)) {
      moved(found.status.size);
      landed = true;
      return;
    }
    const content = await copyOpened(found, place, options, moved);
    if (content !== undefined) progress.verified?.(content);
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
): Promise<VerifiedContent | undefined> {
  const { rateLimit, resume, signal } = options;
  // A target that is far away may need no content, and one that is gone on with not all of it.
  const isNear = isLocal(place.directory);
  const readsAhead = isNear && resume !== true;
  // A local target collects more chunks than two before it writes them.
  const source = await OpenedSource.open(found, { readsAhead, fresh: isNear, rateLimit, signal });
  try {
    return await new FileCopy(found, source, place, options).run(moved);
  } finally {
    await source.close();
  }
}

/** Files that are far away come with listings that bring statuses. */
function isLocal(directory: Directory): boolean {
  return directory.entries === undefined;
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
  /** Sees what is written, from its first byte on. */
  #look: ContentLook | undefined;
  /** A part of what is there was sent by an earlier attempt, and what was looked at is the source: both must be the same. */
  #mustCompare = false;

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

  /** @returns what the content was found to be, where that was looked at */
  async run(moved: Moved): Promise<VerifiedContent | undefined> {
    const { signal, verify, resume, turns, land, observer, content } = this.#options;
    const { directory, name, follow } = this.#place;
    const { status } = this.#found;
    if (content !== undefined) this.#look = new ContentLook(content, name, this.#source.path);
    const landing = await land(directory, name, {
      mode: status.mode & 0o777,
      ...(status.size === 0 ? {} : { size: status.size }),
      follow,
      turns,
      left: (path) => observer.left?.(path),
      check: verify === true || content !== undefined ? (where, called) => this.#check(where, called) : undefined,
      neverInPlace: content !== undefined,
      readsBack: content !== undefined && isLocal(directory),
      resume: resume === true && status.size > 0 && this.#mayResume ? resumeFor(this.#source, status) : undefined,
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
      return this.#look?.found;
    } finally {
      signal?.removeEventListener('abort', interrupt);
      if (!landed) await landing.discard();
    }
  }

  /** What is there already must be looked at too: between two hosts that would take as long as to send it again. */
  get #mayResume(): boolean {
    return this.#look === undefined || isLocal(this.#place.directory) || isLocal(this.#found.directory);
  }

  async #check(directory: Directory, name: string): Promise<void> {
    await this.#look?.end(() => contentAt({ directory, name }));
    if (this.#options.verify !== true && !this.#mustCompare) return;
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
    if (start > 0 && this.#look !== undefined) await this.#lookAtBegun(landing, start, this.#look);
    if (await this.#copyThere(landing, moved)) return;
    let hasMore = false;
    const held = this.#opened.isPaced ? undefined : rateLimit;
    for await (const piece of this.#opened.content(start)) {
      hasMore ||= size > 0 && total + piece.length > size;
      const chunk = hasMore ? piece.subarray(0, size - total) : piece;
      total += chunk.length;
      // What was refused is removed by the check at the end.
      if (this.#look?.write(chunk) === false) return;
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

  /** What an earlier attempt has brought here is looked at as it is; what it has sent elsewhere, as it is here, and compared in the end. */
  async #lookAtBegun(landing: Landing, length: number, look: ContentLook): Promise<void> {
    const isHere = isLocal(this.#place.directory) && landing.begun !== undefined;
    if (!isHere) {
      this.#mustCompare = true;
      this.#hash = createHash('sha256');
    }
    let left = length;
    for await (const chunk of (isHere ? landing.begun?.() : undefined) ?? readAhead(this.#source, length)) {
      this.#options.signal?.throwIfAborted();
      left -= chunk.length;
      if (!isHere) this.#hash?.update(chunk);
      look.write(chunk);
    }
    if (left > 0) throw this.#tooShort(length - left);
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
    if (this.#look !== undefined) return false;
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
