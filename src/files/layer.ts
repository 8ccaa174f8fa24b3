import { FileError } from '../base/errors.ts';
import type { VerifiedContent } from './content-check.ts';
import type { Directory, EntryAttributes, FileStatus, OpenFile, OpenOptions, Space } from './file-system.ts';
import { joinPath } from './path.ts';

/**
 * A directory that hands everything on to the one below it: layers over a file system override what they care about. Of the optional members of Directory it has none, since each of them is a way round a
 * layer that does not know it; they are for files that are far away, which layers are not put over.
 */
export abstract class LayerDirectory implements Directory {
  protected readonly inner: Directory;
  /** The layer itself. Directories of the same layer can be renamed into each other. */
  protected readonly layer: object;

  constructor(inner: Directory, layer: object) {
    this.inner = inner;
    this.layer = layer;
  }

  /** The same layer over another directory. */
  protected abstract over(inner: Directory): Directory;

  get path(): string {
    return this.inner.path;
  }

  /** Through here goes everything that is asked of the directory below, but listings. */
  protected run<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  /** What messages call an entry; `.` is the directory itself. */
  protected pathOf(name: string): string {
    return name === '.' ? this.path : joinPath(this.path, name);
  }

  /**
   * What lies below the directory that an entry is to go to; undefined stands for this one.
   *
   * @throws {FileError} EXDEV for a directory of another layer
   */
  protected below(target: Directory | undefined, name: string, operation: string): Directory | undefined {
    if (target === undefined || target === this) return undefined;
    if (target instanceof LayerDirectory && target.layer === this.layer) return target.inner;
    throw new FileError(joinPath(target.path, name), operation, 'EXDEV');
  }

  names(options?: { readonly gradual?: boolean }): AsyncIterable<string> {
    return this.inner.names(options);
  }

  async status(name: string, options?: { readonly follow?: boolean }): Promise<FileStatus | undefined> {
    return await this.run(() => this.inner.status(name, options));
  }

  async ownStatus(): Promise<FileStatus> {
    return await this.run(() => this.inner.ownStatus());
  }

  async open(name: string, options: OpenOptions): Promise<OpenFile> {
    return await this.run(() => this.inner.open(name, options));
  }

  async directory(name: string, options?: { readonly follow?: boolean }): Promise<Directory> {
    return this.over(await this.run(() => this.inner.directory(name, options)));
  }

  async makeDirectory(name: string, mode: number): Promise<void> {
    await this.run(() => this.inner.makeDirectory(name, mode));
  }

  async rename(from: string, to: string, target?: Directory): Promise<void> {
    const below = this.below(target, to, 'rename');
    await this.run(() => this.inner.rename(from, to, below));
  }

  async remove(name: string): Promise<void> {
    await this.run(() => this.inner.remove(name));
  }

  async removeDirectory(name: string): Promise<void> {
    await this.run(() => this.inner.removeDirectory(name));
  }

  async makeHardLink(from: string, to: string, target?: Directory): Promise<void> {
    const below = this.below(target, to, 'link');
    await this.run(() => this.inner.makeHardLink(from, to, below));
  }

  async readLink(name: string): Promise<string> {
    return await this.run(() => this.inner.readLink(name));
  }

  async makeLink(name: string, target: string): Promise<void> {
    await this.run(() => this.inner.makeLink(name, target));
  }

  async setAttributes(
    name: string,
    attributes: EntryAttributes,
    options?: { readonly follow?: boolean },
  ): Promise<void> {
    await this.run(() => this.inner.setAttributes(name, attributes, options));
  }

  async space(): Promise<Space> {
    return await this.run(() => this.inner.space());
  }

  async setOwnMode(mode: number): Promise<void> {
    await this.run(() => this.inner.setOwnMode(mode));
  }

  async setOwnTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    await this.run(() => this.inner.setOwnTimes(atimeSeconds, mtimeSeconds));
  }

  async sync(): Promise<void> {
    await this.run(() => this.inner.sync());
  }

  async close(): Promise<void> {
    await this.run(() => this.inner.close());
  }
}

/** An open file that hands everything on, as {@link LayerDirectory} does. */
export class LayerFile implements OpenFile {
  protected readonly inner: OpenFile;

  constructor(inner: OpenFile) {
    this.inner = inner;
  }

  /** Through here goes everything that is asked of the file below. */
  protected run<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  get path(): string {
    return this.inner.path;
  }

  async status(): Promise<FileStatus> {
    return await this.run(() => this.inner.status());
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    return await this.run(() => this.inner.read(buffer, position));
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.run(() => this.inner.write(chunks, position));
  }

  async truncate(size: number): Promise<void> {
    await this.run(() => this.inner.truncate(size));
  }

  async setMode(mode: number): Promise<void> {
    await this.run(() => this.inner.setMode(mode));
  }

  async setOwner(uid: number, gid: number): Promise<void> {
    await this.run(() => this.inner.setOwner(uid, gid));
  }

  async setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    await this.run(() => this.inner.setTimes(atimeSeconds, mtimeSeconds));
  }

  async sync(): Promise<void> {
    await this.run(() => this.inner.sync());
  }

  async verify(signal?: AbortSignal): Promise<VerifiedContent | undefined> {
    return await this.run(async () => await this.inner.verify?.(signal));
  }

  async close(): Promise<void> {
    await this.run(() => this.inner.close());
  }
}
