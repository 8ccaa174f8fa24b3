import { randomBytes } from 'node:crypto';
import { decodeName, encodeName } from '../base/byte-name.ts';
import { FileError } from '../base/errors.ts';
import { MAX_NAME_BYTES } from '../base/peer-name.ts';
import type { Directory, FileStatus, OpenFile } from './file-system.ts';
import { joinPath } from './path.ts';
import { WriteBehind } from './write-behind.ts';

/** How names of files under way end. Servers sweep leftovers of a killed process by it. */
export const PARTIAL_SUFFIX = '.sealift-part';

export interface LandingOptions {
  /** Permission bits for a file that is new, lessened by the umask. */
  readonly mode: number;
  /** Whether a symbolic link at the name is written through. Default false: refused with ELOOP. */
  readonly follow?: boolean;
  /** Content and name are on stable storage before {@link Landing.commit} resolves. Default false. */
  readonly durable?: boolean;
}

/** What a landed file gets besides its content. Absent values are left as they are: a replaced file keeps its mode and owner. */
export interface LandingAttributes {
  readonly mode?: number | undefined;
  readonly times?: { readonly atimeSeconds: number; readonly mtimeSeconds: number } | undefined;
}

/**
 * A file that is being written and has not its name yet. Where it can, it is written beside the target and renamed over it, so that the name holds the whole old
 * or the whole new content at every moment and nothing half-written stays. Where a rename would break something (a device, a link that is followed, a file with several names or
 * with an owner we may not give), the target itself is written.
 */
export interface Landing {
  /** Takes over the chunk; a promise where the caller must wait before it goes on. @throws {FileError} */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** @throws {FileError} nothing has changed then, unless the target had to be written in place. */
  commit(attributes: LandingAttributes): Promise<void>;
  /** Removes every trace. Never throws. */
  discard(): Promise<void>;
}

/**
 * Begins to write the file `name` in `directory`.
 *
 * @throws {FileError} EISDIR for a directory, ELOOP for a link that is not followed, EACCES where an existing file may not be written.
 */
export async function land(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  const shown = joinPath(directory.path, name);
  const own = await directory.status(name);
  if (own === undefined) return await landBeside(directory, name, options, undefined);
  if (own.kind === 'directory') throw new FileError(shown, 'open', 'EISDIR');
  if (own.kind === 'symlink' && options.follow !== true) {
    throw new FileError(shown, 'open', 'ELOOP', { reason: 'is a symbolic link, which is not followed here' });
  }
  const through = own.kind === 'symlink' ? await directory.status(name, { follow: true }) : own;
  if (through?.kind === 'directory') throw new FileError(shown, 'open', 'EISDIR');
  const existing = await directory.open(name, {
    access: 'write',
    follow: options.follow === true,
    mode: options.mode & 0o777,
    ...(through === undefined ? { create: 'if-missing' } : {}),
    blocking: through !== undefined && through.kind !== 'file',
  });
  if (own.kind !== 'file' || own.links > 1) return new InPlace(existing, await existing.status(), options);
  return await landBeside(directory, name, options, existing);
}

async function landBeside(
  directory: Directory,
  name: string,
  options: LandingOptions,
  existing: OpenFile | undefined,
): Promise<Landing> {
  const partial = partialName(name);
  let file: OpenFile;
  try {
    const mode = existing === undefined ? options.mode & 0o777 : 0o600;
    // The person asked for `name`; that we write beside it first is no concern of theirs.
    file = await directory.open(partial, { access: 'write', create: 'new', mode, shownAs: name });
  } catch (error) {
    if (existing === undefined) throw error;
    return new InPlace(existing, await existing.status(), options);
  }
  const landing = new Beside(directory, name, partial, file, existing, options);
  if (existing === undefined || (await landing.takeOverOwner())) return landing;
  await landing.discard();
  return new InPlace(
    await directory.open(name, { access: 'write' }),
    await existing.status().catch(() => undefined),
    options,
  );
}

/** A name beside the target that nobody else uses: `.name.<random>.sealift-part`, cut to what a file system takes. */
function partialName(name: string): string {
  const tail = `.${randomBytes(6).toString('hex')}${PARTIAL_SUFFIX}`;
  const room = MAX_NAME_BYTES - tail.length - 1;
  return `.${decodeName(encodeName(name).subarray(0, room))}${tail}`;
}

/** Written beside the target, then renamed over it. */
class Beside implements Landing {
  readonly #directory: Directory;
  readonly #name: string;
  readonly #partial: string;
  readonly #file: OpenFile;
  readonly #writer: WriteBehind;
  readonly #options: LandingOptions;
  /** Open for writing: proof that the file may be written, and the way out where a rename is refused (a mount point). */
  #existing: OpenFile | undefined;

  constructor(
    directory: Directory,
    name: string,
    partial: string,
    file: OpenFile,
    existing: OpenFile | undefined,
    options: LandingOptions,
  ) {
    this.#directory = directory;
    this.#name = name;
    this.#partial = partial;
    this.#file = file;
    this.#writer = new WriteBehind(file);
    this.#existing = existing;
    this.#options = options;
  }

  /** Gives the new file the owner and mode of the one it will replace. False where that is not allowed. */
  async takeOverOwner(): Promise<boolean> {
    const old = await this.#existing?.status();
    if (old === undefined) return true;
    const own = await this.#file.status();
    try {
      if (own.uid !== old.uid || own.gid !== old.gid) await this.#file.setOwner(old.uid, old.gid);
      await this.#file.setMode(old.mode);
      return true;
    } catch {
      return false;
    }
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#writer.write(chunk);
  }

  async commit(attributes: LandingAttributes): Promise<void> {
    await this.#writer.flush();
    await applyAttributes(this.#file, attributes);
    if (this.#options.durable === true) await this.#file.sync();
    await this.#file.close();
    try {
      await this.#directory.rename(this.#partial, this.#name);
    } catch (error) {
      await this.#commitInPlace(FileError.from(error, this.#name, 'rename'), attributes);
    }
    await this.#existing?.close();
    if (this.#options.durable === true) await this.#directory.sync();
  }

  /** A file that is itself a mount point cannot be replaced by a rename: its content is copied over from what has landed beside it. */
  async #commitInPlace(error: FileError, attributes: LandingAttributes): Promise<void> {
    const target = this.#existing;
    if (target === undefined || error.code !== 'EBUSY') throw error;
    const source = await this.#directory.open(this.#partial, { access: 'read', shownAs: this.#name });
    try {
      const buffer = Buffer.allocUnsafe(256 * 1024);
      let position = 0;
      for (let count = await source.read(buffer, 0); count > 0; count = await source.read(buffer, position)) {
        await target.write([buffer.subarray(0, count)], position);
        position += count;
      }
      await target.truncate(position);
      await applyAttributes(target, attributes);
      if (this.#options.durable === true) await target.sync();
    } finally {
      await source.close();
    }
    await this.#directory.remove(this.#partial);
  }

  async discard(): Promise<void> {
    await this.#writer.abandon();
    for (const file of [this.#file, this.#existing]) await file?.close().catch(() => {});
    await this.#directory.remove(this.#partial).catch(() => {});
  }
}

/** Written where it stands, from the start, and cut to its new length at the end, as scp does. */
class InPlace implements Landing {
  readonly #file: OpenFile;
  readonly #status: FileStatus | undefined;
  readonly #writer: WriteBehind;
  readonly #options: LandingOptions;

  constructor(file: OpenFile, status: FileStatus | undefined, options: LandingOptions) {
    this.#file = file;
    this.#status = status;
    this.#writer = new WriteBehind(file);
    this.#options = options;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#writer.write(chunk);
  }

  async commit(attributes: LandingAttributes): Promise<void> {
    const size = await this.#writer.flush();
    if (this.#status === undefined || this.#status.kind === 'file') {
      await this.#file.truncate(size);
      await applyAttributes(this.#file, attributes);
      if (this.#options.durable === true) await this.#file.sync();
    }
    await this.#file.close();
  }

  async discard(): Promise<void> {
    await this.#writer.abandon();
    await this.#file.close().catch(() => {});
  }
}

async function applyAttributes(file: OpenFile, attributes: LandingAttributes): Promise<void> {
  if (attributes.mode !== undefined) await file.setMode(attributes.mode);
  if (attributes.times !== undefined) await file.setTimes(attributes.times.atimeSeconds, attributes.times.mtimeSeconds);
}
