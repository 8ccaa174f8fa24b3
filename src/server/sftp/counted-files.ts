import { FileError } from '../../base/errors.ts';
import type { OpenHow, ServedFile, ServedListing } from '../../sftp/server/served-files.ts';
import type { SessionFilesOptions } from './options.ts';
import { SessionFiles } from './session-files.ts';

/** Takes a place for a handle. @returns what gives it back; or why there is none */
export type TakeHandle = () => (() => void) | string;

/** The files of a session whose open handles count. */
export class CountedFiles extends SessionFiles {
  readonly #take: TakeHandle;
  /** What gives the places of open handles back. */
  readonly #held = new Set<() => void>();

  constructor(options: SessionFilesOptions, take: TakeHandle) {
    super(options);
    this.#take = take;
  }

  /** @throws {FileError} EMFILE where the user has too many */
  override async open(path: string, how: OpenHow): Promise<ServedFile> {
    return await this.#within(path, () => super.open(path, how));
  }

  override async list(path: string): Promise<ServedListing> {
    return await this.#within(path, () => super.list(path));
  }

  /** Opens in a place that is taken before and given back when what was opened is closed. */
  async #within<T extends { close(): Promise<void> }>(path: string, open: () => Promise<T>): Promise<T> {
    const free = this.#take();
    if (typeof free === 'string') throw new FileError(path, 'open', 'EMFILE', { reason: free });
    this.#held.add(free);
    const giveBack = (): void => {
      this.#held.delete(free);
      free();
    };
    try {
      const opened = await open();
      const close = opened.close.bind(opened);
      opened.close = async (): Promise<void> => {
        try {
          await close();
        } finally {
          giveBack();
        }
      };
      return opened;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  override async end(): Promise<void> {
    await super.end();
    for (const free of this.#held) free();
    this.#held.clear();
  }
}
