import type { FileError } from '../base/errors.ts';
import type { FileStatus, OpenFile, SequentialWriter } from './file-system.ts';
import { applyAttributes, type Landing, type LandingAttributes, type LandingOptions } from './landing-types.ts';
import { sequentialWriter } from './write-behind.ts';

/** Written where it stands, from the start, and cut to its new length at the end, as scp does: for devices, and where nothing can be made beside the target. */
export class InPlace implements Landing {
  readonly #file: OpenFile;
  readonly #status: FileStatus | undefined;
  readonly #writer: SequentialWriter;
  readonly #options: LandingOptions;

  constructor(file: OpenFile, status: FileStatus | undefined, options: LandingOptions) {
    this.#file = file;
    this.#status = status;
    this.#writer = sequentialWriter(file);
    this.#options = options;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#writer.write(chunk);
  }

  async commit(attributes: LandingAttributes): Promise<void> {
    const size = await this.#writer.flush();
    let trouble: FileError | undefined;
    if (this.#status === undefined || this.#status.kind === 'file') {
      await this.#file.truncate(size);
      trouble = await applyAttributes(this.#file, attributes);
      if (this.#options.durable === true) await this.#file.sync();
    }
    await this.#file.close();
    if (trouble !== undefined) throw trouble;
  }

  interrupt(): void {
    void this.#file.close().catch(() => {});
  }

  async discard(): Promise<void> {
    // Closing first ends a write to a FIFO that nobody drains.
    await this.#file.close().catch(() => {});
    await this.#writer.abandon();
  }
}
