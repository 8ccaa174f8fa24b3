import { FileError } from '../base/errors.ts';
import { CheckedFile, changed, isSameFile, passContent, SealedFile } from './checked-file.ts';
import { type ContentCheck, type ContentPass, refusedContent, verdictOf } from './content-check.ts';
import type { Directory, FileStatus, OpenFile, OpenOptions } from './file-system.ts';
import { LayerDirectory } from './layer.ts';
import { joinPath } from './path.ts';
import type { RootedFileSystem } from './rooted.ts';

export interface CheckedOptions {
  readonly check: ContentCheck;
  /** Tells names that the server gives to files of its own beside the target of an upload, and that no client can ask for: what is under them has no name yet. */
  readonly isOwnName: (name: string) => boolean;
}

/**
 * A file system in which a file gets a name only after a check has found its content good: at the end of an upload, and when it is renamed or linked. What has a name is never written where it stands, and there are no symbolic links, which
 * would be names of content from elsewhere. For one session.
 */
export function checked(fileSystem: RootedFileSystem, options: CheckedOptions): RootedFileSystem {
  const rules: Rules = { ...options, parts: new Map() };
  return {
    hides: fileSystem.hides,
    ...(fileSystem.absolute === undefined ? {} : { absolute: fileSystem.absolute }),
    directory: async (path) => new CheckedDirectory(await fileSystem.directory(path), rules),
    followLast: async (path) => await fileSystem.followLast(path),
    resolve: async (path) => await fileSystem.resolve(path),
  };
}

interface Rules extends CheckedOptions {
  /** What was opened under the server's own names, by path. What is not here is read from the disk. */
  readonly parts: Map<string, CheckedFile>;
}

class CheckedDirectory extends LayerDirectory {
  readonly #rules: Rules;

  constructor(inner: Directory, rules: Rules) {
    super(inner, rules);
    this.#rules = rules;
  }

  protected override over(inner: Directory): Directory {
    return new CheckedDirectory(inner, this.#rules);
  }

  override async open(name: string, options: OpenOptions): Promise<OpenFile> {
    if (options.access === 'read') return await super.open(name, options);
    return this.#rules.isOwnName(name) ? await this.#openPart(name, options) : await this.#openNamed(name, options);
  }

  async #openPart(name: string, options: OpenOptions): Promise<OpenFile> {
    const { check, parts } = this.#rules;
    const shownAs = options.shownAs ?? name;
    const path = this.pathOf(shownAs);
    await check.ready().catch((error: unknown) => {
      throw refusedContent(error, path);
    });
    // What was written out of order is read back through the same descriptor.
    const file = await super.open(name, { ...options, access: 'read-write' });
    const part = new CheckedFile(file, { check, path, name: shownAs, isNew: options.create === 'new' });
    parts.set(this.pathOf(name), part);
    return part;
  }

  /** Whoever opens a file to replace it shows by that only that it may be written. */
  async #openNamed(name: string, { create, ...options }: OpenOptions): Promise<OpenFile> {
    const refused = (): FileError => refusal(this.pathOf(name), 'write');
    const status = create === undefined ? undefined : await super.status(name);
    if (create === 'new' || (create === 'if-missing' && status === undefined)) throw refused();
    return new SealedFile(await super.open(name, options), refused);
  }

  override async rename(from: string, to: string, target?: Directory): Promise<void> {
    await this.#requireGood(from, to, target, 'rename');
    await super.rename(from, to, target);
    this.#rules.parts.delete(this.pathOf(from));
  }

  override async makeHardLink(from: string, to: string, target?: Directory): Promise<void> {
    await this.#requireGood(from, to, target, 'link');
    await super.makeHardLink(from, to, target);
  }

  override async remove(name: string): Promise<void> {
    this.#rules.parts.delete(this.pathOf(name));
    await super.remove(name);
  }

  override async makeLink(name: string): Promise<void> {
    throw refusal(this.pathOf(name), 'symlink');
  }

  /** @throws {FileError} unless what is at `from` may get the name `to` */
  async #requireGood(from: string, to: string, target: Directory | undefined, operation: string): Promise<void> {
    this.below(target, to, operation);
    const { isOwnName, parts } = this.#rules;
    const shown = joinPath((target ?? this).path, to);
    if (isOwnName(to)) {
      if (!isOwnName(from)) throw refusal(shown, operation);
      return;
    }
    const status = await super.status(from);
    // What is in a directory has had its names before. What is missing, the rename tells.
    if (status === undefined || status.kind === 'directory') return;
    if (status.kind !== 'file') throw refusal(shown, operation);
    const part = parts.get(this.pathOf(from));
    if ((await part?.vouchesFor(status)) !== true) await this.#readThrough(from, shown);
    // Whoever reaches the disk past this server could have put something else there.
    if (!isUnchanged(await super.status(from), status)) throw changed(shown);
  }

  async #readThrough(name: string, path: string): Promise<void> {
    const { check } = this.#rules;
    const file = await super.open(name, { access: 'read' });
    try {
      const before = await file.status();
      if (before.kind !== 'file') throw refusal(path, 'verify');
      await check.ready();
      const pass = check.begin(name);
      const show = async (one: ContentPass): Promise<void> => await passContent(file, before.size, one, { path });
      await show(pass);
      await verdictOf(pass, path, show);
      if (!isUnchanged(await file.status(), before)) throw changed(path);
    } catch (error) {
      throw refusedContent(error, path);
    } finally {
      await file.close();
    }
  }
}

function refusal(path: string, operation: string): FileError {
  const reason = 'only files whose content is verified get a name here';
  return new FileError(path, operation, 'EACCES', { reason });
}

function isUnchanged(now: FileStatus | undefined, before: FileStatus): boolean {
  return (
    now !== undefined &&
    isSameFile(now, before) &&
    now.size === before.size &&
    now.mtimeSeconds === before.mtimeSeconds &&
    now.ctimeSeconds === before.ctimeSeconds
  );
}
