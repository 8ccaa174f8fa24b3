import type { Directory } from '../../files/file-system.ts';
import { directoryKey, type Place } from './place.ts';
import type { Upload } from './upload.ts';

/** The uploads of a session that are under way, by the names that they will get. */
export class Uploads {
  readonly #byKey: Map<string, Upload> = new Map();
  /** Every one that is not over, also those whose name was taken away. */
  readonly #all: Set<Upload> = new Set();

  /** The upload of an entry; one that is about to end is waited for. */
  async at(place: Place): Promise<Upload | undefined> {
    if (this.#byKey.size === 0) return undefined;
    const key = await place.key();
    for (let found = this.#byKey.get(key); found !== undefined; found = this.#byKey.get(key)) {
      if (found.over === undefined) return found;
      await found.over;
      // Its end removes it from here in the same turn or the next.
      if (this.#byKey.get(key) === found) this.#byKey.delete(key);
    }
    return undefined;
  }

  /** Those in a directory, by name. */
  async in(directory: Directory): Promise<ReadonlyMap<string, Upload>> {
    if (this.#byKey.size === 0) return new Map();
    const prefix = `${await directoryKey(directory)}/`;
    const found = [...this.#byKey].filter(([key, upload]) => key.startsWith(prefix) && upload.over === undefined);
    return new Map(found.map(([key, upload]) => [key.slice(prefix.length), upload]));
  }

  async add(place: Place, upload: Upload): Promise<void> {
    this.#byKey.set(await place.key(), upload);
    this.#all.add(upload);
  }

  /** The upload is over. */
  remove(upload: Upload): void {
    this.#all.delete(upload);
    this.#forget(upload);
  }

  /** The name of an upload is gone; its handles are not. */
  detach(upload: Upload): void {
    upload.detach();
    this.#forget(upload);
  }

  async move(upload: Upload, to: Place): Promise<void> {
    this.#forget(upload);
    this.#byKey.set(await to.key(), upload);
  }

  #forget(upload: Upload): void {
    for (const [key, one] of this.#byKey) if (one === upload) this.#byKey.delete(key);
  }

  takeAll(): Upload[] {
    const all = [...this.#all];
    this.#all.clear();
    this.#byKey.clear();
    return all;
  }
}
