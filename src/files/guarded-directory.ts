import { FileError } from '../base/errors.ts';
import type { Directory, EntryAttributes, FileStatus, OpenFile, OpenOptions } from './file-system.ts';
import { type GuardRules, MAX_PARTS } from './guard-rules.ts';
import { GuardedFile } from './guarded-file.ts';
import { moveGuarded } from './guarded-move.ts';
import { LayerDirectory } from './layer.ts';
import { joinPath, splitPath } from './path.ts';
import type { RootedFileSystem } from './rooted.ts';

/** A directory of a guarded file system. Links are followed here and not below, so that the path they lead to is asked about. */
export class GuardedDirectory extends LayerDirectory {
  readonly #guard: GuardRules;
  readonly #fileSystem: RootedFileSystem;

  /** @param inner its path is absolute and has no links @param fileSystem the guarded one */
  constructor(inner: Directory, fileSystem: RootedFileSystem, guard: GuardRules) {
    super(inner, guard);
    this.#fileSystem = fileSystem;
    this.#guard = guard;
  }

  protected override over(inner: Directory): Directory {
    return new GuardedDirectory(inner, this.#fileSystem, this.#guard);
  }

  /** Does `work` where the link `name` leads to; the name is `.` where that is a directory by its form. */
  async #through<T>(name: string, work: (directory: Directory, name: string) => Promise<T>): Promise<T> {
    const { parent, name: last } = splitPath(await this.#fileSystem.followLast(this.pathOf(name)));
    const directory = await this.#fileSystem.directory(parent);
    try {
      return await work(directory, last === '' ? '.' : last);
    } finally {
      await directory.close();
    }
  }

  async #isLink(name: string, follow: boolean | undefined): Promise<boolean> {
    return follow === true && (await this.inner.status(name))?.kind === 'symlink';
  }

  /** @throws {FileError} for somebody who is not to learn whether the entry is there */
  #mayAsk(name: string, operation: string): void {
    const path = this.pathOf(name);
    if (!this.#guard.mayKnow(path) && !this.#isOwn(name)) throw this.#guard.refused(path, operation, 'EACCES');
  }

  /** Whether it is a file of the server beside the target of an upload. */
  #isOwn(name: string): boolean {
    return this.#guard.parts.has(this.pathOf(name)) || this.#guard.isOwnName(name);
  }

  // Looking

  override async *names(options?: { readonly gradual?: boolean }): AsyncIterable<string> {
    this.#guard.check('list', this.path, 'list');
    yield* super.names(options);
  }

  override async status(name: string, options: { readonly follow?: boolean } = {}): Promise<FileStatus | undefined> {
    if (name === '.') return await this.ownStatus();
    this.#mayAsk(name, 'stat');
    const status = await super.status(name);
    if (status === undefined || !this.#guard.isVisible(this.pathOf(name), status)) return undefined;
    if (options.follow !== true || status.kind !== 'symlink') return status;
    try {
      return await this.#through(name, (directory, last) => directory.status(last));
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  override async ownStatus(): Promise<FileStatus> {
    this.#mayAsk('.', 'stat');
    return await super.ownStatus();
  }

  override async directory(name: string, options?: { readonly follow?: boolean }): Promise<Directory> {
    this.#mayAsk(name, 'open');
    return await super.directory(name, options);
  }

  override async readLink(name: string): Promise<string> {
    if ((await this.status(name)) === undefined) throw new FileError(this.pathOf(name), 'readlink', 'ENOENT');
    return await super.readLink(name);
  }

  // Files

  override async open(name: string, options: OpenOptions): Promise<OpenFile> {
    const { shownAs, access, create } = options;
    if (shownAs !== undefined && shownAs !== name) return await this.#openPart(name, shownAs, options);
    const path = this.pathOf(name);
    if (await this.#isLink(name, options.follow)) {
      return await this.#through(name, (directory, last) => directory.open(last, { ...options, follow: false }));
    }
    const here = { ...options, follow: false };
    const guard = this.#guard;
    if (access === 'read') {
      guard.check('read', path, 'open');
      return this.#guardedFile(await super.open(name, here), path, false);
    }
    if (create === undefined || (create === 'if-missing' && !guard.may('write', path))) {
      guard.check('overwrite', path, 'open');
      const { create: _, ...existing } = here;
      return this.#guardedFile(await this.#free('ENOENT', path, create, () => super.open(name, existing)), path, false);
    }
    guard.check('write', path, 'open');
    if (create === 'if-missing' && guard.may('overwrite', path))
      return this.#guardedFile(await super.open(name, here), path, false);
    const file = await this.#free('EEXIST', path, create, () => super.open(name, { ...here, create: 'new' }));
    guard.own.add(path, await file.status());
    return this.#guardedFile(file, path, true);
  }

  /** Runs work that fails with `code` where a name is or is not taken, which is a refusal for whoever did not ask for one of both, or may not know. */
  async #free<T>(code: string, path: string, create: OpenOptions['create'], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== code) throw error;
      const isTold = create !== 'if-missing' && this.#guard.may('list', this.path);
      if (create === undefined || isTold) throw error;
      throw this.#guard.refused(path, error.operation);
    }
  }

  #guardedFile(file: OpenFile, path: string, isNew: boolean): OpenFile {
    const guard = this.#guard;
    return new GuardedFile(file, {
      read: isNew || guard.may('read', path),
      change: isNew || guard.may('overwrite', path),
      refused: (operation) => guard.refused(path, operation),
    });
  }

  /** Opens what stands for `target` until it is complete. */
  async #openPart(name: string, target: string, options: OpenOptions): Promise<OpenFile> {
    const guard = this.#guard;
    const [path, targetPath] = [this.pathOf(name), this.pathOf(target)];
    // What is kept was sent by another session, of whoever has the same name: to go on with it is not to read it.
    const mayRead = options.create === 'new' || guard.parts.has(path) || guard.may('read', targetPath);
    if (options.access === 'read') {
      if (!mayRead) throw guard.refused(targetPath, 'open');
    } else {
      const isTaken = (await this.inner.status(target)) !== undefined;
      guard.check(isTaken ? 'overwrite' : 'write', targetPath, 'open');
      if (guard.parts.size >= MAX_PARTS) throw new FileError(targetPath, 'open', 'EMFILE');
    }
    const file = await super.open(name, options);
    if (options.access !== 'read') guard.parts.set(path, targetPath);
    return new GuardedFile(file, {
      read: mayRead,
      change: options.access !== 'read',
      refused: (operation) => guard.refused(targetPath, operation),
    });
  }

  // Changes

  override async makeDirectory(name: string, mode: number): Promise<void> {
    const path = this.pathOf(name);
    this.#guard.check('mkdir', path, 'mkdir');
    try {
      await super.makeDirectory(name, mode);
    } catch (error) {
      const isHidden = error instanceof FileError && error.code === 'EEXIST' && (await this.status(name)) === undefined;
      throw isHidden ? this.#guard.refused(path, 'mkdir') : error;
    }
    const made = await this.inner.status(name);
    if (made !== undefined) this.#guard.own.add(path, made);
  }

  override async rename(from: string, to: string, target?: Directory): Promise<void> {
    const there = this.below(target, to, 'rename');
    await moveGuarded(this.#guard, { directory: this.inner, name: from }, { directory: there ?? this.inner, name: to });
  }

  override async remove(name: string): Promise<void> {
    const path = this.pathOf(name);
    if (!this.#isOwn(name) && !(await this.#isMoved(name))) this.#guard.check('delete', path, 'remove');
    await super.remove(name);
    this.#guard.parts.delete(path);
    this.#guard.own.forget(path);
  }

  /** Whether the session has given this file another name: together with that, to remove it is to rename it. */
  async #isMoved(name: string): Promise<boolean> {
    const status = await this.inner.status(name);
    return status !== undefined && status.links > 1 && this.#guard.own.has(movedKey(this.pathOf(name)), status);
  }

  override async removeDirectory(name: string): Promise<void> {
    this.#guard.check('delete', this.pathOf(name), 'rmdir');
    await super.removeDirectory(name);
  }

  override async makeHardLink(from: string, to: string, target?: Directory): Promise<void> {
    const there = this.below(target, to, 'link') ?? this.inner;
    const guard = this.#guard;
    const [path, newPath] = [this.pathOf(from), joinPath(there.path, to)];
    const isPart = this.#isOwn(from);
    if (!isPart) guard.check('rename', path, 'link');
    guard.check('write', newPath, 'link');
    const status = await this.inner.status(from);
    await this.#free('EEXIST', newPath, 'new', () => super.makeHardLink(from, to, target));
    if (status === undefined) return;
    guard.own.add(isPart ? newPath : movedKey(path), status);
  }

  override async makeLink(name: string, target: string): Promise<void> {
    const path = this.pathOf(name);
    // A link is a way to somewhere else for whoever reads it: a folder that takes files of strangers takes none.
    for (const wanted of ['write', 'read'] as const) this.#guard.check(wanted, path, 'symlink');
    await super.makeLink(name, target);
  }

  override async setAttributes(
    name: string,
    attributes: EntryAttributes,
    options: { readonly follow?: boolean } = {},
  ): Promise<void> {
    if (await this.#isLink(name, options.follow)) {
      return await this.#through(name, (directory, last) => directory.setAttributes(last, attributes));
    }
    await this.#mayChange(name, 'set attributes');
    await super.setAttributes(name, attributes);
  }

  override async setOwnMode(mode: number): Promise<void> {
    await this.#mayChange('.', 'set mode');
    await super.setOwnMode(mode);
  }

  override async setOwnTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    await this.#mayChange('.', 'set times');
    await super.setOwnTimes(atimeSeconds, mtimeSeconds);
  }

  /** What a session has made itself is part of its upload. */
  async #mayChange(name: string, operation: string): Promise<void> {
    const path = this.pathOf(name);
    if (this.#guard.may('overwrite', path) || this.#isOwn(name)) return;
    const status = await this.inner.status(name);
    if (status === undefined || !this.#guard.own.has(path, status)) throw this.#guard.refused(path, operation);
  }
}

/** Under which a file that has got a second name is remembered: not as one that the session has made. */
function movedKey(path: string): string {
  return `moved:${path}`;
}
