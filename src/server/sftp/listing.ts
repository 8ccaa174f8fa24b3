import { FileError } from '../../base/errors.ts';
import type { Directory, FileStatus } from '../../files/file-system.ts';
import { readPrivateName } from '../../files/private-names.ts';
import type { ListedEntry, ServedListing } from '../../sftp/server/served-files.ts';
import type { KeptUploads } from './kept.ts';
import type { SessionFilesOptions } from './options.ts';
import { removeStale } from './stale.ts';
import type { Uploads } from './uploads.ts';

/**
 * A directory as its session sees it: with what the session is uploading, and with what is kept for its user, under the names that these are to get; without the server's own files. Files that a killed process left are removed on the way, unless nothing may be changed.
 */
export class Listing implements ServedListing {
  readonly #directory: Directory;
  readonly #uploads: Uploads;
  readonly #kept: KeptUploads;
  readonly #options: SessionFilesOptions;
  readonly #names: AsyncIterator<string>;
  #begun = false;
  #ended = false;
  /** Of files that are kept for this user. */
  readonly #keptNames: string[] = [];

  constructor(
    directory: Directory,
    { uploads, kept, options }: { uploads: Uploads; kept: KeptUploads; options: SessionFilesOptions },
  ) {
    this.#directory = directory;
    this.#uploads = uploads;
    this.#kept = kept;
    this.#options = options;
    this.#names = directory.names({ gradual: true })[Symbol.asyncIterator]();
  }

  async next(count: number): Promise<readonly ListedEntry[]> {
    if (!this.#begun) {
      this.#begun = true;
      const status = await this.#directory.ownStatus();
      // What is above is nobody's business, and clients pass over it.
      return [
        { name: '.', status },
        { name: '..', status },
      ];
    }
    // Entries may vanish while they are looked at; an empty answer would mean the end.
    while (!this.#ended) {
      const names = await this.#take(count);
      this.#ended = names.length === 0;
      const uploads = await this.#uploads.in(this.#directory);
      const looked = this.#ended ? this.#unseen(uploads) : names.map((name) => this.#look(name, uploads.get(name)));
      const entries = (await Promise.all(looked)).filter((entry) => entry !== undefined);
      if (entries.length > 0) return entries;
    }
    return [];
  }

  /** The next names that are no private ones. */
  async #take(count: number): Promise<string[]> {
    const names: string[] = [];
    while (names.length < count) {
      if (this.#options.signal?.aborted === true) throw new FileError(this.#directory.path, 'list', 'EINTR');
      const { done, value } = await this.#names.next();
      if (done === true) return names;
      const own = readPrivateName(value);
      if (own === undefined) names.push(value);
      else if (own.kind === 'kept' && own.name !== undefined && this.#kept.nameOf(own.name) === value)
        this.#keptNames.push(own.name);
      else if (!this.#options.readOnly) await removeStale(this.#directory, value, own, this.#options.process);
    }
    return names;
  }

  async #look(name: string, upload: { status(): Promise<FileStatus> } | undefined): Promise<ListedEntry | undefined> {
    const status = await (upload?.status() ?? this.#directory.status(name)).catch(() => undefined);
    return status === undefined ? undefined : { name, status };
  }

  /** What has no file under its name yet. */
  #unseen(uploads: ReadonlyMap<string, { status(): Promise<FileStatus> }>): Promise<ListedEntry | undefined>[] {
    const free = async (name: string): Promise<boolean> =>
      (await this.#directory.status(name).catch(() => undefined)) === undefined;
    const begun = [...uploads].map(async ([name, upload]) =>
      (await free(name)) ? await this.#look(name, upload) : undefined,
    );
    const left = this.#keptNames
      .filter((name) => !uploads.has(name))
      .map(async (name) => {
        if (!(await free(name))) return undefined;
        const status = await this.#kept.status(this.#directory, name).catch(() => undefined);
        return status === undefined ? undefined : { name, status };
      });
    return [...begun, ...left];
  }

  async close(): Promise<void> {
    await this.#names.return?.();
    await this.#directory.close();
  }
}
