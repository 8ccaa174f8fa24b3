import type { Writable } from 'node:stream';
import { FileError } from '../base/errors.ts';
import { streamReady } from './stream-ready.ts';

/** Remembers why a standard stream could not be written. That its reader went away is no failure. */
export class OutputWatch {
  readonly #stream: Writable;
  #error: FileError | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') this.#error ??= FileError.from(error, 'standard output', 'write');
    });
  }

  /** Waits until everything is written, or cannot be. */
  async failure(signal: AbortSignal): Promise<FileError | undefined> {
    await streamReady(this.#stream, signal, 'empty');
    // Files fail at once and tell it in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    return this.#error;
  }
}
