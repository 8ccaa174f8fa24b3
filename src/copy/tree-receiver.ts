import { FileError, type RemoteError } from '../base/errors.ts';
import type { ContentCheck } from '../files/content-check.ts';
import type { Directory, FileSystem } from '../files/file-system.ts';
import { land } from '../files/landing.ts';
import { attempt, type Landing } from '../files/landing-types.ts';
import { shownPath } from '../files/path.ts';
import type { IncomingEntry, IncomingFile, SinkFile, SinkReceiver } from '../scp/sink.ts';
import { ContentLook } from './content-look.ts';
import { contentAt } from './digest.ts';
import type { CopyObserver } from './observer.ts';
import type { RateLimit } from './rate-limit.ts';
import { type Place, Target, type TargetMemory } from './target.ts';

export interface ReceiveOptions {
  /** Set modes and times as they were sent. */
  readonly preserve: boolean;
  /** Set times that are sent without having been asked for too. Default false. */
  readonly anyTimes?: boolean | undefined;
  /** The target must be an existing directory (several sources, or `-d`). */
  readonly targetIsDirectory: boolean;
  /** What earlier attempts of the same copy know of the target, and later ones will. */
  readonly memory?: TargetMemory | undefined;
  /**
   * Whether links inside the target are followed. `never` for what a stranger sends; `always` where the peer acts with the rights of the user whose links they are.
   */
  readonly followLinks: 'always' | 'top' | 'never';
  /** Which of the mode bits 07777 an entry may get with `preserve`. Directories may have the sticky bit in any case. */
  readonly modeMask: number;
  /** Content is on stable storage before a file counts as landed. */
  readonly durable?: boolean | undefined;
  /** How a file comes to its name. Default: `land` of files/landing.ts. */
  readonly land?: typeof land | undefined;
  /** Only what this finds good gets a name. What would be written where it stands is refused. */
  readonly content?: ContentCheck | undefined;
  /** Passes the names of the top level. @throws {ProtocolError} */
  readonly checkName?: ((name: string) => void) | undefined;
  readonly observer: CopyObserver;
  readonly rateLimit?: RateLimit | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A directory that the source has entered. */
interface Level {
  readonly directory: Directory;
  readonly entry: IncomingEntry;
  /** The mode to give it when it is left; undefined to leave it as it is. */
  readonly finalMode: number | undefined;
}

/**
 * Puts what a sink receives into a file system: the local side of a download and the remote side of an upload. Knows scp's rule for targets: into an existing directory under the entry's name, else under the
 * target's own name.
 */
export class TreeReceiver implements SinkReceiver {
  readonly #options: ReceiveOptions;
  readonly #target: Target;
  readonly #levels: Level[] = [];

  private constructor(target: Target, options: ReceiveOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Looks the target up.
   *
   * @throws {FileError} where it must be a directory and is not, or where its parent is missing.
   */
  static async open(fileSystem: FileSystem, path: string, options: ReceiveOptions): Promise<TreeReceiver> {
    return new TreeReceiver(
      await Target.open(fileSystem, path, { mustBeDirectory: options.targetIsDirectory, memory: options.memory }),
      options,
    );
  }

  /** Where the next entry goes. */
  #place(entry: IncomingEntry, kind: 'file' | 'directory'): Place {
    const level = this.#levels.at(-1);
    if (level !== undefined) return { directory: level.directory, name: entry.name };
    this.#options.checkName?.(entry.name);
    return this.#target.place(entry.name, kind);
  }

  /** The target itself was named by the user, so a link there is followed; what lies below is another matter. */
  get #follow(): boolean {
    if (this.#options.followLinks === 'top') return this.#levels.length === 0;
    return this.#options.followLinks === 'always' || (this.#levels.length === 0 && !this.#target.isInside);
  }

  async file(entry: IncomingFile): Promise<SinkFile> {
    const { directory, name } = this.#place(entry, 'file');
    const { preserve, durable, modeMask, content } = this.#options;
    const path = shownPath(directory.path, name);
    const look = content === undefined ? undefined : new ContentLook(content, name, path);
    const landing = await (this.#options.land ?? land)(directory, name, {
      mode: entry.mode,
      size: entry.size,
      follow: this.#follow,
      durable: durable === true,
      ...(look === undefined
        ? {}
        : {
            check: async (where, called) => void (await look.end(() => contentAt({ directory: where, name: called }))),
            neverInPlace: true,
            readsBack: directory.entries === undefined,
          }),
    });
    const attributes = { mode: preserve ? entry.mode & modeMask : undefined, times: this.#timesOf(entry) };
    return new ReceivedFile(path, { landing, look }, this.#options, entry, attributes);
  }

  #timesOf(entry: IncomingEntry): IncomingEntry['times'] {
    return this.#options.preserve || this.#options.anyTimes === true ? entry.times : undefined;
  }

  async enter(entry: IncomingEntry): Promise<void> {
    const { directory: parent, name } = this.#place(entry, 'directory');
    const follow = this.#follow;
    const known = await parent.status(name, { follow });
    if (known?.kind === 'symlink') {
      throw new FileError(shownPath(parent.path, name), 'open', 'ELOOP', {
        reason: 'is a symbolic link, which is not followed here',
      });
    }
    if (known !== undefined && known.kind !== 'directory')
      throw new FileError(shownPath(parent.path, name), 'open', 'ENOTDIR');
    if (known === undefined) {
      await parent.makeDirectory(name, (entry.mode & 0o777) | 0o700);
      if (this.#options.durable === true) await parent.sync();
    }
    const directory = await parent.directory(name, { follow });
    try {
      this.#levels.push({ directory, entry, finalMode: await this.#finalMode(directory, entry, known === undefined) });
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  /** A new directory is writable for us while it is filled and gets its real mode, lessened by the umask, when it is left. An old one keeps its own unless `preserve`. */
  async #finalMode(directory: Directory, entry: IncomingEntry, isNew: boolean): Promise<number | undefined> {
    if (!isNew && !this.#options.preserve) return undefined;
    const current = (await directory.ownStatus()).mode;
    // Set-group-ID on a directory comes from the directory above it here, not from the peer.
    const wanted =
      (current & 0o6000) |
      (this.#options.preserve ? entry.mode & (this.#options.modeMask | 0o1000) : current & entry.mode & 0o777);
    return wanted === current ? undefined : wanted;
  }

  async leave(): Promise<void> {
    const level = this.#levels.pop();
    if (level === undefined) throw new RangeError('leave() without a matching enter()');
    const { directory, entry, finalMode } = level;
    try {
      const times = this.#timesOf(entry);
      const troubles = [
        times && (await attempt(() => directory.setOwnTimes(times.atimeSeconds, times.mtimeSeconds))),
        finalMode === undefined ? undefined : await attempt(() => directory.setOwnMode(finalMode)),
      ];
      for (const trouble of troubles) if (trouble !== undefined) throw trouble;
    } finally {
      await directory.close();
    }
  }

  ready(): Promise<void> | undefined {
    return this.#options.observer.ready?.();
  }

  failed(error: FileError | RemoteError): void {
    this.#options.observer.failed(error);
  }

  /** Lets go of all directories. Those that were not left get their modes nevertheless. Never throws. */
  async close(): Promise<void> {
    for (let level = this.#levels.pop(); level !== undefined; level = this.#levels.pop()) {
      if (level.finalMode !== undefined) await level.directory.setOwnMode(level.finalMode).catch(() => {});
      await level.directory.close().catch(() => {});
    }
    await this.#target.close().catch(() => {});
  }
}

/** A file on its way in: its landing, watched by the progress display and held back by the rate limit. */
class ReceivedFile implements SinkFile {
  readonly path: string;
  readonly #landing: Landing;
  readonly #look: ContentLook | undefined;
  readonly #options: ReceiveOptions;
  readonly #attributes: Parameters<Landing['commit']>[0];
  readonly #progress: ReturnType<CopyObserver['fileStarted']>;

  constructor(
    path: string,
    { landing, look }: { readonly landing: Landing; readonly look: ContentLook | undefined },
    options: ReceiveOptions,
    entry: IncomingFile,
    attributes: Parameters<Landing['commit']>[0],
  ) {
    this.path = path;
    this.#landing = landing;
    this.#look = look;
    this.#options = options;
    this.#attributes = attributes;
    this.#progress = options.observer.fileStarted(entry.name, entry.size, { target: path });
  }

  write(chunk: Buffer): Promise<void> | undefined {
    // What is refused fails at its end: the source sends all of it in any case.
    const busy = this.#look?.write(chunk) === false ? undefined : this.#landing.write(chunk);
    this.#progress.moved(chunk.length, chunk);
    const held = this.#options.rateLimit?.wait(chunk.length, this.#options.signal);
    if (busy === undefined) return held;
    return held === undefined ? busy : Promise.all([busy, held]).then(() => {});
  }

  interrupt(): void {
    this.#landing.interrupt?.();
  }

  async commit(): Promise<void> {
    await this.#landing.commit(this.#attributes);
    const verified = this.#look?.found ?? this.#landing.verified;
    if (verified !== undefined) this.#progress.verified?.(verified);
    this.#progress.finished(true);
  }

  async discard(): Promise<void> {
    await this.#landing.discard();
    this.#progress.finished(false);
  }
}
