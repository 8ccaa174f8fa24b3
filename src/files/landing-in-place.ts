import type { FileError } from '../base/errors.ts';
import type { Directory, FileStatus, OpenFile, SequentialWriter } from './file-system.ts';
import {
  applyAttributes,
  copyThere,
  type Landing,
  type LandingAttributes,
  type LandingOptions,
} from './landing-types.ts';
import { sequentialWriter } from './write-behind.ts';

/** The turn of a file among those of its copy. */
export interface Turn {
  /** Ends it. Idempotent. */
  readonly release: () => void;
  /** The turn ends when all has been asked for: who comes next asks behind it. */
  readonly early: boolean;
}

/** Written where it stands, from the start, and cut to its new length at the end, as scp does: for devices, and where nothing can be made beside the target. */
export class InPlace implements Landing {
  readonly isInPlace = true;
  readonly #file: OpenFile;
  readonly #status: FileStatus | undefined;
  readonly #writer: SequentialWriter;
  readonly #options: LandingOptions;
  /** What has been handed over. Bytes. */
  #size = 0;
  readonly #place: { readonly directory: Directory; readonly name: string } | undefined;
  readonly #turn: Turn | undefined;

  /** @param place where the file can be looked at again for `options.check` */
  constructor(
    file: OpenFile,
    status: FileStatus | undefined,
    options: LandingOptions,
    place?: { readonly directory: Directory; readonly name: string },
    turn?: Turn,
  ) {
    this.#file = file;
    this.#turn = turn;
    this.#place = place;
    this.#status = status;
    this.#writer = sequentialWriter(file, 0, options.size);
    this.#options = options;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#size += chunk.length;
    return this.#writer.write(chunk);
  }

  async copyFrom(source: OpenFile, size: number, moved: (bytes: number) => void): Promise<boolean> {
    if (!(await copyThere(source, this.#file, { from: 0, size }, moved))) return false;
    this.#size = size;
    return true;
  }

  async commit(attributes: LandingAttributes): Promise<void> {
    const isFile = this.#status === undefined || this.#status.kind === 'file';
    // A file that is far away does what it is asked in the order of the questions, so none need wait for an answer.
    const trouble =
      this.#file.writerFrom !== undefined && isFile
        ? await this.#commitAtOnce(attributes)
        : await this.#commitInOrder(attributes, isFile);
    if (this.#place !== undefined) await this.#options.check?.(this.#place.directory, this.#place.name);
    this.#turn?.release();
    if (trouble !== undefined) throw trouble;
  }

  async #commitInOrder(attributes: LandingAttributes, isFile: boolean): Promise<FileError | undefined> {
    await this.#writer.flush();
    let trouble: FileError | undefined;
    if (isFile) {
      await this.#file.truncate(this.#size);
      trouble = await applyAttributes(this.#file, attributes);
      if (this.#options.durable === true) await this.#file.sync();
    }
    await this.#file.close();
    return trouble;
  }

  async #commitAtOnce(attributes: LandingAttributes): Promise<FileError | undefined> {
    const settled = this.#writer.settled?.();
    if (settled !== undefined) await settled;
    const asked = Promise.allSettled([
      this.#writer.flush(),
      this.#file.truncate(this.#size),
      applyAttributes(this.#file, attributes),
      this.#options.durable === true ? this.#file.sync() : undefined,
      this.#file.close(),
    ]);
    // A check looks at what is there when all is answered.
    if (this.#turn?.early === true && this.#options.check === undefined) this.#turn.release();
    const [written, cut, applied, synced, closed] = await asked;
    for (const outcome of [written, closed]) if (outcome.status === 'rejected') throw outcome.reason;
    const failed = [cut, synced, applied].find((outcome) => outcome.status === 'rejected');
    // A device takes content and has no length, mode or times of its own.
    if (failed !== undefined && (await this.#isOther())) return undefined;
    if (failed !== undefined) throw failed.reason;
    return applied.status === 'fulfilled' ? applied.value : undefined;
  }

  async #isOther(): Promise<boolean> {
    const status = await this.#place?.directory.status(this.#place.name, { follow: true }).catch(() => undefined);
    return status?.kind === 'other';
  }

  interrupt(): void {
    this.#writer.leave?.();
    void this.#file.close().catch(() => {});
  }

  async discard(): Promise<void> {
    this.#writer.leave?.();
    // Closing first ends a write to a FIFO that nobody drains.
    await this.#file.close().catch(() => {});
    await this.#writer.abandon();
    this.#turn?.release();
  }
}
