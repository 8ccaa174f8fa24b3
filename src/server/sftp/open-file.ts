import { type ErrorCode, FileError } from '../../base/errors.ts';
import type { Directory, FileStatus, OpenFile } from '../../files/file-system.ts';
import { uploadName } from '../../files/private-names.ts';
import { takeOver } from '../../files/take-over.ts';
import type { Attributes } from '../../sftp/attributes.ts';
import type { OpenHow, ServedFile } from '../../sftp/server/served-files.ts';
import type { Direction } from '../events.ts';
import type { KeptUploads } from './kept.ts';
import type { FileTransfer, SessionFilesOptions, TransferSlot } from './options.ts';
import type { Place, Places } from './place.ts';
import { PlainHandle, UploadHandle } from './served-handles.ts';
import { Upload, type UploadParts } from './upload.ts';
import type { Uploads } from './uploads.ts';

/** Where nothing can be made beside a file, the file itself is written. Any other trouble is no reason to risk its content. */
const IN_PLACE_CODES: ReadonlySet<ErrorCode> = new Set(['EACCES', 'EPERM', 'EROFS']);

const DEFAULT_MODE = 0o666;

/** For what does not leave this side. */
const noSlot: TransferSlot = { start: () => ({ moved() {}, ended() {} }), release() {} };

/** What opening a file needs. */
export interface OpenerParts {
  readonly options: SessionFilesOptions;
  readonly places: Places;
  readonly uploads: Uploads;
  readonly kept: KeptUploads;
}

/** Opens files of a session: for reading as they stand, for writing beside them. */
export class Opener {
  readonly #parts: OpenerParts;
  readonly #options: SessionFilesOptions;
  /** Open handles on files as they stand. */
  readonly #plain: Set<PlainHandle> = new Set();

  constructor(parts: OpenerParts) {
    this.#parts = parts;
    this.#options = parts.options;
  }

  /** @throws {FileError} */
  async open(path: string, how: OpenHow): Promise<ServedFile> {
    const { places } = this.#parts;
    const isNew = how.create && how.exclusive;
    if (how.access !== 'read' && this.#options.readOnly) throw new FileError(path, 'open', 'EACCES');
    const work = (place: Place): Promise<ServedFile> =>
      how.access === 'read' ? this.#toRead(place, how.inside === true) : this.#toWrite(place, how);
    return isNew ? await places.at(path, work) : await places.behind(path, work);
  }

  /** Changes a file and its length, as an upload does. @throws {FileError} */
  async change(place: Place, attributes: Attributes): Promise<void> {
    const truncate = attributes.size === 0;
    const how = { access: 'write', create: false, exclusive: false, truncate, append: false } as const;
    const file = await this.#toWrite(place, { ...how, mode: undefined });
    try {
      await file.setAttributes(attributes);
    } finally {
      await file.close();
    }
  }

  /** The session is over: closes what it has left open. Never throws. */
  async end(): Promise<void> {
    for (const handle of this.#plain) await handle.cut();
    this.#plain.clear();
  }

  async #toRead(place: Place, inside: boolean): Promise<ServedFile> {
    const { uploads, kept } = this.#parts;
    const upload = await uploads.at(place);
    if (upload !== undefined) return this.#handleOn(upload, { access: 'read', append: false });
    const { directory, name } = place;
    if (name === '') throw new FileError(place.path, 'open', 'EISDIR');
    const open = async (slot: TransferSlot): Promise<ServedFile> => {
      const file = await directory.open(name, { access: 'read' }).catch(async (error: unknown) => {
        const isMissing = error instanceof FileError && error.code === 'ENOENT';
        if (!isMissing || (await kept.status(directory, name)) === undefined) throw error;
        return await directory.open(kept.nameOf(name), { access: 'read', shownAs: name });
      });
      const size = await sizeOfRegular(file);
      return this.#plainHandle(place, file, { access: 'read', append: false }, { transfer: slot.start(size), size });
    };
    return inside ? await open(noSlot) : await this.#inSlot('sent', place, open);
  }

  /** Opens a file with a place among the transfers: taken before anything is touched, so that however many ask at once, no limit is passed. */
  async #inSlot<T>(direction: Direction, { path }: Place, work: (slot: TransferSlot) => Promise<T>): Promise<T> {
    const slot = this.#options.observer.takeSlot(direction, path);
    try {
      return await work(slot);
    } finally {
      slot.release();
    }
  }

  #plainHandle(
    place: Place,
    file: OpenFile,
    { access, append }: Pick<OpenHow, 'access' | 'append'>,
    { transfer, size }: { readonly transfer: FileTransfer; readonly size: number },
  ): PlainHandle {
    place.take();
    const writes = access !== 'read';
    const parts = { file, directory: place.directory, transfer, reads: access !== 'write', writes, append, size };
    const handle: PlainHandle = new PlainHandle(parts, this.#options, () => this.#plain.delete(handle));
    this.#plain.add(handle);
    return handle;
  }

  #handleOn(upload: Upload, { access, append }: Pick<OpenHow, 'access' | 'append'>): UploadHandle {
    const rights = { reads: access !== 'write', writes: access !== 'read', append };
    return new UploadHandle(upload, rights, () => this.#parts.uploads.remove(upload));
  }

  async #toWrite(place: Place, how: OpenHow): Promise<ServedFile> {
    const { uploads } = this.#parts;
    if (place.name === '' || place.mustBeDirectory) throw new FileError(place.path, 'open', 'EISDIR');
    const upload = await uploads.at(place);
    if (upload !== undefined) return await this.#again(upload, how);
    return await this.#inSlot('received', place, async (slot) => {
      const status = await place.status();
      return status === undefined ? await this.#toNew(place, how, slot) : await this.#over(place, status, how, slot);
    });
  }

  async #toNew(place: Place, how: OpenHow, slot: TransferSlot): Promise<ServedFile> {
    const { kept } = this.#parts;
    const { directory, name } = place;
    const left = await kept.status(directory, name);
    if (left === undefined && !how.create) throw new FileError(place.path, 'open', 'ENOENT');
    if (left !== undefined && how.exclusive) throw new FileError(place.path, 'open', 'EEXIST');
    const resumed = left === undefined || how.truncate ? undefined : await this.#resume(place);
    if (left !== undefined && resumed === undefined) await kept.forget(directory, name);
    const part = resumed ?? { ...(await this.#makePart(directory, name, this.#newMode(how))), length: 0 };
    return await this.#begin(place, { part, old: undefined, oldBytes: 0 }, how, slot);
  }

  #newMode({ mode = DEFAULT_MODE }: OpenHow): number {
    return mode & this.#options.modeMask & 0o777;
  }

  /** Another handle on an upload of this session. */
  async #again(upload: Upload, how: OpenHow): Promise<ServedFile> {
    if (how.create && how.exclusive) throw new FileError(upload.path, 'open', 'EEXIST');
    if (how.truncate) await upload.truncate(0);
    return this.#handleOn(upload, how);
  }

  async #begin(
    place: Place,
    { part, old, oldBytes }: { part: UploadParts['part']; old: OpenFile | undefined; oldBytes: number },
    how: OpenHow,
    slot: TransferSlot,
  ): Promise<ServedFile> {
    const { directory, name } = place;
    const { options, uploads, kept } = this.#parts;
    const exclusive = how.create && how.exclusive;
    place.take();
    const transfer = slot.start();
    const target = { directory, name };
    const upload = new Upload({ target, part, old, oldBytes, exclusive, transfer }, options, kept);
    const handle = this.#handleOn(upload, how);
    try {
      await uploads.add(place, upload);
      if (old !== undefined && how.truncate) await upload.truncate(0);
      return handle;
    } catch (error) {
      uploads.remove(upload);
      await upload.abandon();
      throw error;
    }
  }

  async #makePart(
    directory: Directory,
    shownAs: string,
    mode: number,
  ): Promise<{ readonly directory: Directory; readonly name: string; readonly file: OpenFile }> {
    const name = uploadName(this.#options.process.id);
    const file = await directory.open(name, { access: 'read-write', create: 'new', mode, shownAs });
    return { directory, name, file };
  }

  /** Takes what is kept for the name: of several who try, one gets it. Undefined where it is gone. */
  async #resume({ directory, name }: Place): Promise<UploadParts['part'] | undefined> {
    const { kept } = this.#parts;
    const part = uploadName(this.#options.process.id);
    try {
      await directory.rename(kept.nameOf(name), part);
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const file = await directory.open(part, { access: 'read-write', shownAs: name });
      return { directory, name: part, file, length: (await file.status()).size };
    } catch (error) {
      await directory.rename(part, kept.nameOf(name)).catch(() => {});
      throw error;
    }
  }

  /** New content for a file that is there. */
  async #over(place: Place, status: FileStatus, how: OpenHow, slot: TransferSlot): Promise<ServedFile> {
    const { directory, name } = place;
    if (how.create && how.exclusive) throw new FileError(place.path, 'open', 'EEXIST');
    if (status.kind === 'directory') throw new FileError(place.path, 'open', 'EISDIR');
    if (status.kind !== 'file') throw new FileError(place.path, 'open', 'ERR_NOT_REGULAR_FILE');
    const { existing, readable } = await openExisting(directory, name);
    await sizeOfRegular(existing);
    try {
      const part = readable ? await this.#partLike(place, existing) : undefined;
      if (part === undefined) return await this.#inPlace(place, existing, how, slot);
      const { size } = await existing.status();
      return await this.#begin(place, { part: { ...part, length: 0 }, old: existing, oldBytes: size }, how, slot);
    } catch (error) {
      await existing.close().catch(() => {});
      throw error;
    }
  }

  async #inPlace(place: Place, existing: OpenFile, how: OpenHow, slot: TransferSlot): Promise<ServedFile> {
    if (how.truncate) await existing.truncate(0);
    return this.#plainHandle(place, existing, how, { transfer: slot.start(), size: 0 });
  }

  /** A part with the owner and the mode of the file that it is to replace, as far as they may be given; undefined where nothing can be made beside it. */
  async #partLike(
    { directory, name }: Place,
    existing: OpenFile,
  ): Promise<{ readonly directory: Directory; readonly name: string; readonly file: OpenFile } | undefined> {
    let part: { readonly directory: Directory; readonly name: string; readonly file: OpenFile };
    try {
      part = await this.#makePart(directory, name, 0o600);
    } catch (error) {
      if (error instanceof FileError && IN_PLACE_CODES.has(error.code)) return undefined;
      throw error;
    }
    try {
      // New content is no set-user-ID program.
      await takeOver(part.file, await existing.status(), 0o1777);
      return part;
    } catch (error) {
      await part.file.close().catch(() => {});
      await directory.remove(part.name).catch(() => {});
      throw error;
    }
  }
}

/** Opens a file that is to get new content: its permissions decide, although a rename would not ask. */
async function openExisting(
  directory: Directory,
  name: string,
): Promise<{ readonly existing: OpenFile; readonly readable: boolean }> {
  try {
    return { existing: await directory.open(name, { access: 'read-write' }), readable: true };
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'EACCES') throw error;
  }
  return { existing: await directory.open(name, { access: 'write' }), readable: false };
}

/** Bytes. @throws {FileError} where it is a directory, a FIFO or a device; it is closed then. */
async function sizeOfRegular(file: OpenFile): Promise<number> {
  try {
    const { kind, size } = await file.status();
    if (kind === 'directory') throw new FileError(file.path, 'open', 'EISDIR');
    if (kind !== 'file') throw new FileError(file.path, 'open', 'ERR_NOT_REGULAR_FILE');
    return size;
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}
