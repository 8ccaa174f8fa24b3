import { printable } from '../../base/printable.ts';

/** A place in a configuration file. Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something in a configuration that cannot stand. */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `roots[1].keep-free`; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong, and what would be right. Printable, and without secrets. */
  readonly message: string;
}

/** So many problems are told; nobody reads on. */
export const MAX_PROBLEMS = 50;

/** `FILE:LINE:COLUMN: key: what is wrong`. */
export function describeProblem({ file, line, column, key, message }: ConfigProblem): string {
  return printable(`${file}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`);
}

/** Collects the problems of one file. */
export class Problems {
  readonly #file: string;
  readonly #found: ConfigProblem[] = [];
  #untold = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(key: string, { line, column }: Place, message: string): void {
    if (this.#found.length >= MAX_PROBLEMS) this.#untold++;
    else this.#found.push({ file: this.#file, line, column, key, message: printable(message) });
  }

  get count(): number {
    return this.#found.length + this.#untold;
  }

  /** In the order of the file. */
  list(): readonly ConfigProblem[] {
    const sorted = [...this.#found].sort((a, b) => a.line - b.line || a.column - b.column);
    const last = sorted.at(-1);
    if (this.#untold > 0 && last !== undefined)
      sorted.push({ ...last, key: '', message: `and ${this.#untold} more problems` });
    return sorted;
  }
}

/** A configuration that cannot be used. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(describeProblem).join('\n'));
    this.problems = problems;
  }
}
