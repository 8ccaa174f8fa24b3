import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { FileError } from '../../base/errors.ts';
import { SpoolFile } from './spool-file.ts';
import { isNobody, listSpools, nobody, type SpoolName, spooledBytes, spoolPath } from './spool-name.ts';
import { framed } from './syslog-message.ts';

/** What the messages for one server may take on the disk, those of all processes together. Bytes. Processes that write at the same moment may exceed it by a step each. */
export const SPOOL_BYTES: number = 64 * 1024 * 1024;

/** How much is written between two looks at what all processes have. Bytes. */
const STEP_BYTES = 1024 * 1024;

/** A longer file is followed by another one, so that what was sent can be removed before all of it was. Bytes. */
const FILE_BYTES = 4 * 1024 * 1024;

/** How much is read at a time; longer than any message. Bytes. */
const READ_BYTES = 64 * 1024;

/** What the systems of both sides may hold that nobody has read: the largest send and receive buffers of Linux by default (tcp_wmem, tcp_rmem; 4 and 6 MiB). Bytes. */
const UNCERTAIN_BYTES = 10 * 1024 * 1024;

const LINE_FEED = 0x0a;

export interface SpoolOptions {
  /** The folder of the journals. */
  readonly directory: string;
  /** As `targetName()` gives it. */
  readonly target: string;
  /** The name of this process with a suffix of digits a–f, as its journal has it. */
  readonly owner: string;
  /** Told once when messages cannot be kept on the disk, and once when they can be again; must not throw. */
  readonly warn: (text: string) => void;
  /** Default {@link SPOOL_BYTES}. */
  readonly maxBytes?: number | undefined;
}

/** Messages as they go on the wire. */
export interface SpoolPart {
  readonly data: string;
  /** What it takes in the spool. Bytes. */
  readonly bytes: number;
}

/**
 * Messages for one server that wait on the disk, in order: files of lines in the folder of the journals, `LENGTH SP MESSAGE LF`, which only this object writes and reads. They outlast the process. No call throws
 * because of the disk.
 *
 * A message is sent at least once: what may be under way when a connection breaks is given out again.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #owner: string;
  readonly #maxBytes: number;
  /** The oldest first; the last one is written. */
  #files: SpoolFile[] = [];
  #count = 0;
  /** Where the next message begins that no connection has taken. From the beginning of the first file. */
  #taken = 0;
  /** Where the connection began. */
  #began = 0;
  /** What may be written before the folder is looked at again. */
  #allowance = 0;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? SPOOL_BYTES;
    // One process may have several spools for one server.
    this.#owner = `${options.owner}${randomBytes(3).toString('hex')}`;
  }

  /** Whether there is nothing on the disk. */
  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** What no connection has taken. Bytes. */
  get waitingBytes(): number {
    return this.#size - this.#taken;
  }

  get #size(): number {
    return this.#files.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Appends a message, with one write.
   *
   * @param message in printable ASCII
   * @returns `full` where the server has what it may have; `failed` where the disk does not take it
   * @throws {TypeError} where it would not be one line
   */
  append(message: string): 'kept' | 'full' | 'failed' {
    if (!/^[\x20-\x7e]+$/.test(message)) throw new TypeError('a message is not printable ASCII');
    if (this.#isClosed) return 'failed';
    const line = Buffer.from(`${framed(message)}\n`, 'latin1');
    try {
      if (!this.#hasRoom(line.length)) return 'full';
      this.#last(line.length).append(line);
      this.#allowance -= line.length;
    } catch (error) {
      this.#fail(error);
      return 'failed';
    }
    if (this.#hasFailed) this.#options.warn(`${this.#options.directory}: messages for syslog are kept on disk again`);
    this.#hasFailed = false;
    return 'kept';
  }

  #hasRoom(bytes: number): boolean {
    if (this.#allowance >= bytes) return true;
    const { directory, target } = this.#options;
    const step = Math.max(bytes, Math.min(STEP_BYTES, this.#maxBytes / 64));
    // A whole step, so that a short message does not find room where a longer one did not.
    const has = spooledBytes(directory, target) + step <= this.#maxBytes;
    this.#allowance = has ? step : 0;
    return has;
  }

  /** The file to write to. */
  #last(bytes: number): SpoolFile {
    const last = this.#files.at(-1);
    if (last !== undefined && last.size + bytes <= FILE_BYTES) return last;
    const next = SpoolFile.make(this.#nextPath());
    this.#files.push(next);
    return next;
  }

  #nextPath(): string {
    const { directory, target } = this.#options;
    return spoolPath(directory, { target, owner: this.#owner, number: ++this.#count });
  }

  #fail(error: unknown): void {
    const { directory, warn } = this.#options;
    const last = this.#files.at(-1);
    const { message } = FileError.from(error, last?.path ?? directory, 'write');
    if (!this.#hasFailed) warn(`${message}: messages for syslog are kept in memory only`);
    this.#hasFailed = true;
    if (last?.size !== 0) return;
    this.#files.pop();
    this.#remove(last);
  }

  /** Takes what nobody owns of the messages for this server. Of several processes that try it, one gets it. */
  adopt(): void {
    if (this.#isClosed) return;
    const { directory, target, warn } = this.#options;
    try {
      for (const one of listSpools(directory)) if (one.target === target && isNobody(one.owner)) this.#adoptOne(one);
    } catch (error) {
      warn(FileError.from(error, directory, 'read').message);
    }
  }

  #adoptOne({ path }: SpoolName): void {
    const own = this.#nextPath();
    try {
      renameSync(path, own);
    } catch {
      // Another process was faster.
      return;
    }
    let file: SpoolFile;
    try {
      file = SpoolFile.open(own);
    } catch (error) {
      this.#options.warn(`${FileError.from(error, own, 'open').message}: its messages are not sent`);
      return;
    }
    if (!this.#merge(file)) this.#files.push(file);
  }

  /** Appends a short file to the last one: after many starts there are not many files. */
  #merge(file: SpoolFile): boolean {
    const last = this.#files.at(-1);
    if (last !== undefined && last.size + file.size + 2 > FILE_BYTES) return false;
    try {
      if (file.size > 0) {
        if (last === undefined) return false;
        const lines = file.read(0, file.size);
        last.append(lines.at(-1) === LINE_FEED ? lines : Buffer.concat([lines, Buffer.from([LINE_FEED])]));
      }
      file.remove();
      return true;
    } catch {
      return false;
    }
  }

  /** A connection begins. */
  begin(): void {
    this.#began = this.#taken;
  }

  /** The next messages, whole, some 64 KiB; undefined where all were taken. What is no message (a line that was cut off) is passed over. */
  next(): SpoolPart | undefined {
    for (;;) {
      const place = this.#locate();
      if (place === undefined) return undefined;
      const { file, from } = place;
      let bytes: Buffer;
      try {
        bytes = file.read(from, READ_BYTES);
      } catch (error) {
        this.#giveUp(file, from, error);
        continue;
      }
      const isEnd = from + bytes.length === file.size;
      const end = bytes.lastIndexOf(LINE_FEED) + 1;
      const whole = isEnd || end === 0 ? bytes : bytes.subarray(0, end);
      const data = whole.toString('latin1').split('\n').filter(isFramed).join('');
      if (data !== '') return { data, bytes: whole.length };
      this.taken(whole.length);
    }
  }

  #locate(): { readonly file: SpoolFile; readonly from: number } | undefined {
    let from = this.#taken;
    for (const file of this.#files) {
      if (from < file.size) return { file, from };
      from -= file.size;
    }
    return undefined;
  }

  /** What cannot be read stays for the next start. */
  #giveUp(file: SpoolFile, from: number, error: unknown): void {
    this.#options.warn(`${FileError.from(error, file.path, 'read').message}: its messages wait for the next start`);
    this.#files = this.#files.filter((one) => one !== file);
    this.#taken -= from;
    this.#began = Math.min(this.#began, this.#taken);
    file.close();
  }

  /** The connection has taken the part that {@link next} gave. */
  taken(bytes: number): void {
    this.#taken += bytes;
    for (let [first] = this.#files; first !== undefined; [first] = this.#files) {
      if (first.size + UNCERTAIN_BYTES > this.#taken) return;
      this.#files.shift();
      this.#taken -= first.size;
      this.#began = Math.max(0, this.#began - first.size);
      this.#remove(first);
    }
  }

  /** The connection broke: what it was given last may not have come, and is given out again. */
  rewind(): void {
    this.#taken = Math.max(this.#began, this.#taken - UNCERTAIN_BYTES);
  }

  /** All of it has come. */
  empty(): void {
    for (const file of this.#files.splice(0)) this.#remove(file);
    this.#taken = 0;
    this.#began = 0;
    this.#allowance = 0;
  }

  #remove(file: SpoolFile): void {
    try {
      file.remove();
    } catch (error) {
      this.#options.warn(FileError.from(error, file.path, 'remove').message);
    }
  }

  /** Closes it. What is there is nobody's from now on, and whoever serves this target next takes it. Idempotent. */
  release(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { directory, target } = this.#options;
    const owner = nobody(randomBytes(6).toString('hex'));
    for (const [index, file] of this.#files.splice(0).entries()) {
      try {
        file.rename(spoolPath(directory, { target, owner, number: index + 1 }));
      } catch {
        // The next start finds it by the name of this process.
      }
      file.close();
    }
    this.#taken = 0;
  }
}

function isFramed(line: string): boolean {
  const [, length, message] = /^(\d{1,5}) (.+)$/.exec(line) ?? [];
  return message !== undefined && Number(length) === message.length;
}
