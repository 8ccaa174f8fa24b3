import { type ErrorCode, FileError } from '../../src/base/errors.ts';
import type { Directory, FileStatus, OpenFile, OpenOptions, Space } from '../../src/files/file-system.ts';
import { runsEverything } from './large.ts';

/*
 * A disk in memory that loses power.
 *
 * What POSIX promises is little: content is safe after fsync of the file, names are safe after fsync of the folder, a rename is one step. Everything else may reach the platter or not, and in any order. So the disk keeps what is durable, and
 * beside it what only the cache has:
 *
 * - for each file the durable content, and the content as programs see it;
 * - for each folder the durable names, and the changes of names since the last sync, in order.
 *
 * Every call of the Directory and OpenFile interfaces is counted, and `cutAt` ends the world at one of them: it is done in the cache, and then it and every later call throws PowerCut (the caller never learns whether it was done).
 * `survivors()` then gives what may be found after the restart: each combination of which changes of names have survived, and of what has become of each file that was not synced: nothing of it, all, its first half, or as many zeros.
 * A rename that survives may have left the old name too, as file systems without a journal do.
 *
 * The number of combinations is bounded: where there are more than `MAX_SURVIVORS`, the extremes (nothing, everything, all but one, one alone, what was first) and an even share of the others are taken.
 *
 * Besides, `failAt` has a call fail as a full or broken disk does; the world goes on.
 */

/** So many restarts are tried after one cut, and the extremes besides: all there are where what was cut syncs its folder now and then. More with SEALIFT_LARGE=1. */
export const MAX_SURVIVORS: number = runsEverything ? 5000 : 100;

/** Thrown from the moment on at which power is gone. It is no FileError: code under test must not mistake it for one. */
export class PowerCut extends Error {
  constructor() {
    super('power is gone');
  }
}

class Inode {
  durable: Buffer = Buffer.alloc(0);
  content: Buffer = Buffer.alloc(0);
  /** What symbolic links point to. */
  target: string | undefined;
  mode: number;
  uid = 0;
  links = 1;
  /** Set for what is no file. */
  kind: FileStatus['kind'] = 'file';
  readonly number: number;
  ctimeSeconds = 1000;

  constructor(number: number, mode: number) {
    this.number = number;
    this.mode = mode;
  }
}

/** One change of a name. */
type NameChange =
  | { readonly kind: 'set'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'drop'; readonly name: string }
  | { readonly kind: 'move'; readonly from: string; readonly to: string; readonly inode: Inode };

class Folder {
  durable = new Map<string, Inode>();
  names = new Map<string, Inode>();
  pending: NameChange[] = [];
  mode = 0o755;

  change(change: NameChange): void {
    this.pending.push(change);
    apply(this.names, change, false);
  }
}

function apply(names: Map<string, Inode>, change: NameChange, keepsOld: boolean): void {
  if (change.kind === 'set') names.set(change.name, change.inode);
  else if (change.kind === 'drop') names.delete(change.name);
  else {
    if (!keepsOld) names.delete(change.from);
    names.set(change.to, change.inode);
  }
}

/** The files of a disk as text, by `folder/name`: for comparing disks. */
export type DiskImage = ReadonlyMap<string, { readonly content: Buffer; readonly mode: number }>;

/** The disk. Each folder is reached by {@link directory} and has no folders in it. */
export class PowerCutDisk {
  readonly folders = new Map<string, Folder>();
  /** What was called, in order. */
  readonly calls: string[] = [];
  /** The call at which power is cut, from 0. */
  cutAt: number | undefined;
  /** Calls that fail, by their text, as they come. */
  failAt: ((call: string, index: number) => ErrorCode | undefined) | undefined;
  #isCut = false;
  #inodes = 0;

  directory(name: string): Directory {
    let folder = this.folders.get(name);
    if (folder === undefined) {
      folder = new Folder();
      this.folders.set(name, folder);
    }
    return new CutDirectory(this, name, folder);
  }

  newInode(mode: number): Inode {
    this.#inodes++;
    return new Inode(this.#inodes, mode);
  }

  /** Runs one call. What it does happens in the cache before power goes. */
  call<T>(text: string, path: string, work: () => T): T {
    if (this.#isCut) throw new PowerCut();
    const index = this.calls.push(text) - 1;
    const code = this.failAt?.(text, index);
    if (code !== undefined) throw new FileError(path, text, code);
    if (index !== this.cutAt) return work();
    this.#isCut = true;
    // A sync that was under way has written anything or nothing.
    if (!text.startsWith('sync')) {
      try {
        work();
      } catch {
        // It would have failed.
      }
    }
    throw new PowerCut();
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** What is on the disk for programs, now. */
  image(): DiskImage {
    const image = new Map<string, { content: Buffer; mode: number }>();
    for (const [name, folder] of this.folders)
      for (const [entry, inode] of folder.names)
        image.set(`${name}/${entry}`, { content: inode.content, mode: inode.mode });
    return image;
  }

  /** A text that is the same for disks that programs cannot tell apart. */
  signature(): string {
    const numbers = new Map<Inode, number>();
    const parts: string[] = [];
    for (const [name, folder] of [...this.folders].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const [entry, inode] of [...folder.names].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const number = numbers.get(inode) ?? numbers.size;
        numbers.set(inode, number);
        parts.push(`${name}/${entry} ${number} ${inode.kind} ${inode.mode} ${inode.content.toString('latin1')}`);
      }
    return parts.join('\n');
  }

  /** The disk as it is, whole and safe, in a new life. */
  restarted(): PowerCutDisk {
    return this.#restart(
      (folder) => folder.names,
      (inode) => inode.content,
    );
  }

  /** What may be found after the cut. @returns disks that go on living */
  *survivors(): Iterable<PowerCutDisk> {
    const changes = [...this.folders.values()].flatMap((folder) =>
      folder.pending.map((change) => ({ folder, change })),
    );
    const dirty = [...this.#allInodes()].filter((inode) => !inode.content.equals(inode.durable));
    // A change of a name: lost, survived, and for a rename survived with the old name left.
    const nameChoices = changes.map(({ change }) => (change.kind === 'move' ? 3 : 2));
    const dataChoices = dirty.map((inode) => this.#contents(inode).length);
    for (const choice of combinations([...nameChoices, ...dataChoices], MAX_SURVIVORS)) {
      const fates = new Map(changes.map(({ change }, index) => [change, choice[index] ?? 0]));
      const data = new Map(dirty.map((inode, index) => [inode, choice[changes.length + index] ?? 0]));
      yield this.#restart(
        (folder) => {
          const names = new Map(folder.durable);
          for (const change of folder.pending) {
            const fate = fates.get(change) ?? 0;
            if (fate > 0) apply(names, change, fate === 2);
          }
          return names;
        },
        (inode) => this.#contents(inode)[data.get(inode) ?? 0] ?? inode.durable,
      );
    }
  }

  #allInodes(): Set<Inode> {
    const inodes = new Set<Inode>();
    for (const folder of this.folders.values()) {
      for (const inode of [...folder.durable.values(), ...folder.names.values()]) inodes.add(inode);
      for (const change of folder.pending) if (change.kind !== 'drop') inodes.add(change.inode);
    }
    return inodes;
  }

  /** What may have become of a file: nothing written, everything, half of it, as many zeros. */
  #contents(inode: Inode): readonly Buffer[] {
    const { durable, content } = inode;
    if (content.equals(durable)) return [durable];
    const half = Buffer.concat([content.subarray(0, content.length >> 1), durable.subarray(content.length >> 1)]);
    return [durable, content, half, Buffer.alloc(content.length)];
  }

  #restart(namesOf: (folder: Folder) => ReadonlyMap<string, Inode>, contentOf: (inode: Inode) => Buffer): PowerCutDisk {
    const disk = new PowerCutDisk();
    const copies = new Map<Inode, Inode>();
    for (const [name, folder] of this.folders) {
      disk.directory(name);
      const there = disk.folders.get(name) as Folder;
      there.mode = folder.mode;
      for (const [entry, inode] of namesOf(folder)) {
        let copy = copies.get(inode);
        if (copy === undefined) {
          copy = disk.newInode(inode.mode);
          copy.content = contentOf(inode);
          copy.durable = copy.content;
          Object.assign(copy, { target: inode.target, kind: inode.kind, uid: inode.uid, links: 0 });
          copies.set(inode, copy);
        }
        copy.links++;
        there.names.set(entry, copy);
        there.durable.set(entry, copy);
      }
    }
    return disk;
  }
}

/** Choices from `[0, n)` for each place: all of them where there are few, else the extremes and an even share. */
function* combinations(sizes: readonly number[], most: number): Iterable<readonly number[]> {
  const total = sizes.reduce((product, size) => product * size, 1);
  const nth = (index: number): number[] => {
    let rest = index;
    return sizes.map((size) => {
      const digit = rest % size;
      rest = Math.floor(rest / size);
      return digit;
    });
  };
  if (total <= most) {
    for (let index = 0; index < total; index++) yield nth(index);
    return;
  }
  yield sizes.map(() => 0);
  yield sizes.map(() => 1);
  for (let place = 0; place < sizes.length; place++) {
    yield sizes.map((_, index) => Number(index < place));
    yield sizes.map((_, index) => Number(index !== place));
    yield sizes.map((_, index) => Number(index === place));
  }
  const step = total / most;
  for (let index = 0; index < most; index++) yield nth(Math.floor(index * step + step / 3));
}

class CutDirectory implements Directory {
  readonly path: string;
  readonly #disk: PowerCutDisk;
  readonly #folder: Folder;

  constructor(disk: PowerCutDisk, path: string, folder: Folder) {
    this.#disk = disk;
    this.path = path;
    this.#folder = folder;
  }

  async #call<T>(text: string, name: string, work: () => T): Promise<T> {
    return this.#disk.call(text, `${this.path}/${name}`, work);
  }

  #inode(name: string, operation: string): Inode {
    const inode = this.#folder.names.get(name);
    if (inode === undefined) throw new FileError(`${this.path}/${name}`, operation, 'ENOENT');
    return inode;
  }

  async *names(): AsyncIterable<string> {
    yield* await this.#call('list', '', () => [...this.#folder.names.keys()]);
  }

  async status(name: string): Promise<FileStatus | undefined> {
    return await this.#call(`status ${name}`, name, () => {
      const inode = this.#folder.names.get(name);
      return inode === undefined ? undefined : statusOf(inode);
    });
  }

  async ownStatus(): Promise<FileStatus> {
    return await this.#call('status .', '', () => {
      const own = new Inode(0, this.#folder.mode);
      own.kind = 'directory';
      return statusOf(own);
    });
  }

  async open(name: string, options: OpenOptions): Promise<OpenFile> {
    return await this.#call(`open ${name} ${options.access}`, name, () => {
      const path = `${this.path}/${options.shownAs ?? name}`;
      let inode = this.#folder.names.get(name);
      if (inode !== undefined && options.create === 'new') throw new FileError(path, 'open', 'EEXIST');
      if (inode?.kind === 'symlink') throw new FileError(path, 'open', 'ELOOP');
      if (inode?.kind === 'directory' && options.access !== 'read') throw new FileError(path, 'open', 'EISDIR');
      if (inode === undefined) {
        if (options.create === undefined) throw new FileError(path, 'open', 'ENOENT');
        inode = this.#disk.newInode(options.mode ?? 0o644);
        this.#folder.change({ kind: 'set', name, inode });
      }
      return new CutFile(this.#disk, path, name, inode);
    });
  }

  async directory(name: string): Promise<Directory> {
    throw new FileError(`${this.path}/${name}`, 'open', 'ENOTSUP');
  }

  async makeDirectory(name: string, mode: number): Promise<void> {
    await this.#call(`mkdir ${name}`, name, () => {
      const inode = this.#disk.newInode(mode);
      inode.kind = 'directory';
      this.#folder.change({ kind: 'set', name, inode });
    });
  }

  async rename(from: string, to: string, target?: Directory): Promise<void> {
    if (target !== undefined && target !== this) throw new FileError(`${this.path}/${to}`, 'rename', 'EXDEV');
    await this.#call(`rename ${to}`, to, () => {
      const inode = this.#inode(from, 'rename');
      const there = this.#folder.names.get(to);
      if (there?.kind === 'directory' && inode.kind !== 'directory')
        throw new FileError(`${this.path}/${to}`, 'rename', 'EISDIR');
      this.#folder.change({ kind: 'move', from, to, inode });
    });
  }

  async remove(name: string): Promise<void> {
    await this.#call(`remove ${name}`, name, () => {
      const inode = this.#inode(name, 'remove');
      if (inode.kind === 'directory') throw new FileError(`${this.path}/${name}`, 'remove', 'EISDIR');
      inode.links--;
      this.#folder.change({ kind: 'drop', name });
    });
  }

  async removeDirectory(name: string): Promise<void> {
    await this.#call(`rmdir ${name}`, name, () => this.#folder.change({ kind: 'drop', name }));
  }

  async makeHardLink(from: string, to: string): Promise<void> {
    await this.#call(`link ${to}`, to, () => {
      const inode = this.#inode(from, 'link');
      if (this.#folder.names.has(to)) throw new FileError(`${this.path}/${to}`, 'link', 'EEXIST');
      inode.links++;
      this.#folder.change({ kind: 'set', name: to, inode });
    });
  }

  async readLink(name: string): Promise<string> {
    return await this.#call(`readlink ${name}`, name, () => this.#inode(name, 'readlink').target ?? '');
  }

  async makeLink(name: string, target: string): Promise<void> {
    await this.#call(`symlink ${name}`, name, () => {
      const inode = this.#disk.newInode(0o777);
      inode.kind = 'symlink';
      inode.target = target;
      this.#folder.change({ kind: 'set', name, inode });
    });
  }

  async setAttributes(name: string, { mode }: { readonly mode?: number | undefined }): Promise<void> {
    await this.#call(`set attributes ${name}`, name, () => {
      if (mode !== undefined) this.#inode(name, 'set mode').mode = mode;
    });
  }

  async space(): Promise<Space> {
    throw new FileError(this.path, 'statfs', 'ENOTSUP');
  }

  async setOwnMode(mode: number): Promise<void> {
    await this.#call('set mode .', '', () => {
      this.#folder.mode = mode;
    });
  }

  async setOwnTimes(): Promise<void> {}

  async sync(): Promise<void> {
    await this.#call('sync .', '', () => {
      this.#folder.durable = new Map(this.#folder.names);
      this.#folder.pending = [];
    });
  }

  async close(): Promise<void> {}
}

class CutFile implements OpenFile {
  readonly path: string;
  readonly #disk: PowerCutDisk;
  readonly #name: string;
  readonly #inode: Inode;

  constructor(disk: PowerCutDisk, path: string, name: string, inode: Inode) {
    this.#disk = disk;
    this.path = path;
    this.#name = name;
    this.#inode = inode;
  }

  async #call<T>(text: string, work: () => T): Promise<T> {
    return this.#disk.call(`${text} ${this.#name}`, this.path, work);
  }

  async status(): Promise<FileStatus> {
    return await this.#call('fstat', () => statusOf(this.#inode));
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    return await this.#call('read', () => this.#inode.content.copy(buffer, 0, position));
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.#call('write', () => {
      const bytes = Buffer.concat(chunks);
      const { content } = this.#inode;
      const next = Buffer.alloc(Math.max(content.length, position + bytes.length));
      content.copy(next);
      bytes.copy(next, position);
      this.#inode.content = next;
    });
  }

  async truncate(size: number): Promise<void> {
    await this.#call('truncate', () => {
      const next = Buffer.alloc(size);
      this.#inode.content.copy(next);
      this.#inode.content = next;
    });
  }

  async setMode(mode: number): Promise<void> {
    await this.#call('chmod', () => {
      this.#inode.mode = mode;
    });
  }

  async setOwner(uid: number): Promise<void> {
    await this.#call('chown', () => {
      this.#inode.uid = uid;
    });
  }

  async setTimes(): Promise<void> {
    await this.#call('utimes', () => {});
  }

  async sync(): Promise<void> {
    await this.#call('sync', () => {
      this.#inode.durable = this.#inode.content;
    });
  }

  async close(): Promise<void> {
    await this.#call('close', () => {});
  }
}

function statusOf(inode: Inode): FileStatus {
  const { content, kind, mode, uid, links, ctimeSeconds } = inode;
  const times = { mtimeSeconds: ctimeSeconds, atimeSeconds: ctimeSeconds, ctimeSeconds };
  return { kind, mode, size: content.length, ...times, device: 1, inode: inode.number, links, uid, gid: 0 };
}
