import { FileError } from '../base/errors.ts';
import type { OpenFile } from './file-system.ts';
import { LayerFile } from './layer.ts';
import type { Room, WrittenFile } from './room.ts';

/** A file that is open for writing where room is limited. It is counted before it grows. */
export class LimitedFile extends LayerFile {
  readonly #room: Room;
  readonly #file: WrittenFile;
  /** Bytes that were promised to this one and have not come. */
  #reserved: number;
  #isClosed = false;

  constructor(inner: OpenFile, room: Room, file: WrittenFile, reserved: number) {
    super(inner);
    this.#room = room;
    this.#file = file;
    this.#reserved = reserved;
  }

  override async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length === 0) return await super.write(chunks, position);
    await this.#growing(position + length, () => super.write(chunks, position));
  }

  override async truncate(size: number): Promise<void> {
    const file = this.#file;
    if (file.ends.size > 0 || file.cuts > 0) file.unsure = true;
    file.cuts++;
    try {
      if (size > file.size) await this.#growing(size, () => super.truncate(size), 1);
      else await this.#shrink(size);
    } finally {
      file.cuts--;
    }
  }

  async #shrink(size: number): Promise<void> {
    const file = this.#file;
    await super.truncate(size);
    // Writes that are under way may make it longer again.
    const after = Math.max((await super.status()).size, ...[...file.ends].map(({ end }) => end));
    this.#room.counter.add(after - file.size);
    file.size = after;
  }

  /** Runs work that may make the file as long as `end`. @param ownCuts how many of the truncations under way it is */
  async #growing(end: number, work: () => Promise<void>, ownCuts: 0 | 1 = 0): Promise<void> {
    const file = this.#file;
    if (file.cuts > ownCuts) file.unsure = true;
    const mark = { end };
    const growth = Math.max(0, end - file.size);
    if (growth > 0) this.#grow(growth);
    file.ends.add(mark);
    const written = this.#room.counter.writing(growth);
    try {
      if (growth > 0)
        await this.#room.checkFree(this.path, growth, Math.max(0, this.#room.usage.reserved - this.#reserved));
      await work();
    } catch (error) {
      file.unsure = true;
      throw error;
    } finally {
      written();
      file.ends.delete(mark);
    }
  }

  #grow(growth: number): void {
    const { usage, counter } = this.#room;
    const promised = Math.min(this.#reserved, growth);
    if (!usage.take(growth - promised)) throw new FileError(this.path, 'write', 'EDQUOT');
    counter.takeReserved(promised);
    this.#reserved -= promised;
    this.#file.size += growth;
  }

  override async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#room.counter.giveUpReserved(this.#reserved);
    this.#reserved = 0;
    // Not while somebody looks whether it is open, and removes it: its size as it was then would be one of the past.
    await this.#room.inTurn(() => this.#close());
  }

  async #close(): Promise<void> {
    const isLast = this.#file.opened === 1;
    const size = this.#file.unsure && isLast ? await this.#size() : undefined;
    const freed = this.#room.closing(this.#file, size);
    try {
      await super.close();
    } finally {
      if (freed > 0) this.#room.counter.add(-freed);
    }
  }

  async #size(): Promise<number | undefined> {
    return await super.status().then(
      ({ size }) => size,
      () => undefined,
    );
  }
}
