import { FileError, RemoteError } from '../base/errors.ts';
import type { Directory, DirectoryEntry, FileStatus, FileSystem } from '../files/file-system.ts';
import { locate, shownPath } from '../files/path.ts';
import { isPassedOver, phantom } from './dry-run.ts';
import type { EntryFilter } from './entry-rules.ts';
import { explained } from './explained.ts';
import { copyFile, type FileCopyOptions } from './file-copy.ts';
import { FileQueue } from './file-queue.ts';
import { leadsBack } from './leads-back.ts';
import { copyLink } from './link-copy.ts';
import { listedOnce } from './listed-once.ts';
import { MAX_NAMES_SEEN, type NameBudget } from './names-seen.ts';
import { notRegular, requireSized } from './opened-source.ts';
import type { Place, Target } from './target.ts';
import { isSame, type LevelAttributes, TreeLevel } from './tree-level.ts';

/** How deep directories may nest where links cannot be told from what they lead to; OpenSSH's bound. */
const MAX_DEPTH = 64;

export interface TreeCopyOptions extends FileCopyOptions {
  readonly recursive: boolean;
  /** Whether links inside the target are followed: see TreeReceiver. */
  readonly followLinks: 'always' | 'top' | 'never';
  /** How many files may be under way. */
  readonly parallel: number;
  /** More of them where answers take long. Default false. */
  readonly adapts?: boolean | undefined;
  /** Which entries are copied. Default: all. */
  readonly rules?: EntryFilter | undefined;
  /** Leave out files that are there already with the same size and are not older. */
  readonly update?: boolean | undefined;
  /** Copy symbolic links as links. Default: what they lead to is copied. */
  readonly copyLinks?: boolean | undefined;
  /** Change nothing: tell the observer what would be copied. */
  readonly dryRun?: boolean | undefined;
  /** What an earlier attempt of the same copy has brought over, and this one adds to: it is not copied again. */
  readonly landed?: Set<string> | undefined;
}

/** Called when an entry has come to its end. Never throws. */
type Done = () => Promise<void> | undefined;

/** An entry on its way: what it is called here and there. */
interface Step {
  readonly source: Directory;
  readonly name: string;
  readonly status: FileStatus;
  readonly place: Place;
  readonly above: TreeLevel | undefined;
  /** The components below the operand's parent, joined by slashes: what rules look at. */
  readonly path: string;
  /** The entry is a link to what `status` tells. Known where a listing told. */
  readonly isLink?: boolean;
}

/**
 * Copies files and trees from one file system to another, several files at a time. Links in the source are followed, as scp does. What cannot be copied is reported and passed over; what ends
 * the copy as a whole is thrown by {@link TreeCopy.finish}.
 */
export class TreeCopy {
  readonly #options: TreeCopyOptions;
  readonly #target: Target;
  readonly #queue: FileQueue;
  /** Names of the top level that were used: a second one waits for the first, so that the last one wins. */
  readonly #topNames = new Set<string>();
  readonly #names: NameBudget = { left: MAX_NAMES_SEEN };
  /** The directory that the top level goes into, where its file system numbers its objects. */
  #root: FileStatus | undefined;
  #fatal: { readonly error: unknown } | undefined;
  /** How many entries could not be copied; each was reported. */
  failures = 0;

  constructor(target: Target, options: TreeCopyOptions) {
    this.#target = target;
    this.#options = options;
    this.#queue = new FileQueue({
      parallel: options.parallel,
      adapts: options.adapts === true,
      failed: (error) => this.#report(error),
      isOver: () => this.#fatal !== undefined,
    });
  }

  /**
   * Begins to copy the file or tree at `path`. Much of it may still be under way when this resolves: {@link finish} waits for it.
   *
   * @param name how a directory that is named by its contents is called in the target; absent, only what is in it is copied
   */
  async copy(source: FileSystem, path: string, name?: string): Promise<void> {
    if (this.#fatal !== undefined) return;
    await this.#guarded(async () => {
      const located = await locate(source, path);
      const close = async () => await located.directory.close();
      if (located.name === '') await this.#namedByContents(located.directory, path, close, name);
      else await this.#top(located.directory, located.name, close);
    });
  }

  /**
   * Waits for all that is under way.
   *
   * @throws what ended the copy as a whole.
   */
  async finish(): Promise<void> {
    await this.#queue.listed();
    this.#options.observer.foundAll?.();
    await this.#queue.idle();
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }

  /** Runs one step. The failure of an entry is reported; any other ends the copy. Never rejects. */
  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (error instanceof FileError || error instanceof RemoteError) this.#failed(error);
    else this.#fatal ??= { error };
  }

  /** A step and what is to be done at its end. Never rejects. */
  async #whole(step: () => Promise<void>, done: Done): Promise<void> {
    await this.#guarded(step);
    await done();
  }

  readonly #failed = (error: FileError | RemoteError): void => {
    // After the end of the whole copy every file under way fails too, and says nothing new.
    if (this.#fatal !== undefined) return;
    this.failures++;
    this.#options.observer.failed(error);
  };

  async #top(source: Directory, name: string, close: () => Promise<void>): Promise<void> {
    try {
      const status = await this.#look({ name }, source);
      const place = this.#target.place(name, this.#meansDirectory(status) ? 'directory' : 'file');
      if (this.#topNames.has(place.name)) await this.#queue.idle();
      this.#topNames.add(place.name);
      await this.#step({ source, name, status, place, above: undefined, path: name }, close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** `dir/.` and `..`: what is in the directory goes into the target, which is made if it is missing. */
  async #namedByContents(source: Directory, path: string, close: () => Promise<void>, name?: string): Promise<void> {
    try {
      if (!this.#options.recursive) throw notRegular(path);
      const status = await source.ownStatus();
      if (!this.#target.isInside || name !== undefined) {
        const place = this.#target.place(name ?? '', 'directory');
        await this.#step({ source, name: '.', status, place, above: undefined, path: name ?? '' }, close);
        return;
      }
      const nothing = { mode: undefined, times: undefined };
      const target = await this.#target.openContents();
      const targetStatus = await this.#numbered(target, status);
      await this.#contents(source, target, { above: undefined, status, targetStatus, path: '' }, nothing);
    } catch (error) {
      await close();
      throw error;
    }
  }

  #meansDirectory(status: FileStatus): boolean {
    return status.kind === 'directory' && this.#options.recursive;
  }

  /** What an entry is, links followed. */
  #look({ name, status }: DirectoryEntry, directory: Directory): FileStatus | Promise<FileStatus> {
    if (status !== undefined && (this.#options.copyLinks === true || status.kind !== 'symlink')) return status;
    return this.#lookAt(name, directory);
  }

  async #lookAt(name: string, directory: Directory): Promise<FileStatus> {
    const { copyLinks } = this.#options;
    const status = await directory.status(name, { follow: copyLinks !== true });
    if (status === undefined) throw new FileError(shownPath(directory.path, name), 'stat', 'ENOENT');
    return status;
  }

  /** Starts one entry; `done` is called when it has come to its end. @returns a promise where it has not begun yet */
  #step(step: Step, done: Done): Promise<void> | undefined {
    const { source, name, status, path, place } = step;
    const isDirectory = this.#meansDirectory(status);
    if (path !== '' && this.#options.rules?.wants(path, isDirectory ? 'directory' : 'file', status) === false)
      return done();
    this.#queue.heed(source, place.directory);
    if (isDirectory) {
      const task = () => this.#whole(() => this.#queue.directory(() => this.#directory(step)), done);
      // Where there is no room for another listing, this one goes down by itself: so nobody waits for anybody.
      return this.#queue.tryListing(task) ? undefined : task();
    }
    const isLink = status.kind === 'symlink' && this.#options.copyLinks === true;
    if (status.kind !== 'file' && !isLink) throw notRegular(shownPath(source.path, name));
    if (!Number.isSafeInteger(status.size)) requireSized(shownPath(source.path, name), status);
    const key =
      this.#options.landed && JSON.stringify([shownPath(source.path, name), status.size, status.mtimeSeconds]);
    if (key !== undefined && this.#options.landed?.has(key) === true) return done();
    if (!isLink) {
      this.#options.observer.found?.(status.size);
      if (this.#options.rateLimit === undefined)
        for (const side of [source, place.directory]) side.expect?.(status.size);
    }
    return this.#queue.start(status.size, () => (isLink ? this.#link(step, key) : this.#file(step, key)), done);
  }

  #follows(above: TreeLevel | undefined): boolean {
    const { followLinks } = this.#options;
    if (followLinks === 'top') return above === undefined;
    return followLinks === 'always' || (above === undefined && !this.#target.isInside);
  }

  /** @param key what `landed` is to know it by */
  async #file({ source, name, status, place, above }: Step, key: string | undefined): Promise<void> {
    if (this.#fatal !== undefined) return;
    const { signal, update, dryRun, landed } = this.#options;
    signal?.throwIfAborted();
    const found = { directory: source, name, status };
    if ((update === true || dryRun === true) && (await isPassedOver(found, place, this.#options))) {
      if (key !== undefined) landed?.add(key);
      return;
    }
    const target = { directory: place.directory, name: place.name, follow: this.#follows(above) };
    try {
      await copyFile(found, target, this.#options);
    } catch (error) {
      throw await explained(place, error);
    }
    if (key !== undefined) landed?.add(key);
  }

  /** A link is made as it stands, wherever it points: nothing here follows it. */
  async #link({ source, name, place }: Step, key: string | undefined): Promise<void> {
    if (this.#fatal !== undefined) return;
    const { observer, dryRun, landed } = this.#options;
    const target = await source.readLink(name);
    const paths = { source: shownPath(source.path, name), target: shownPath(place.directory.path, place.name) };
    try {
      if (dryRun === true) observer.planned?.(name, 0, paths);
      else await copyLink(place, target);
    } catch (error) {
      throw await explained(place, error);
    }
    if (key !== undefined) landed?.add(key);
  }

  /** What a target directory is, where it can be the same as a source: on this machine, and where it is more than planned. */
  async #numbered(target: Directory, source: FileStatus): Promise<FileStatus | undefined> {
    const isNear = Number(source.inode) !== 0 && target.entries === undefined && this.#options.dryRun !== true;
    return isNear ? await target.ownStatus() : undefined;
  }

  /** @throws {FileError} EINVAL where what is to be copied is a directory that the copy goes into */
  async #requireOutside({ source, name, status, place, above }: Step): Promise<void> {
    if (Number(status.inode) === 0 || place.directory.entries !== undefined || this.#options.dryRun === true) return;
    if (above === undefined) this.#root = await place.directory.ownStatus();
    if (above?.isTarget(status) !== true && !isSame(this.#root, status)) return;
    throw new FileError(shownPath(source.path, name), 'copy', 'EINVAL', {
      reason: 'cannot copy a directory into itself',
    });
  }

  async #directory(step: Step): Promise<void> {
    const { source, name, status, place, above, path: below, isLink } = step;
    const path = shownPath(source.path, name);
    if (above?.isWithin(status) === true || (isLink === true && (await leadsBack(source, name)))) {
      throw new FileError(path, 'open', 'ELOOP', { reason: 'links lead back into a directory above' });
    }
    if ((above?.depth ?? 0) >= MAX_DEPTH && source.entries !== undefined) {
      throw new FileError(path, 'open', 'ERR_LIMIT', { reason: `directories nest deeper than ${MAX_DEPTH} levels` });
    }
    const from = await source.directory(name, { follow: true });
    let to: Directory | undefined;
    try {
      await this.#requireOutside(step);
      const entered = await this.#enter(place, status.mode, this.#follows(above)).catch(async (error: unknown) => {
        throw await explained(place, error);
      });
      to = entered.directory;
      const attributes = await this.#attributesFor(to, status, entered.isNew);
      const targetStatus = await this.#numbered(to, status);
      await this.#contents(from, to, { above, status, targetStatus, path: below }, attributes);
    } catch (error) {
      await from.close();
      await to?.close();
      throw error;
    }
  }

  /** Makes the directory, or goes into the one that is there. */
  async #enter(place: Place, mode: number, follow: boolean): Promise<{ directory: Directory; isNew: boolean }> {
    const { directory: parent, name } = place;
    if (this.#options.dryRun === true) return { directory: await phantom(parent, name), isNew: false };
    let isNew = true;
    try {
      await parent.makeDirectory(name, (mode & 0o1777) | 0o700);
    } catch (error) {
      const known = await parent.status(name, { follow });
      if (known === undefined) throw error;
      const path = shownPath(parent.path, name);
      if (known.kind === 'symlink')
        throw new FileError(path, 'open', 'ELOOP', { reason: 'is a symbolic link, which is not followed here' });
      if (known.kind !== 'directory') throw new FileError(path, 'open', 'ENOTDIR');
      // An attempt before this one made it, and had no time to give it its mode.
      isNew = this.#options.landed?.has(madeKey(parent, name)) === true;
    }
    if (isNew) this.#options.landed?.add(madeKey(parent, name));
    return { directory: await parent.directory(name, { follow }), isNew };
  }

  /** A new directory is writable for us while it is filled and gets its real mode, lessened by the umask, in the end. An old one keeps its own unless `preserve`. */
  async #attributesFor(directory: Directory, status: FileStatus, isNew: boolean): Promise<LevelAttributes> {
    const { preserve, modeMask } = this.#options;
    const times = preserve
      ? { atimeSeconds: Math.floor(status.atimeSeconds), mtimeSeconds: Math.floor(status.mtimeSeconds) }
      : undefined;
    const asMade = isNew && (status.mode & 0o700) === 0o700;
    if (this.#options.dryRun === true) return { mode: undefined, times: undefined };
    if (!preserve && (!isNew || asMade)) return { mode: undefined, times };
    const current = (await directory.ownStatus()).mode;
    // Set-group-ID on a directory comes from the directory above it there, not from the source.
    const wanted = (current & 0o6000) | (preserve ? status.mode & (modeMask | 0o1000) : current & status.mode & 0o1777);
    return { mode: wanted === current ? undefined : wanted, times };
  }

  async #contents(
    source: Directory,
    target: Directory,
    where: {
      readonly above: TreeLevel | undefined;
      readonly status: FileStatus;
      readonly targetStatus?: FileStatus | undefined;
      readonly path: string;
    },
    attributes: LevelAttributes,
  ): Promise<void> {
    const level = new TreeLevel(source, target, { ...where, attributes, failed: this.#failed });
    await this.#guarded(async () => {
      for await (const entry of listedOnce(source, this.#names, this.#failed)) {
        if (this.#fatal !== undefined) return;
        const ready = this.#options.observer.ready?.();
        if (ready !== undefined) await ready;
        this.#options.signal?.throwIfAborted();
        const begun = this.#below(level, entry, where.path);
        if (begun !== undefined) await begun;
      }
    });
    await level.release();
  }

  /** Starts an entry of a directory. @returns a promise where it has not begun yet. Never rejects. */
  #below(level: TreeLevel, entry: DirectoryEntry, path: string): Promise<void> | undefined {
    level.hold();
    // Once: by the step when it comes to its end, or here where it could not begin.
    let released = false;
    const release: Done = () => {
      if (released) return undefined;
      released = true;
      return level.release();
    };
    const failed = (error: unknown): Promise<void> | undefined => {
      this.#report(error);
      return release();
    };
    try {
      const status = this.#look(entry, level.source);
      const begun =
        status instanceof Promise
          ? status.then((told) => this.#step(this.#stepBelow(level, entry, path, told), release))
          : this.#step(this.#stepBelow(level, entry, path, status), release);
      return begun?.catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  #stepBelow(level: TreeLevel, entry: DirectoryEntry, path: string, status: FileStatus): Step {
    const { name } = entry;
    const place = { directory: level.target, name };
    const below = path === '' ? name : `${path}/${name}`;
    const isLink = entry.status?.kind === 'symlink';
    return { source: level.source, name, status, place, above: level, path: below, isLink };
  }
}

/** A directory among what has landed: it was made by this copy. */
function madeKey(parent: Directory, name: string): string {
  return JSON.stringify([shownPath(parent.path, name)]);
}
