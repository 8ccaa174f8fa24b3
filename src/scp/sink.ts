import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeName } from '../base/byte-name.ts';
import { withDeadline } from '../base/deadline.ts';
import { FileError, ProtocolError, RemoteError } from '../base/errors.ts';
import { checkPeerName } from '../base/peer-name.ts';
import { printable } from '../base/printable.ts';
import { LINE_TIMEOUT_MS, MAX_DEPTH, NOISE_TIMEOUT_MS, SILENCE_TIMEOUT_MS } from './limits.ts';
import type { ScpLink } from './link.ts';
import { looksLikeRecord, noiseError } from './noise.ts';
import { type DirectoryRecord, type FileRecord, parseRecord, type TimesRecord } from './record.ts';

const LF = 0x0a;

/** The bytes that a message of the source can begin with: 1, 2, C, D, E, T. */
const RECORD_STARTS: ReadonlySet<number> = new Set([1, 2, 0x43, 0x44, 0x45, 0x54]);

/** Records that lie in memory already are handled without a turn of the event loop; after so many there is one. */
const RECORDS_A_TURN = 64;

/** An entry the source announced. The name has passed the gate: it is one harmless path component. */
export interface IncomingEntry {
  readonly name: string;
  readonly mode: number;
  /** Set where the source sent a T record for this entry. */
  readonly times?: TimesRecord | undefined;
}

export interface IncomingFile extends IncomingEntry {
  /** The number of bytes that will follow. */
  readonly size: number;
}

/** Where the bytes of one file go. */
export interface SinkFile {
  /** How messages name the file. */
  readonly path: string;
  /**
   * Takes over the chunk. Returns a promise where the caller must wait before it sends more.
   *
   * @throws {FileError} the rest of the data is then drained and the error reported to the source.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** All bytes are there and the source vouches for them: makes the file visible under its name. The success reply goes out after this. */
  commit(): Promise<void>;
  /** The copy is aborted while a call above is under way: ends it where it waits for somebody else. */
  interrupt?(): void;
  /** Something went wrong: removes every trace. Must not throw. */
  discard(): Promise<void>;
}

/** What the sink does with what comes in: given by whoever knows the file system. A FileError refuses the entry, a ProtocolError ends the copy. */
export interface SinkReceiver {
  file(entry: IncomingFile): Promise<SinkFile>;
  /** Goes down into a directory, which is made if need be. */
  enter(entry: IncomingEntry): Promise<void>;
  /** Comes back up. */
  leave(): Promise<void>;
  /** Asked between records: a promise where the copy should wait, because what was told to `failed` has not been taken yet. */
  ready?(): Promise<void> | undefined;
  /** An error about one entry: ours (a FileError) or one that the source reported (a RemoteError). The copy goes on. */
  failed(error: FileError | RemoteError): void;
}

export interface SinkOptions {
  /** Whether directories may come. */
  readonly recursive: boolean;
  /** How deep directories may nest. Default MAX_DEPTH. */
  readonly maxDepth?: number | undefined;
  /** Aborting ends the copy at the next record or chunk. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Tells, between entries of the top level, whether everything that was asked for has come. The source is then given a short time to end; one that neither ends nor sends
   * more does not hold the copy up.
   */
  readonly isDone?: (() => boolean) | undefined;
}

/** What a finished copy did. */
export interface SinkResult {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  readonly failures: number;
  /** Records of files and directories that came, whatever became of them. */
  readonly entries: number;
}

/**
 * The receiving role of the SCP protocol: the local side of a download, the remote side (`scp -t`) of an upload. Runs until the source ends its stream.
 *
 * @throws {ProtocolError} where the source breaks the rules; it has been told. {ConnectionError} where the stream ends inside a file or directory.
 */
export async function runSink(link: ScpLink, receiver: SinkReceiver, options: SinkOptions): Promise<SinkResult> {
  return await new ScpSink(link, receiver, options).run();
}

/** What became of a file, and the one reply that it gets. */
interface Received {
  readonly landed: boolean;
  readonly reply: () => void;
}

class ScpSink {
  readonly #link: ScpLink;
  readonly #receiver: SinkReceiver;
  readonly #options: SinkOptions;
  #times: TimesRecord | undefined;
  #depth = 0;
  #first = true;
  #files = 0;
  #directories = 0;
  #bytes = 0;
  #entries = 0;
  #records = 0;
  #failures = 0;

  constructor(link: ScpLink, receiver: SinkReceiver, options: SinkOptions) {
    this.#link = link;
    this.#receiver = receiver;
    this.#options = options;
  }

  async run(): Promise<SinkResult> {
    this.#link.sendOk();
    try {
      while (!(await this.#isOver()) && (await this.#next())) await this.#breathe();
    } catch (error) {
      if (error instanceof ProtocolError) this.#link.sendError(`scp: ${error.message}`);
      throw error;
    }
    if (this.#depth > 0) throw this.#link.lost();
    return {
      files: this.#files,
      directories: this.#directories,
      bytes: this.#bytes,
      failures: this.#failures,
      entries: this.#entries,
    };
  }

  /** Handles one record. False at the end of the stream. */
  async #next(): Promise<boolean> {
    const code = await this.#byte();
    if (code === undefined) return false;
    if (code === LF)
      throw this.#first ? noiseError(Buffer.of(LF)) : new ProtocolError('protocol error: unexpected <newline>');
    const patience = this.#first && !RECORD_STARTS.has(code) ? NOISE_TIMEOUT_MS : LINE_TIMEOUT_MS;
    if (code === 1 || code === 2) return this.#reported(code, decodeName(await this.#link.text()));
    const { bytes: line, endedBy } = await this.#link.line(Buffer.of(code), patience);
    if (endedBy !== 'terminator') this.#unfinished(line, endedBy);
    await this.#record(line);
    this.#first = false;
    return true;
  }

  /** Between records: holds a source back that does not read its answers, and lets signals and timers in while one floods us. */
  async #breathe(): Promise<void> {
    await this.#link.writer.drained();
    await this.#receiver.ready?.();
    if (++this.#records % RECORDS_A_TURN === 0) await nextTurn();
    this.#options.signal?.throwIfAborted();
  }

  async #isOver(): Promise<boolean> {
    if (this.#depth > 0 || this.#options.isDone?.() !== true) return false;
    // Sources that wait for the end of our side before they end theirs get it now: there is nothing left to answer.
    this.#link.writer.end();
    const more = this.#link.reader.ready().catch(() => true);
    return await withDeadline(more, SILENCE_TIMEOUT_MS, () => new Error('silence')).then(
      () => false,
      () => true,
    );
  }

  async #byte(): Promise<number | undefined> {
    try {
      return await this.#link.reader.byte();
    } catch (cause) {
      throw this.#link.lost(cause);
    }
  }

  #unfinished(line: Buffer, endedBy: 'end' | 'limit'): never {
    if (this.#first && !looksLikeRecord(line)) throw noiseError(line);
    if (endedBy === 'end') throw this.#link.lost();
    throw new ProtocolError('protocol error: record is too long', { code: 'ERR_LIMIT' });
  }

  #reported(code: 1 | 2, text: string): boolean {
    const words = printable(text);
    this.#link.trace('receive', () => `<${code === 1 ? 'ERROR' : 'FATAL'}> ${words}`);
    this.#first = false;
    if (code === 2) throw this.#link.fatal(words);
    this.#fail(new RemoteError(words));
    return true;
  }

  #fail(error: FileError | RemoteError): void {
    this.#failures++;
    this.#receiver.failed(error);
  }

  async #record(line: Buffer): Promise<void> {
    if (this.#first && !looksLikeRecord(line)) throw noiseError(line);
    this.#link.begin();
    this.#link.trace('receive', () => printable(decodeName(line)));
    const record = parseRecord(line);
    switch (record?.type) {
      case undefined:
      case 'T':
        this.#times = record;
        this.#link.sendOk();
        return;
      case 'E':
        return await this.#leave();
      case 'C':
        return await this.#file(record);
      case 'D':
        return await this.#enter(record);
      default:
        record satisfies never;
    }
  }

  #takeTimes(): TimesRecord | undefined {
    const times = this.#times;
    this.#times = undefined;
    return times;
  }

  async #leave(): Promise<void> {
    if (this.#depth === 0) throw new ProtocolError('protocol error: end of a directory that was not entered');
    this.#depth--;
    await this.#answer(() => this.#receiver.leave());
  }

  async #enter(record: DirectoryRecord): Promise<void> {
    this.#entries++;
    const entry = { name: checkPeerName(record.name), mode: record.mode, times: this.#takeTimes() };
    if (!this.#options.recursive) {
      throw new ProtocolError('protocol error: received directory without -r', { code: 'ERR_NOT_REQUESTED' });
    }
    const maxDepth = this.#options.maxDepth ?? MAX_DEPTH;
    if (this.#depth >= maxDepth) {
      throw new ProtocolError(`protocol error: directories nest deeper than ${maxDepth} levels`, {
        code: 'ERR_LIMIT',
      });
    }
    const entered = await this.#answer(() => this.#receiver.enter(entry));
    if (!entered) return;
    this.#depth++;
    this.#directories++;
  }

  /** Does one step and sends the one reply the record gets. False where a FileError refused it. */
  async #answer(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
    } catch (error) {
      this.#refuse(error);
      return false;
    }
    this.#link.sendOk();
    return true;
  }

  /** Reports a FileError to the source and here; anything else goes on up. */
  #refuse(error: unknown): void {
    if (!(error instanceof FileError)) throw error;
    this.#link.sendError(`scp: ${error.message}`);
    this.#fail(error);
  }

  async #file(record: FileRecord): Promise<void> {
    this.#entries++;
    const { mode, size } = record;
    const entry = { name: checkPeerName(record.name), mode, size, times: this.#takeTimes() };
    let file: SinkFile;
    try {
      file = await this.#receiver.file(entry);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#link.sendOk();
    let received: Received | undefined;
    const before = this.#bytes;
    const interrupt = () => file.interrupt?.();
    this.#options.signal?.addEventListener('abort', interrupt, { once: true });
    try {
      received = await this.#receive(file, size);
    } catch (error) {
      throw this.#link.lostDuring(error, `receiving ${file.path} (${this.#bytes - before} of ${size} bytes)`);
    } finally {
      this.#options.signal?.removeEventListener('abort', interrupt);
      if (received?.landed !== true) await file.discard();
    }
    // Whoever hears that a file was refused finds nothing of it.
    received.reply();
  }

  /** Takes the data and the source's verdict on it, and commits the file. */
  async #receive(file: SinkFile, size: number): Promise<Received> {
    const failure = await this.#data(file, size);
    const verdict = await this.#link.readReply();
    if (verdict.kind === 'fatal') throw this.#link.fatal(verdict.text);
    if (failure !== undefined) return { landed: false, reply: () => this.#refuse(failure) };
    if (verdict.kind === 'error') {
      // The source padded what it could not read: these bytes are not the file.
      this.#fail(new RemoteError(verdict.text));
      return { landed: false, reply: () => this.#link.sendOk() };
    }
    try {
      await file.commit();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return { landed: false, reply: () => this.#refuse(error) };
    }
    this.#files++;
    return { landed: true, reply: () => this.#link.sendOk() };
  }

  /** Moves `size` bytes into the file. After a local error the rest is drained, so that the wire stays in step. */
  async #data(file: SinkFile, size: number): Promise<FileError | undefined> {
    const { reader } = this.#link;
    let failure: FileError | undefined;
    let left = size;
    while (left > 0) {
      const chunk = reader.take(left) ?? (await this.#moreData(left));
      left -= chunk.length;
      this.#bytes += chunk.length;
      if (failure !== undefined) continue;
      try {
        const busy = file.write(chunk);
        if (busy !== undefined) await busy;
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        failure = error;
      }
    }
    if (size > 0) this.#link.trace('receive', () => `${size} bytes`);
    return failure;
  }

  async #moreData(max: number): Promise<Buffer> {
    this.#options.signal?.throwIfAborted();
    let chunk: Buffer | undefined;
    try {
      chunk = await this.#link.reader.chunk(max);
    } catch (cause) {
      throw this.#link.lost(cause);
    }
    if (chunk === undefined) throw this.#link.lost();
    return chunk;
  }
}
