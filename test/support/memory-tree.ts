import { FileError, type RemoteError } from '../../src/base/errors.ts';
import type { IncomingEntry, IncomingFile, SinkFile, SinkReceiver } from '../../src/scp/sink.ts';

/** What a sink received, in order and with paths. */
export interface Received {
  readonly path: string;
  readonly mode: number;
  readonly mtimeSeconds: number | undefined;
  readonly content: Buffer | 'directory';
}

/** Keeps what a sink receives. `refuse` and `failAfter` make entries fail as a file system would. */
export class MemoryReceiver implements SinkReceiver {
  readonly received: Received[] = [];
  readonly failures: string[] = [];
  discarded = 0;
  readonly #path: string[] = [];
  readonly #refuse: (name: string) => boolean;
  readonly #failAfter: number;

  readonly #onDiscard: () => void;

  constructor(options: { refuse?: (name: string) => boolean; failAfter?: number; onDiscard?: () => void } = {}) {
    this.#onDiscard = options.onDiscard ?? (() => {});
    this.#refuse = options.refuse ?? (() => false);
    this.#failAfter = options.failAfter ?? Number.POSITIVE_INFINITY;
  }

  #at(name: string): string {
    return [...this.#path, name].join('/');
  }

  async file(entry: IncomingFile): Promise<SinkFile> {
    if (this.#refuse(entry.name)) throw new FileError(this.#at(entry.name), 'open', 'EACCES');
    const path = this.#at(entry.name);
    const chunks: Buffer[] = [];
    let length = 0;
    return {
      path,
      write: (chunk) => {
        length += chunk.length;
        if (length > this.#failAfter) throw new FileError(path, 'write', 'ENOSPC');
        chunks.push(chunk);
        return undefined;
      },
      commit: async () => {
        this.received.push({
          path,
          mode: entry.mode,
          mtimeSeconds: entry.times?.mtimeSeconds,
          content: Buffer.concat(chunks),
        });
      },
      discard: async () => {
        this.discarded++;
        this.#onDiscard();
      },
    };
  }

  async enter(entry: IncomingEntry): Promise<void> {
    if (this.#refuse(entry.name)) throw new FileError(this.#at(entry.name), 'mkdir', 'EACCES');
    this.received.push({
      path: this.#at(entry.name),
      mode: entry.mode,
      mtimeSeconds: entry.times?.mtimeSeconds,
      content: 'directory',
    });
    this.#path.push(entry.name);
  }

  async leave(): Promise<void> {
    this.#path.pop();
  }

  failed(error: FileError | RemoteError): void {
    this.failures.push(error.message);
  }
}
