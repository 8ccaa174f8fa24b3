import { FileError, RemoteError } from '../base/errors.ts';
import type { IncomingEntry, IncomingFile, SinkFile, SinkReceiver } from '../scp/sink.ts';
import type { ScpSource } from '../scp/source.ts';
import { ChunkQueue } from './chunk-queue.ts';
import type { CopyObserver } from './observer.ts';
import type { RateLimit } from './rate-limit.ts';

export interface RelayOptions {
  /** Passes the names of the top level. @throws {ProtocolError} */
  readonly checkName: (name: string) => void;
  /** What the entry of the top level is called at the target. Default: as it comes. */
  readonly name?: string | undefined;
  readonly observer: CopyObserver;
  readonly rateLimit?: RateLimit | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Passes what one host sends on to another, entry by entry, without a file here. Everything that comes in has been checked as for a copy to this machine. */
export class RelayReceiver implements SinkReceiver {
  readonly #source: ScpSource;
  readonly #options: RelayOptions;
  #depth = 0;

  constructor(source: ScpSource, options: RelayOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** What the target refuses fails as an error of that entry, which the origin is told too. */
  async #forward<T>(name: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      throw new FileError(name, 'write', 'ERR_REMOTE', { reason: error.text.replace(/^scp: /, ''), cause: error });
    }
  }

  #called<T extends IncomingEntry>(entry: T): T {
    const { name } = this.#options;
    return this.#depth > 0 || name === undefined ? entry : { ...entry, name };
  }

  async file(entry: IncomingFile): Promise<SinkFile> {
    if (this.#depth === 0) this.#options.checkName(entry.name);
    return new RelayedFile(this.#source, this.#called(entry), this.#options, (step) => this.#forward(entry.name, step));
  }

  async enter(entry: IncomingEntry): Promise<void> {
    if (this.#depth === 0) this.#options.checkName(entry.name);
    await this.#forward(entry.name, () => this.#source.enter(this.#called(entry)));
    this.#depth++;
  }

  async leave(): Promise<void> {
    this.#depth--;
    await this.#forward('', () => this.#source.leave());
  }

  ready(): Promise<void> | undefined {
    return this.#options.observer.ready?.();
  }

  failed(error: FileError | RemoteError): void {
    this.#options.observer.failed(error);
  }
}

class RelayedFile implements SinkFile {
  readonly path: string;
  readonly #queue = new ChunkQueue();
  readonly #options: RelayOptions;
  readonly #progress: ReturnType<CopyObserver['fileStarted']>;
  /** The target is gone: there is no use in taking the rest. */
  #lost: { readonly error: unknown } | undefined;
  /** The sending of the whole file; its failure waits to be asked for. */
  readonly #sent: Promise<void>;

  constructor(
    source: ScpSource,
    entry: IncomingFile,
    options: RelayOptions,
    forward: (step: () => Promise<void>) => Promise<void>,
  ) {
    this.path = entry.name;
    this.#options = options;
    this.#progress = options.observer.fileStarted(entry.name, entry.size);
    this.#sent = forward(() => source.file({ ...entry, path: entry.name, content: this.#queue }));
    this.#sent.catch((error: unknown) => {
      if (!(error instanceof FileError)) this.#lost = { error };
      this.#queue.stop();
    });
  }

  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#lost !== undefined) throw this.#lost.error;
    this.#progress.moved(chunk.length);
    const busy = this.#queue.push(chunk);
    const held = this.#options.rateLimit?.wait(chunk.length, this.#options.signal);
    if (busy === undefined) return held;
    return held === undefined ? busy : Promise.all([busy, held]).then(() => {});
  }

  async commit(): Promise<void> {
    this.#queue.end();
    await this.#sent;
    this.#progress.finished(true);
  }

  interrupt(): void {
    this.#queue.stop();
  }

  async discard(): Promise<void> {
    // What is missing is made up with zeros and the target told that it is not the file.
    this.#queue.fail(new FileError(this.path, 'read', 'ERR_FILE_CHANGED', { reason: 'its source broke off' }));
    await this.#sent.catch(() => {});
    this.#progress.finished(false);
  }
}
