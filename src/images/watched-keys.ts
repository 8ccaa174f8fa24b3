import { FileError, ImageError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Directory } from '../files/file-system.ts';
import { localFileSystem } from '../files/local.ts';

/** So many entries of a key storage folder are looked at: it holds a handful of files. */
const MAX_ENTRIES = 1000;

export interface WatchedKeysOptions<T> {
  /** Opens the storage for reading. Given the folders in the order in which they were named, held open meanwhile. */
  readonly open: (directory: Directory, ...more: readonly Directory[]) => Promise<T>;
  /** Told once when the storage cannot be used any more, or for another reason than before. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  /** Told once when it can be used again. */
  readonly onRecovery?: (() => void) | undefined;
}

/** The keys of a storage folder, and of what belongs to it, which are read again whenever a file there has changed. */
export class WatchedKeys<T> {
  readonly #folders: readonly [string, ...string[]];
  readonly #options: WatchedKeysOptions<T>;
  #known: { readonly mark: string; readonly keys: T } | undefined;
  #reading: Promise<T> | undefined;
  #trouble: string | undefined;

  constructor(folders: readonly [string, ...string[]], options: WatchedKeysOptions<T>) {
    this.#folders = folders;
    this.#options = options;
  }

  /**
   * The keys as they are on the disk now.
   *
   * @throws {ImageError} ERR_KEY_STORAGE: it cannot be used; that of an earlier time is not taken in its place
   */
  current(): Promise<T> {
    // Whoever asks while another one reads could get what was true before it asked.
    const before = this.#reading ?? Promise.resolve();
    const reading = before.then(
      () => this.#look(),
      () => this.#look(),
    );
    this.#reading = reading;
    const done = (): void => {
      if (this.#reading === reading) this.#reading = undefined;
    };
    reading.then(done, done);
    return reading;
  }

  async #look(): Promise<T> {
    try {
      const keys = await this.#read();
      if (this.#trouble !== undefined) this.#options.onRecovery?.();
      this.#trouble = undefined;
      return keys;
    } catch (cause) {
      const error = cause instanceof FileError ? unreadable(cause) : cause;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== this.#trouble) this.#options.onTrouble?.(error);
      this.#trouble = text;
      throw error;
    }
  }

  async #read(): Promise<T> {
    const files = localFileSystem({ pin: true });
    const open: Directory[] = [];
    try {
      for (const folder of this.#folders) open.push(await files.directory(folder));
      const [directory, ...more] = open as [Directory, ...Directory[]];
      const mark = await marksOf(open);
      if (this.#known?.mark === mark) return this.#known.keys;
      this.#known = undefined;
      const keys = await this.#options.open(directory, ...more);
      // What was changed while it was read is read again the next time.
      if ((await marksOf(open)) === mark) this.#known = { mark, keys };
      return keys;
    } finally {
      for (const directory of open) await directory.close();
    }
  }
}

/** The failure is that of the storage, not of the file that is to be judged. */
function unreadable(cause: FileError): ImageError {
  return new ImageError(printable(cause.path), 'ERR_KEY_STORAGE', cause.reason, { cause });
}

async function marksOf(directories: readonly Directory[]): Promise<string> {
  const marks: string[] = [];
  for (const directory of directories) marks.push(await markOf(directory));
  return marks.join('\n\n');
}

/** What changes when any file of a folder does. */
async function markOf(directory: Directory): Promise<string> {
  const entries: string[] = [];
  for await (const name of directory.names({ gradual: true })) {
    const status = await directory.status(name);
    if (status === undefined) continue;
    const { device, inode, size, mtimeSeconds, ctimeSeconds, mode, uid, links } = status;
    entries.push([name, device, inode, size, mtimeSeconds, ctimeSeconds, mode, uid, links].join('\0'));
    if (entries.length > MAX_ENTRIES) {
      const reason = `holds more than ${MAX_ENTRIES} entries, which a key storage does not`;
      throw new FileError(directory.path, 'open', 'ERR_LIMIT', { reason });
    }
  }
  const own = await directory.ownStatus();
  return [...entries.sort(), `${own.device}\0${own.inode}\0${own.mode}`].join('\n');
}
