import { type ErrorCode, FileError } from '../../src/base/errors.ts';
import type { Directory, OpenFile, OpenOptions } from '../../src/files/file-system.ts';
import { LayerDirectory, LayerFile } from '../../src/files/layer.ts';
import type { RootedFileSystem } from '../../src/files/rooted.ts';

/** What a file system is asked to do that changes something. */
export type FaultPoint =
  | 'open'
  | 'write'
  | 'truncate'
  | 'set mode'
  | 'set owner'
  | 'set times'
  | 'sync'
  | 'close'
  | 'mkdir'
  | 'rename'
  | 'link'
  | 'remove'
  | 'sync directory';

/** The faults of a file system: the `nth` operation (from 0), of whatever kind, fails. */
export class Faults {
  /** What was asked for, in order. */
  readonly asked: FaultPoint[] = [];
  /** Undefined: nothing fails. */
  plan: { readonly nth: number; readonly code: ErrorCode } | undefined;

  /** @throws {FileError} as planned */
  check(point: FaultPoint, path: string): void {
    const nth = this.asked.push(point) - 1;
    if (this.plan !== undefined && nth === this.plan.nth) throw new FileError(path, point, this.plan.code);
  }
}

/** A file system that fails as planned. A write that fails has written the first half; a close that fails has closed. */
export function faulty(fileSystem: RootedFileSystem, faults: Faults): RootedFileSystem {
  return {
    hides: fileSystem.hides,
    directory: async (path) => new FaultyDirectory(await fileSystem.directory(path), faults),
    followLast: async (path) => await fileSystem.followLast(path),
    resolve: async (path) => await fileSystem.resolve(path),
  };
}

class FaultyDirectory extends LayerDirectory {
  readonly #faults: Faults;

  constructor(inner: Directory, faults: Faults) {
    super(inner, faults);
    this.#faults = faults;
  }

  protected override over(inner: Directory): Directory {
    return new FaultyDirectory(inner, this.#faults);
  }

  override async open(name: string, options: OpenOptions): Promise<OpenFile> {
    this.#faults.check('open', this.pathOf(options.shownAs ?? name));
    return new FaultyFile(await super.open(name, options), this.#faults);
  }

  override async makeDirectory(name: string, mode: number): Promise<void> {
    this.#faults.check('mkdir', this.pathOf(name));
    await super.makeDirectory(name, mode);
  }

  override async rename(from: string, to: string, target?: Directory): Promise<void> {
    this.#faults.check('rename', this.pathOf(to));
    await super.rename(from, to, target);
  }

  override async makeHardLink(from: string, to: string, target?: Directory): Promise<void> {
    this.#faults.check('link', this.pathOf(to));
    await super.makeHardLink(from, to, target);
  }

  override async remove(name: string): Promise<void> {
    this.#faults.check('remove', this.pathOf(name));
    await super.remove(name);
  }

  override async sync(): Promise<void> {
    this.#faults.check('sync directory', this.path);
    await super.sync();
  }
}

class FaultyFile extends LayerFile {
  readonly #faults: Faults;
  #isClosed = false;

  constructor(inner: OpenFile, faults: Faults) {
    super(inner);
    this.#faults = faults;
  }

  override async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    try {
      this.#faults.check('write', this.path);
    } catch (error) {
      const all = Buffer.concat(chunks);
      await super.write([all.subarray(0, all.length / 2)], position);
      throw error;
    }
    await super.write(chunks, position);
  }

  override async truncate(size: number): Promise<void> {
    this.#faults.check('truncate', this.path);
    await super.truncate(size);
  }

  override async setMode(mode: number): Promise<void> {
    this.#faults.check('set mode', this.path);
    await super.setMode(mode);
  }

  override async setOwner(uid: number, gid: number): Promise<void> {
    this.#faults.check('set owner', this.path);
    await super.setOwner(uid, gid);
  }

  override async setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    this.#faults.check('set times', this.path);
    await super.setTimes(atimeSeconds, mtimeSeconds);
  }

  override async sync(): Promise<void> {
    this.#faults.check('sync', this.path);
    await super.sync();
  }

  override async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await super.close();
    this.#faults.check('close', this.path);
  }
}
