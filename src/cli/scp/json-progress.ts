import { FileError, SealiftError } from '../../base/errors.ts';
import { type Location, OperandError, parseLocation } from '../../copy/location.ts';
import type { FilePaths, FileProgress } from '../../copy/observer.ts';
import type { VerifiedContent } from '../../files/content-check.ts';
import { type JsonLines, nameField, wellFormed } from '../json-lines.ts';
import { Pace } from '../terminal/pace.ts';
import { Tally } from '../terminal/tally.ts';
import type { ScpOptions } from './options.ts';

/** The version of the events below. It changes when a field changes its meaning or goes; new fields may come at any time. */
const VERSION = 1;

/** Totals are told at most so often. Milliseconds. */
const INTERVAL_MS = 500;

/** What became of a file. `skipped`: it is there already; `planned`: nothing is to be changed, but it would be copied. */
type FileResult = 'copied' | 'failed' | 'skipped' | 'planned';

export interface JsonProgressOptions {
  readonly lines: JsonLines;
  readonly signal: AbortSignal;
  /** Seconds, for durations. */
  readonly now: () => number;
  /** The time of day. */
  readonly date: () => Date;
}

/** Tells a program how a run gets on: NDJSON events, documented in docs/guide/copying.md. */
export class JsonProgress {
  readonly #options: JsonProgressOptions;
  readonly #tally = new Tally();
  readonly #pace: Pace;
  readonly #timer: NodeJS.Timeout;
  #failures = 0;
  #doneBefore = 0;

  constructor(options: JsonProgressOptions, run: Pick<ScpOptions, 'operands' | 'recursive' | 'preserve'>) {
    this.#options = options;
    this.#pace = new Pace(options.now());
    const { operands, recursive, preserve } = run;
    this.#write('start', {
      version: VERSION,
      sources: operands.slice(0, -1).map(place),
      target: place(operands.at(-1) ?? ''),
      recursive,
      preserve,
    });
    this.#timer = setInterval(() => this.tick(), INTERVAL_MS).unref();
  }

  #write(event: string, fields: object): void {
    this.#options.lines.write({ event, time: this.#options.date().toISOString(), ...fields });
  }

  step(isLast: boolean): void {
    this.#tally.step(isLast);
  }

  again(all: boolean): void {
    this.#tally.again(all);
  }

  found(size: number): void {
    this.#tally.found(size);
  }

  counted(files: number, bytes: number): void {
    this.#tally.counted(files, bytes);
  }

  foundAll(): void {
    this.#tally.foundAll();
  }

  fileStarted(name: string, size: number, paths: FilePaths = {}): FileProgress {
    const file = this.#tally.start(name, size);
    const start = this.#options.now();
    let content: VerifiedContent | undefined;
    return {
      moved: file.moved,
      verified: (found) => {
        content = found;
      },
      resumed: (bytes) => file.resumed?.(bytes),
      finished: (landed) => {
        file.finished(landed);
        this.#file(name, file.size, paths, landed ? 'copied' : 'failed', this.#options.now() - start, content);
      },
    };
  }

  skipped(name: string, size: number, paths: FilePaths = {}): void {
    this.#tally.skip(size);
    this.#file(name, size, paths, 'skipped', 0);
  }

  planned(name: string, size: number, paths: FilePaths = {}): void {
    this.#tally.skip(size);
    this.#file(name, size, paths, 'planned', 0);
  }

  #file(
    name: string,
    size: number,
    paths: FilePaths,
    result: FileResult,
    seconds: number,
    content?: VerifiedContent,
  ): void {
    this.#write('file', {
      ...nameField('name', name),
      ...nameField('source', paths.source),
      ...nameField('target', paths.target),
      size,
      result,
      seconds: rounded(seconds),
      ...(content === undefined ? {} : { signature: signatureFields(content) }),
    });
  }

  /** Tells the totals, while there are files to copy. What a reader is too slow for is left out: the next totals say all. */
  tick(): void {
    const { bytesMoved, bytesResumed, bytesFound, filesDone, filesFound, isComplete, current } = this.#tally;
    if ((current === undefined && filesDone === this.#doneBefore) || this.#options.lines.isBehind) return;
    this.#doneBefore = filesDone;
    this.#pace.measure(this.#options.now(), bytesMoved);
    this.#write('bytes', {
      bytesMoved,
      bytesResumed,
      bytesFound,
      filesDone,
      filesFound,
      foundAll: isComplete,
      bytesPerSecond: Math.round(this.#pace.bytesPerSecond),
    });
  }

  failed(error: unknown): void {
    this.#failures++;
    const cure = error instanceof SealiftError ? error.cure : undefined;
    this.#write('error', {
      message: wellFormed(withoutPasswords(error instanceof Error ? error.message : String(error))),
      code: codeOf(error),
      ...(cure === undefined ? {} : { cure: wellFormed(cure) }),
      ...(error instanceof FileError ? nameField('path', error.path) : {}),
    });
  }

  ready(): Promise<void> | undefined {
    return this.#options.lines.ready(this.#options.signal);
  }

  /** Tells how it ended, and waits until the reader has it. */
  async end(exitStatus: number): Promise<void> {
    clearInterval(this.#timer);
    const { filesCopied, bytesMoved, bytesResumed } = this.#tally;
    const seconds = this.#pace.total(this.#options.now(), bytesMoved);
    this.#write('summary', {
      exitStatus,
      files: filesCopied,
      bytes: bytesMoved,
      bytesResumed,
      failed: this.#failures,
      seconds: rounded(seconds),
      bytesPerSecond: Math.round(this.#pace.bytesPerSecond),
    });
    await this.#options.lines.flushed(this.#options.signal);
  }
}

/** What a file was found to be, and who vouches for it. */
function signatureFields({ type, product, version, signers, warnings }: VerifiedContent): object {
  return {
    imageType: type,
    product: wellFormed(product),
    version: wellFormed(version),
    signers: signers.map((signer) => ({ keyType: signer.type, keyVersion: signer.version })),
    ...(warnings.length === 0 ? {} : { warnings: warnings.map(wellFormed) }),
  };
}

/** To the millisecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function codeOf(error: unknown): string {
  if (error instanceof SealiftError) return error.code;
  return error instanceof OperandError ? 'ERR_OPERAND' : 'ERR_UNKNOWN';
}

/** An operand by its parts. scp knows no passwords in operands, but people write them into URIs: what follows a colon in a user's name is left out. */
function place(operand: string): object {
  let location: Location;
  try {
    location = parseLocation(operand);
  } catch {
    // The error that follows says what is wrong with it.
    return {};
  }
  if (location.kind === 'local') return nameField('path', location.path);
  const { host, port, path } = location;
  const user = location.user?.split(':')[0];
  return {
    ...nameField('path', path),
    host: wellFormed(host),
    ...(user === undefined ? {} : { user: wellFormed(user) }),
    ...(port === undefined ? {} : { port }),
  };
}

function withoutPasswords(message: string): string {
  return message.replaceAll(/(scp:\/\/[^/:@]*):[^/]*@/g, '$1:***@');
}
