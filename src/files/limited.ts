import type { Directory, FileStatus, OpenFile, OpenOptions, Space } from './file-system.ts';
import { LayerDirectory } from './layer.ts';
import { LimitedFile } from './limited-file.ts';
import { isPrivateName } from './private-names.ts';
import type { Room } from './room.ts';
import type { RootedFileSystem } from './rooted.ts';

/**
 * A file system in which what is written is counted. What would exceed the quota fails with EDQUOT, what would fill the disk too far with ENOSPC, both before anything is written: at once where the size of a file is known
 * (OpenOptions.size), else with the write that is too much. While a file is replaced both contents count.
 */
export function limited(fileSystem: RootedFileSystem, room: Room): RootedFileSystem {
  return {
    hides: fileSystem.hides,
    ...(fileSystem.absolute === undefined ? {} : { absolute: fileSystem.absolute }),
    directory: async (path) => new LimitedDirectory(await fileSystem.directory(path), room),
    followLast: async (path) => await fileSystem.followLast(path),
    resolve: async (path) => await fileSystem.resolve(path),
  };
}

class LimitedDirectory extends LayerDirectory {
  readonly #room: Room;

  constructor(inner: Directory, room: Room) {
    super(inner, room);
    this.#room = room;
  }

  protected override over(inner: Directory): Directory {
    return new LimitedDirectory(inner, this.#room);
  }

  override async open(name: string, options: OpenOptions): Promise<OpenFile> {
    if (options.access === 'read') return await super.open(name, options);
    const shown = this.pathOf(options.shownAs ?? name);
    const reserved = options.size ?? 0;
    if (reserved > 0) await this.#room.reserve(shown, reserved);
    try {
      return await this.#room.inTurn(() => this.#openToWrite(name, options, shown, reserved));
    } catch (error) {
      this.#room.counter.giveUpReserved(reserved);
      throw error;
    }
  }

  async #openToWrite(name: string, options: OpenOptions, shown: string, reserved: number): Promise<OpenFile> {
    const follow = options.follow === true;
    const isNew = options.create !== undefined && (await super.status(name, { follow })) === undefined;
    const open = async (): Promise<OpenFile> => await super.open(name, options);
    const file = isNew ? await this.#room.adding(shown, 0, 1, open) : await open();
    let status: FileStatus;
    try {
      status = await file.status();
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    return new LimitedFile(file, this.#room, this.#room.opened(status), reserved);
  }

  override async makeDirectory(name: string, mode: number): Promise<void> {
    await this.#room.adding(this.pathOf(name), 0, 1, () => super.makeDirectory(name, mode));
  }

  override async makeLink(name: string, target: string): Promise<void> {
    await this.#room.adding(this.pathOf(name), 0, 1, () => super.makeLink(name, target));
  }

  override async makeHardLink(from: string, to: string, target?: Directory): Promise<void> {
    await this.#room.inTurn(async () => {
      const link = async (): Promise<void> => await super.makeHardLink(from, to, target);
      const status = await super.status(from);
      this.#moving(status);
      const isUpload = isPrivateName(from) || (status !== undefined && this.#room.isOpen(status));
      if (!isUpload) return await this.#room.adding(this.pathOf(to), 0, 1, link);
      // An upload gets its name so and loses the other at once: that must not fail at the last moment.
      await link();
      this.#room.counter.add(0, 1);
    });
  }

  override async remove(name: string): Promise<void> {
    await this.#room.inTurn(async () => {
      const status = await super.status(name);
      await super.remove(name);
      if (status !== undefined) this.#room.removed(status);
    });
  }

  override async removeDirectory(name: string): Promise<void> {
    await this.#room.inTurn(async () => {
      await super.removeDirectory(name);
      this.#room.counter.add(0, -1);
    });
  }

  override async rename(from: string, to: string, target?: Directory): Promise<void> {
    const there = this.below(target, to, 'rename') ?? this.inner;
    await this.#room.inTurn(async () => {
      const [moved, replaced] = [await super.status(from), await there.status(to)];
      this.#moving(moved);
      await super.rename(from, to, target);
      // Two names of one file: rename(2) leaves both.
      const isSame = moved?.inode === replaced?.inode && moved?.device === replaced?.device;
      if (replaced !== undefined && !isSame) this.#room.removed(replaced);
    });
  }

  #moving(status: FileStatus | undefined): void {
    if (status !== undefined)
      this.#room.counter.moving(status.kind === 'directory' ? Number.POSITIVE_INFINITY : status.size);
  }

  /** What is left of the quota is all there is. */
  override async space(): Promise<Space> {
    const space = await super.space();
    const left = this.#room.usage.left;
    if (!Number.isFinite(left)) return space;
    const blocks = (bytes: number): bigint => BigInt(Math.floor(bytes / space.blockBytes));
    const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);
    return {
      ...space,
      blocks: least(space.blocks, blocks(this.#room.usage.amount.bytes + left)),
      freeBlocks: least(space.freeBlocks, blocks(left)),
      availableBlocks: least(space.availableBlocks, blocks(left)),
    };
  }
}
