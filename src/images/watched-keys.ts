import { FileError, ImageError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Directory } from '../files/file-system.ts';
import { localFileSystem } from '../files/local.ts';

/** So many entries of a key storage folder are looked at: it holds a handful of files. */
const MAX_ENTRIES = 1000;

export interface WatchedKeysOptions<T> {
  /** Opens the storage in a folder, for reading. */
  readonly open: (directory: Directory) => Promise<T>;
  /** Told once when the storage cannot be used any more, or for another reason than before. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  /** Told once when it can be used again. */
  readonly onRecovery?: (() => void) | undefined;
}

/** The keys of a storage folder, which are read again whenever a file in it has changed. */
export class WatchedKeys<T> {
  readonly #folder: string;
  readonly #options: WatchedKeysOptions<T>;
  #known: { readonly mark: string; readonly keys: T } | undefined;
  #reading: Promise<T> | undefined;
  #trouble: string | undefined;

  /** @param folder an absolute path, or one from the current folder */
  constructor(folder: string, options: WatchedKeysOptions<T>) {
    this.#folder = folder;
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
    const directory = await localFileSystem().directory(this.#folder);
    try {
      const mark = await markOf(directory);
      if (this.#known?.mark === mark) return this.#known.keys;
      this.#known = undefined;
      const keys = await this.#options.open(directory);
      // What was changed while it was read is read again the next time.
      if ((await markOf(directory)) === mark) this.#known = { mark, keys };
      return keys;
    } finally {
      await directory.close();
    }
  }
}

/** The failure is that of the storage, not of the file that is to be judged. */
function unreadable(cause: FileError): ImageError {
  return new ImageError(printable(cause.path), 'ERR_KEY_STORAGE', cause.reason, { cause });
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
