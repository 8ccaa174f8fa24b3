import { checked } from '../files/checked.ts';
import type { ContentCheck } from '../files/content-check.ts';
import type { Amount } from '../files/counter.ts';
import { guarded } from '../files/guard.ts';
import type { Permit } from '../files/guard-rules.ts';
import { limited as limitedBy } from '../files/limited.ts';
import { type Mount, mounts } from '../files/mounts.ts';
import { dropZone, readOnly } from '../files/presets.ts';
import { isPrivateName } from '../files/private-names.ts';
import { Room, type RoomLimits } from '../files/room.ts';
import { type RootedFileSystem, rootedFileSystem } from '../files/rooted.ts';
import { withStartPaths } from '../files/start-paths.ts';
import type { OwnFilesOf } from './recent-files.ts';
import { type Folder, findNested, findWayRound, isCounted, lookUp, type RootLimits } from './root-folders.ts';

/** What can be done in a root. `drop`: it takes new files and gives nothing back. */
export type RootMode = 'read-write' | 'read-only' | 'drop';

/** A folder that users see. */
export interface RootOptions extends Omit<RoomLimits, 'processes'> {
  /** What it is called: users see `/name` where there are several roots. A single one is `/`. */
  readonly name: string;
  /** The folder on this machine. It must exist. */
  readonly path: string;
  /** Default `read-write`. */
  readonly mode?: RootMode | undefined;
  /**
   * Only content that this finds good gets a name here: at the end of an upload, and when a file is renamed or linked. What is refused leaves nothing. Existing files are never changed where they stand, and symbolic links cannot be made. Default: any content will do.
   */
  readonly accept?: ContentCheck | undefined;
  /** A prefix in the way of network devices that stands for it: `flash:`. Default: none. */
  readonly prefix?: string | undefined;
}

export interface RootsOptions {
  /** How many processes serve the same roots. Default 1. */
  readonly processes?: number | undefined;
  /** How often roots with a quota are counted again. Milliseconds; default 10 minutes. */
  readonly recountMs?: number | undefined;
  /** Told in one line what goes wrong without stopping anything. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Earlier roots that sessions still use: what they have counted for a folder is shared. */
  readonly previous?: Roots | undefined;
}

/** How one user sees the roots. */
export interface RootsView {
  /** Names of the roots that the user sees. Default: all. */
  readonly roots?: readonly string[] | undefined;
  /** Where relative paths begin, as the user sees it. Default `/`. */
  readonly home?: string | undefined;
  /** What the user may do, by paths as the user sees them. Default: everything that the roots' modes allow. */
  readonly permit?: Permit | undefined;
  /** The answers of `permit` do not depend on the path: see GuardOptions. */
  readonly uniform?: boolean | undefined;
}

/** Whose view of the roots it is. */
export interface RootsSession {
  /** What was sent by whoever sees them so. Default: nothing was, and nobody else hears of what will be. */
  readonly sent?: OwnFilesOf | undefined;
  /** Aborted when what takes long is to be given up. */
  readonly signal?: AbortSignal | undefined;
}

/** What a root holds, for whoever watches. */
export interface RootUsage extends Amount {
  readonly name: string;
  /** Bytes that are promised to uploads under way. */
  readonly reserved: number;
}

const RECOUNT_MS = 10 * 60 * 1000;

interface Root {
  readonly options: RootOptions;
  readonly folder: Folder;
  readonly room: Room | undefined;
  /** With the limits, without the mode. */
  readonly fileSystem: RootedFileSystem;
}

/** The folders of a server, with what is counted for each. */
export class Roots {
  readonly #roots: ReadonlyMap<string, Root>;
  readonly #options: RootsOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #stop = new AbortController();
  #isCounting = false;

  private constructor(roots: ReadonlyMap<string, Root>, options: RootsOptions) {
    this.#roots = roots;
    this.#options = options;
    if (![...roots.values()].some(({ options: one }) => isCounted(one))) return;
    this.#timer = setInterval(() => void this.recount(), options.recountMs ?? RECOUNT_MS).unref();
  }

  /**
   * Looks the folders up and counts those that have a quota.
   *
   * @throws {FileError} where a folder is missing, is none, or has more in it than can be counted. {TypeError} {RangeError} for options that make no sense.
   */
  static async open(list: readonly RootOptions[], options: RootsOptions = {}): Promise<Roots> {
    if (list.length === 0) throw new TypeError('a server needs a root');
    const folders = await Promise.all(list.map(async ({ path }) => await lookUp(path)));
    const limits = list.map((root): RootLimits => ({ ...root, isChecked: root.accept !== undefined }));
    const nested = findNested(limits, folders) ?? findWayRound(limits, folders);
    if (nested !== undefined) throw new TypeError(nested.reason);
    const opened = new Roots(await openAll(list, folders, options), options);
    try {
      // Names and prefixes are checked where they are used.
      opened.view();
      if (opened.#roots.size < list.length) throw new TypeError('two roots have the same name');
      const prefixes = list.flatMap(({ prefix }) => prefix?.toLowerCase() ?? []);
      if (new Set(prefixes).size < prefixes.length) throw new TypeError('two roots have the same prefix');
    } catch (error) {
      opened.close();
      throw error;
    }
    for (const [name, { room }] of opened.#roots) opened.#warn(name, room);
    return opened;
  }

  /**
   * The roots as one user sees them.
   *
   * @throws {TypeError} for the name of a root that there is not, or a home that is not absolute
   */
  view({ roots: names, home, permit, uniform }: RootsView = {}, { sent, signal }: RootsSession = {}): RootedFileSystem {
    const seen = names?.map((name) => this.#named(name)) ?? [...this.#roots.values()];
    const list: Mount[] = seen.map((root) => ({ name: root.options.name, fileSystem: this.#inMode(root, sent) }));
    const [only] = list;
    const isSingle = this.#roots.size === 1;
    const all = isSingle && only !== undefined ? only.fileSystem : mounts(list);
    const guard = { isOwnName: isPrivateName, uniform, own: sent?.('rights'), signal };
    const allowed = permit === undefined ? all : guarded(all, permit, guard);
    const prefixes = new Map<string, string>();
    for (const { options } of seen)
      if (options.prefix !== undefined) prefixes.set(options.prefix, isSingle ? '/' : `/${options.name}`);
    return withStartPaths(allowed, { home, prefixes });
  }

  #named(name: string): Root {
    const root = this.#roots.get(name);
    if (root === undefined) throw new TypeError(`there is no root ${JSON.stringify(name)}`);
    return root;
  }

  #inMode({ options, fileSystem: inner }: Root, sent: OwnFilesOf | undefined): RootedFileSystem {
    const { mode = 'read-write', accept } = options;
    const fileSystem = accept === undefined ? inner : checked(inner, { check: accept, isOwnName: isPrivateName });
    switch (mode) {
      case 'read-write':
        return fileSystem;
      case 'read-only':
        return readOnly(fileSystem);
      case 'drop':
        return dropZone(fileSystem, { isOwnName: isPrivateName, own: sent?.(`root ${options.name}`) });
      default:
        mode satisfies never;
        throw new TypeError(`the mode ${String(mode)} is not read-write, read-only or drop`);
    }
  }

  /** The folders on this machine. */
  get paths(): readonly string[] {
    return [...this.#roots.values()].map(({ options }) => options.path);
  }

  /** What is counted and kept for a folder: the room of the root with this name, else that of any other root on it. */
  roomOf(folder: Folder, name: string): { readonly room: Room; readonly isOwn: boolean } | undefined {
    const rooms = [...this.#roots.values()].filter((root) => root.room !== undefined && root.folder.key === folder.key);
    const own = rooms.find(({ options }) => options.name === name);
    const room = (own ?? rooms.find(({ options }) => isCounted(options)) ?? rooms[0])?.room;
    return room === undefined ? undefined : { room, isOwn: own !== undefined };
  }

  /** What the roots with a quota hold. */
  usage(): RootUsage[] {
    return [...this.#roots.values()].flatMap((root) => {
      if (root.room === undefined || !isCounted(root.options)) return [];
      return [{ name: root.options.name, ...root.room.usage.amount, reserved: root.room.usage.reserved }];
    });
  }

  /** Counts again, for what others have changed. One at a time. Never rejects. */
  async recount(): Promise<void> {
    if (this.#isCounting) return;
    this.#isCounting = true;
    const done = new Set<string>();
    for (const root of this.#roots.values()) {
      if (!isCounted(root.options) || done.has(root.folder.key)) continue;
      done.add(root.folder.key);
      const { name } = root.options;
      try {
        await root.room?.recount(this.#stop.signal);
        this.#warn(name, root.room);
      } catch (error) {
        if (!this.#stop.signal.aborted)
          this.#options.onWarning?.(`root ${name}: could not be counted again: ${(error as Error).message}`);
      }
    }
    this.#isCounting = false;
  }

  #warn(name: string, room: Room | undefined): void {
    if (room !== undefined && room.skipped.length > 0)
      this.#options.onWarning?.(`root ${name}: not counted for its quota: ${room.skipped.join(', ')}`);
  }

  /** Counts no more. Idempotent; views can be used on. */
  close(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }
}

function isLimited(options: RootOptions): boolean {
  return isCounted(options) || options.keepFree !== undefined;
}

/** Opens each root. Roots on one folder share what is counted, and each has its own limits: those without any are counted too where another one is limited. */
async function openAll(
  list: readonly RootOptions[],
  folders: readonly Folder[],
  { processes, previous }: RootsOptions,
): Promise<ReadonlyMap<string, Root>> {
  const roots = new Map<string, Root>();
  const rooms = new Map<string, Room>();
  const limited = new Set(folders.filter((_, index) => isLimited(list[index] as RootOptions)).map(({ key }) => key));
  // Those with a quota first: what they have counted is good for the others.
  const order = [...list.entries()].sort(([, one], [, other]) => Number(isCounted(other)) - Number(isCounted(one)));
  for (const [index, options] of order) {
    const folder = folders[index] as Folder;
    const fileSystem = rootedFileSystem(options.path);
    let room: Room | undefined;
    if (limited.has(folder.key)) {
      const before = previous?.roomOf(folder, options.name);
      room = await openRoom(fileSystem, { ...options, processes }, before, rooms.get(folder.key));
      rooms.set(folder.key, rooms.get(folder.key) ?? room);
    }
    roots.set(options.name, {
      options,
      folder,
      room,
      fileSystem: room === undefined ? fileSystem : limitedBy(fileSystem, room),
    });
  }
  return new Map(list.map(({ name }) => [name, roots.get(name) as Root]));
}

async function openRoom(
  fileSystem: RootedFileSystem,
  { quota, maxEntries, keepFree, processes }: RoomLimits,
  before: { readonly room: Room; readonly isOwn: boolean } | undefined,
  beside: Room | undefined,
): Promise<Room> {
  const limits = { quota, maxEntries, keepFree, processes };
  if (before?.isOwn !== true) return await Room.open(fileSystem, limits, { beside: before?.room ?? beside });
  await before.room.change(limits);
  return before.room;
}
