import { closeSync, constants, fdatasync, fdatasyncSync, fstatSync, openSync, writeSync } from 'node:fs';
import { FileError } from '../../base/errors.ts';
import { type AccountingRecord, recordLine } from './record.ts';

/** When records are on stable storage: each before the next thing happens, at most a second later, or whenever the system likes. A killed server loses none in any case; a machine that loses power may. */
export type SyncPolicy = 'always' | 'second' | 'never';

/** With `second`. Milliseconds. */
const SYNC_MS = 1000;

export interface JsonLinesLogOptions {
  /** Default `second`. */
  readonly sync?: SyncPolicy | undefined;
  /** Told once when records cannot be written, and once when they can be again; must not throw. */
  readonly warn: (text: string) => void;
}

/**
 * A file of records, one per line. A record is one write at the end of the file, so several processes can share it, and it is with the system before the client hears of what it is about. Where records cannot be written (the disk
 * is full) they are counted, and the loss is recorded as soon as there is room.
 */
export class JsonLinesLog implements Disposable {
  readonly path: string;
  readonly #sync: SyncPolicy;
  readonly #warn: (text: string) => void;
  #descriptor: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lost = 0;
  /** A write that came to an end too early left a line without its end. */
  #isTorn = false;

  /** Opens the file, or makes it with mode 0600. @throws {FileError} */
  constructor(path: string, options: JsonLinesLogOptions) {
    this.path = path;
    this.#sync = options.sync ?? 'second';
    this.#warn = options.warn;
    this.#descriptor = openLog(path);
  }

  /** How many records could not be written since the last one that could. */
  get lost(): number {
    return this.#lost;
  }

  /** Appends a record. @returns whether it was written */
  write(record: AccountingRecord): boolean {
    const line = `${recordLine(record)}\n`;
    if (this.#lost > 0 && !this.#append(lossLine(this.#lost))) {
      this.#lost++;
      return false;
    }
    if (this.#lost > 0) {
      this.#warn(`${this.path}: records are written again; ${this.#lost} were lost`);
      this.#lost = 0;
    }
    if (this.#append(line)) return true;
    this.#lost++;
    return false;
  }

  #append(line: string): boolean {
    if (this.#descriptor === undefined) return false;
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    try {
      const written = writeSync(this.#descriptor, bytes);
      this.#isTorn = written < bytes.length && (written > 0 || this.#isTorn);
      if (written < bytes.length) throw new Error('not enough room');
      this.#isTorn = false;
      this.#schedule(this.#descriptor);
      return true;
    } catch (error) {
      if (this.#lost === 0) this.#warn(`${this.path}: accounting is lost: ${String((error as Error).message)}`);
      return false;
    }
  }

  #schedule(descriptor: number): void {
    if (this.#sync === 'always') fdatasyncSync(descriptor);
    if (this.#sync !== 'second' || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#descriptor !== undefined) fdatasync(this.#descriptor, () => {});
    }, SYNC_MS);
    this.#timer.unref();
  }

  /** What is written is on stable storage when this returns. @throws {FileError} */
  flush(): void {
    if (this.#descriptor === undefined) return;
    try {
      fdatasyncSync(this.#descriptor);
    } catch (cause) {
      throw FileError.from(cause, this.path, 'fsync');
    }
  }

  /** Opens the name anew, after the old file was renamed away. Where that fails the old file goes on being written. @throws {FileError} */
  reopen(): void {
    const next = openLog(this.path);
    const old = this.#descriptor;
    this.#descriptor = next;
    this.#isTorn = false;
    if (old !== undefined) closeSync(old);
  }

  close(): void {
    clearTimeout(this.#timer);
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor === undefined) return;
    try {
      if (this.#sync !== 'never') fdatasyncSync(descriptor);
    } catch {
      // It was written; more cannot be done.
    }
    closeSync(descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openLog(path: string): number {
  let descriptor: number | undefined;
  try {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0), 0o600);
    if (!fstatSync(descriptor).isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    return descriptor;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw FileError.from(cause, path, 'open');
  }
}

function lossLine(count: number): string {
  return `${JSON.stringify({ record: 'lost', time: new Date().toISOString(), count })}\n`;
}
