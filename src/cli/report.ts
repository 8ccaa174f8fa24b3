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
