import { FileError, RemoteError } from '../base/errors.ts';
import { MAX_DEPTH } from './limits.ts';
import type { Reply, ScpLink } from './link.ts';

/** Times that travel before an entry when they are to be preserved. Seconds since 1970; fractions are cut, negative values become 0. */
export interface EntryTimes {
  readonly mtimeSeconds: number;
  readonly atimeSeconds: number;
}

/** What the source announces: one path component, mode bits, and the size for a file. */
export interface SourceEntry {
  readonly name: string;
  readonly mode: number;
  readonly times?: EntryTimes | undefined;
}

/** A file whose bytes are to be sent. */
export interface SourceFile extends SourceEntry {
  /** How messages name the file. */
  readonly path: string;
  /** The exact number of bytes that will be announced. */
  readonly size: number;
  /**
   * The bytes. Too many are cut, too few (or an error thrown while they are read) are made up with zeros and reported to both sides, so that the wire
   * stays in step. A chunk must stay unchanged until the next but one is asked for.
   */
  readonly content: AsyncIterable<Uint8Array>;
  /** Called after each piece of content with its length and its bytes, padding not counted. */
  readonly onBytes?: ((bytes: number, content: Uint8Array) => void) | undefined;
}

const zeros = new Uint8Array(64 * 1024);

/**
 * The sending role of the SCP protocol: the local side of an upload, the remote side (`scp -f`) of a download. It knows nothing of file systems;
 * whoever drives it walks the tree.
 *
 * Methods throw RemoteError where the sink refuses one entry (the copy can go on), and ProtocolError or ConnectionError where it cannot.
 */
export class ScpSource {
  readonly #link: ScpLink;
  #depth = 0;

  private constructor(link: ScpLink) {
    this.#link = link;
  }

  /**
   * Waits for the sink's first reply, which says that it is there and its target is usable.
   *
   * @throws {RemoteError} where the target is refused.
   */
  static async start(link: ScpLink): Promise<ScpSource> {
    const source = new ScpSource(link);
    await source.#expectOk();
    return source;
  }

  /** Sends one file. Resolves when the sink has confirmed it. */
  async file(file: SourceFile): Promise<void> {
    const progress = { sent: 0 };
    try {
      await this.#file(file, progress);
    } catch (error) {
      throw this.#link.lostDuring(error, `sending ${file.path} (${progress.sent} of ${file.size} bytes)`);
    }
  }

  async #file(file: SourceFile, progress: { sent: number }): Promise<void> {
    await this.#times(file.times);
    this.#link.sendRecord({ type: 'C', mode: file.mode, size: file.size, name: file.name });
    await this.#expectOk();
    const failure = await this.#content(file, progress);
    if (failure === undefined) this.#link.sendOk();
    else this.#link.sendError(`scp: ${failure.message}`);
    const reply = await this.#link.readReply();
    if (failure !== undefined) throw failure;
    this.#check(reply);
  }

  /** Enters a directory below the current one. */
  async enter(directory: SourceEntry): Promise<void> {
    if (this.#depth >= MAX_DEPTH) {
      throw new FileError(directory.name, 'send', 'ERR_LIMIT', {
        reason: `directories nest deeper than ${MAX_DEPTH} levels`,
      });
    }
    await this.#times(directory.times);
    this.#link.sendRecord({ type: 'D', mode: directory.mode, size: 0, name: directory.name });
    await this.#expectOk();
    this.#depth++;
  }

  /** Leaves the current directory. */
  async leave(): Promise<void> {
    if (this.#depth === 0) throw new RangeError('leave() without a matching enter()');
    this.#depth--;
    this.#link.sendRecord({ type: 'E' });
    await this.#expectOk();
  }

  /** Tells the sink of an entry that could not be read, so that its side counts the failure too. The sink does not answer this. */
  reportError(text: string): void {
    this.#link.sendError(`scp: ${text}`);
  }

  async #times(times: EntryTimes | undefined): Promise<void> {
    if (times === undefined) return;
    const mtimeSeconds = wholeSeconds(times.mtimeSeconds);
    const atimeSeconds = wholeSeconds(times.atimeSeconds);
    this.#link.sendRecord({ type: 'T', mtimeSeconds, mtimeMicros: 0, atimeSeconds, atimeMicros: 0 });
    await this.#expectOk();
  }

  async #expectOk(): Promise<void> {
    this.#check(await this.#link.readReply());
  }

  #check(reply: Reply): void {
    switch (reply.kind) {
      case 'ok':
        return;
      case 'error':
        throw new RemoteError(reply.text);
      case 'fatal':
        throw this.#link.fatal(reply.text);
      default:
        reply satisfies never;
    }
  }

  /** Sends exactly `size` bytes. Returns what went wrong with the file; problems of the wire are thrown. */
  async #content(file: SourceFile, progress: { sent: number }): Promise<FileError | undefined> {
    const writer = this.#link.writer;
    let left = file.size;
    let failure: FileError | undefined;
    const chunks = file.content[Symbol.asyncIterator]();
    try {
      while (left > 0) {
        const chunk = await nextChunk(chunks, file.path);
        if (chunk instanceof FileError) failure = chunk;
        if (chunk instanceof FileError || chunk === undefined) break;
        const piece = chunk.length > left ? chunk.subarray(0, left) : chunk;
        await writer.send(piece);
        left -= piece.length;
        progress.sent += piece.length;
        file.onBytes?.(piece.length, piece);
      }
      if (left > 0) {
        failure ??= new FileError(file.path, 'read', 'ERR_FILE_CHANGED', {
          reason: 'file became shorter while it was read',
        });
        for (; left > 0; left -= zeros.length) await writer.send(left < zeros.length ? zeros.subarray(0, left) : zeros);
      }
      await writer.flush();
    } catch (cause) {
      throw await this.#link.lostWhileSending(cause);
    } finally {
      await chunks.return?.();
    }
    return failure;
  }
}

/** The next chunk, undefined at the end, or the error of reading it as a value: the caller must tell it from errors of the wire. */
async function nextChunk(chunks: AsyncIterator<Uint8Array>, name: string): Promise<Uint8Array | FileError | undefined> {
  try {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  } catch (cause) {
    return FileError.from(cause, name, 'read');
  }
}

function wholeSeconds(seconds: number): number {
  return Math.max(0, Math.floor(seconds));
}
