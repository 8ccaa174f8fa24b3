import { SealiftError } from '../base/errors.ts';
import { printable, printableLines } from '../base/printable.ts';

/** Writes errors to standard error: `program: what: why`, then the cure where there is one. */
export class Reporter {
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  error(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    // Remote sides of scp begin their texts with their own name.
    const line = text.startsWith('scp: ') ? text : `${this.#program}: ${text}`;
    this.#write(line);
    if (error instanceof SealiftError && error.cure !== undefined) this.#write(`${this.#program}: ${error.cure}`);
    if (process.env['SEALIFT_DEBUG'] === '1' && error instanceof Error)
      process.stderr.write(`${printableLines(error.stack ?? '')}\n`);
  }

  /** A line for those who asked for it with -v. */
  note(text: string): void {
    this.#write(text);
  }

  #write(line: string): void {
    process.stderr.write(`${line.split('\n').map(printable).join('\n')}\n`);
  }
}

/**
 * Tells whether what was written to standard error has been taken. Whoever reads it may be slow (a pager, a log), and a peer could fill the memory with what waits.
 *
 * @returns undefined where it has; else a promise for the moment when it has, when nobody reads any more, or when `signal` aborts.
 */
export function stderrReady(signal: AbortSignal): Promise<void> | undefined {
  const { stderr } = process;
  if (!stderr.writableNeedDrain || stderr.destroyed || signal.aborted) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      stderr.off('drain', done);
      stderr.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    stderr.on('drain', done);
    stderr.on('close', done);
    signal.addEventListener('abort', done);
  });
}
