import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../../base/errors.ts';
import { type AccountingRecord, recordLine, type StartRecord } from './record.ts';

/** A journal that has grown by this much is written anew with what is open. Bytes. */
export const JOURNAL_BYTES: number = 1024 * 1024;

/** What journals are called: `open-<name of the process>.journal`. */
export const JOURNAL_NAME: RegExp = /^open-[0-9A-Za-z._-]{1,64}\.journal$/;

/**
 * What one process has begun and not ended yet, in a file that is never much longer than that: so whatever becomes of the process, the next one finds its open starts without reading the records of years. Every
 * process has a journal of its own.
 */
export class Journal implements Disposable {
  readonly path: string;
  readonly #open = new Map<string, string>();
  readonly #warn: (text: string) => void;
  #descriptor: number;
  #grown = 0;
  #hasFailed = false;
  #isClosed = false;

  /**
   * @param directory for journals alone, mode 0700
   * @param owner names this process: `describeProcess()`
   * @throws {FileError} where a journal of that name is there already
   */
  constructor(directory: string, owner: string, warn: (text: string) => void) {
    this.path = join(directory, `open-${owner}.journal`);
    this.#warn = warn;
    try {
      this.#descriptor = openSync(this.path, 'ax', 0o600);
    } catch (cause) {
      throw FileError.from(cause, this.path, 'open');
    }
  }

  /** How many starts are open. */
  get size(): number {
    return this.#open.size;
  }

  /** A start: before its record is written, so that no record is without its place here. */
  begin(record: StartRecord): void {
    const line = `+${recordLine(record)}\n`;
    this.#open.set(record.id, line);
    this.#append(line);
  }

  /** A stop: after its record is written. */
  end(record: AccountingRecord): void {
    if (!this.#open.delete(record.id)) return;
    this.#append(`-${JSON.stringify(record.id)}\n`);
  }

  #append(line: string): void {
    if (this.#isClosed) return;
    try {
      if (this.#grown > JOURNAL_BYTES) this.#rewrite();
      this.#grown += writeSync(this.#descriptor, line);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed)
        this.#warn(`${this.path}: ${String((error as Error).message)}: a crash now loses stop records`);
      this.#hasFailed = true;
    }
  }

  /** What is open goes into a new file that takes the name. The current line is in it, if it is a start; a stop is written behind it once more, which does no harm. */
  #rewrite(): void {
    const beside = `${this.path}.new`;
    rmSync(beside, { force: true });
    const next = openSync(beside, 'ax', 0o600);
    try {
      const bytes = Buffer.from([...this.#open.values()].join(''));
      for (let at = 0; at < bytes.length; ) at += writeSync(next, bytes, at);
      renameSync(beside, this.path);
    } catch (error) {
      closeSync(next);
      throw error;
    }
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#grown = 0;
  }

  /** Removes the file where nothing is open; else it is left for the next start. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
    if (this.#open.size === 0) rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The starts without a stop in the text of a journal. Lines that make no sense (the last one may be cut off) are passed over. */
export function readJournal(text: string): readonly StartRecord[] {
  const open = new Map<string, StartRecord>();
  for (const line of text.split('\n')) {
    try {
      const value: unknown = JSON.parse(line.slice(1));
      if (line.startsWith('+') && isStart(value)) open.set(value.id, value);
      if (line.startsWith('-') && typeof value === 'string') open.delete(value);
    } catch {
      // Cut off while it was written.
    }
  }
  return [...open.values()];
}

function isStart(value: unknown): value is StartRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { record, id, kind, time } = value as Partial<Record<keyof StartRecord, unknown>>;
  return (
    record === 'start' &&
    typeof id === 'string' &&
    typeof time === 'string' &&
    (kind === 'session' || kind === 'transfer')
  );
}
