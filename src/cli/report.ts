import { FileError, SealiftError } from '../base/errors.ts';
import { printable, printableLines } from '../base/printable.ts';
import { streamReady } from './stream-ready.ts';

/** Shares the terminal with the reports, and hears of the errors. */
export interface ReportWatcher {
  failed?(error: unknown): void;
  /** Writes to standard error. */
  stderr?(text: string): void;
}

/** Writes errors to standard error: `program: what: why`, then the cure where there is one. */
export class Reporter {
  readonly #program: string;
  #watcher: ReportWatcher = {};

  constructor(program: string) {
    this.#program = program;
  }

  watchedBy(watcher: ReportWatcher): void {
    this.#watcher = watcher;
  }

  error(error: unknown): void {
    this.#watcher.failed?.(error);
    const message = error instanceof Error ? error.message : String(error);
    // A file's name may hold line feeds, which must not begin a line of their own here.
    const text = error instanceof FileError ? printable(message) : message;
    // Remote sides of scp begin their texts with their own name.
    const line = text.startsWith('scp: ') ? text : `${this.#program}: ${text}`;
    this.#write(line);
    if (error instanceof SealiftError && error.cure !== undefined) this.#write(`${this.#program}: ${error.cure}`);
    if (process.env['SEALIFT_DEBUG'] === '1' && error instanceof Error)
      this.text(`${printableLines(error.stack ?? '')}\n`);
  }

  /** A line that everyone should see and that is no error. */
  notice(text: string): void {
    this.#write(`${this.#program}: ${text}`);
  }

  /** A line for those who asked for it with -v. */
  note(text: string): void {
    this.#write(text);
  }

  #write(line: string): void {
    this.text(`${line.split('\n').map(printable).join('\n')}\n`);
  }

  /** Text that is safe to show, as it is. */
  text(text: string): void {
    if (this.#watcher.stderr === undefined) process.stderr.write(text);
    else this.#watcher.stderr(text);
  }
}

/** As {@link streamReady}, for standard error. */
export function stderrReady(signal: AbortSignal): Promise<void> | undefined {
  return streamReady(process.stderr, signal);
}
