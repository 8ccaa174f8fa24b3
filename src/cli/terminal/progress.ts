import { readFileSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import type { FileProgress } from '../../copy/observer.ts';
import { Meter } from './meter.ts';
import { OverallMeter } from './overall-meter.ts';
import { Tally } from './tally.ts';
import { textWidth } from './width.ts';

const INTERVAL_MS = 1000;
const MAX_COLUMNS = 512;
const DEFAULT_COLUMNS = 80;

/** In a window that is narrower than this nothing is shown. */
const LEAST_COLUMNS = 4;

/** Files smaller than this are done before an empty meter could be read: only their last line is drawn. Bytes. */
const DRAW_AT_START_BYTES = 256 * 1024;

/** Whether this process is in the foreground of its terminal. Only Linux tells without a native call; elsewhere it is taken to be. */
export function inForeground(): boolean {
  try {
    const fields = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    // state ppid pgrp session tty_nr tpgid …
    return fields[2] === fields[5];
  } catch {
    return true;
  }
}

export interface DisplayOptions {
  readonly terminal: Pick<WriteStream, 'columns' | 'write' | 'on' | 'off'>;
  /** There may be several files: they share one line from the first on. */
  readonly expectsMany: boolean;
  /** Files that the copy does not find ahead share one line too, where there are several. */
  readonly alwaysOverall: boolean;
  /** Asked before anything is drawn. */
  readonly mayDraw: () => boolean;
  /** The place of other text on the same terminal. */
  readonly stderr: (text: string) => void;
  /** Seconds. */
  readonly now: () => number;
}

/**
 * Draws on a terminal how a run gets on: every second, when the window changes, and at the end. One file has the line of OpenSSH's scp; several that are found ahead have one line together.
 * Files that come one after the other, each when the last one is done, have a line each, as with scp.
 */
export class ProgressDisplay {
  readonly #options: DisplayOptions;
  readonly #tally = new Tally();
  #single: Meter | undefined;
  #overall: OverallMeter | undefined;
  #startSeconds: number | undefined;
  #failures = 0;
  /** What stands on the line of the cursor. */
  #shown = '';
  #timer: NodeJS.Timeout | undefined;
  readonly #onResize = (): void => this.#draw();

  constructor(options: DisplayOptions) {
    this.#options = options;
  }

  /** Before the sources of another place, whose host may have questions. */
  step(isLast: boolean): void {
    this.#rest();
    this.#clear();
    this.#tally.step(isLast);
  }

  found(size: number): void {
    this.#startSeconds ??= this.#options.now();
    this.#tally.found(size);
    if (this.#options.expectsMany || this.#tally.filesFound > 1) this.#showOverall();
  }

  again(all: boolean): void {
    this.#tally.again(all);
  }

  counted(files: number, bytes: number): void {
    this.#tally.counted(files, bytes);
    // What people wait for most: percent and time left.
    if (this.#overall !== undefined && this.#timer !== undefined) this.#draw();
  }

  foundAll(): void {
    this.#tally.foundAll();
  }

  fileStarted(name: string, size: number): FileProgress {
    this.#startSeconds ??= this.#options.now();
    const file = this.#tally.start(name, size);
    const { alwaysOverall, expectsMany } = this.#options;
    if (alwaysOverall && (expectsMany || this.#tally.filesFound > 1)) this.#showOverall();
    if (this.#overall !== undefined) return file;
    return this.#startSingle(name, size, file);
  }

  skipped(_name: string, size: number): void {
    this.#tally.skip(size);
  }

  #showOverall(): void {
    const isNew = this.#overall === undefined;
    this.#single = undefined;
    this.#overall ??= new OverallMeter(this.#tally, this.#startSeconds ?? this.#options.now());
    if (this.#watch() || isNew) this.#draw();
  }

  #startSingle(name: string, size: number, file: FileProgress): FileProgress {
    const meter = new Meter(name, size, this.#options.now());
    this.#single = meter;
    this.#watch();
    if (size >= DRAW_AT_START_BYTES) this.#draw();
    return {
      moved: (bytes) => {
        file.moved(bytes);
        meter.moved(bytes);
      },
      resumed: (bytes) => {
        file.resumed?.(bytes);
        meter.moved(bytes);
      },
      finished: (landed) => {
        file.finished(landed);
        if (this.#single === meter) this.#endSingle(landed || meter.movedBytes > 0);
      },
    };
  }

  /** @param stays false for a file that could not even be begun: it leaves no line */
  #endSingle(stays: boolean): void {
    if (stays) this.#draw();
    else this.#clear();
    this.#single = undefined;
    this.#rest();
    if (stays && this.#options.mayDraw()) this.#options.terminal.write('\n');
    this.#shown = '';
  }

  /** Draws from now on. False where that is so already. */
  #watch(): boolean {
    if (this.#timer !== undefined) return false;
    this.#timer = setInterval(() => this.#draw(), INTERVAL_MS).unref();
    this.#options.terminal.on('resize', this.#onResize);
    return true;
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.terminal.off('resize', this.#onResize);
  }

  get #columns(): number {
    return Math.min(this.#options.terminal.columns || DEFAULT_COLUMNS, MAX_COLUMNS);
  }

  #draw(): void {
    const meter = this.#overall ?? this.#single;
    if (meter !== undefined) this.#show(() => meter.line(this.#options.now(), this.#columns));
  }

  #show(line: () => string): void {
    if (this.#columns < LEAST_COLUMNS || !this.#options.mayDraw()) return;
    this.#shown = line();
    this.#options.terminal.write(`\r${this.#shown}`);
  }

  /** With spaces, which every terminal understands. */
  #clear(): void {
    const columns = Math.min(textWidth(this.#shown), this.#columns);
    if (columns > 0 && this.#options.mayDraw()) this.#options.terminal.write(`\r${' '.repeat(columns)}\r`);
    this.#shown = '';
  }

  /** Other text for the terminal: takes the place of the line, which moves down. */
  stderr(text: string): void {
    const shown = this.#shown;
    this.#clear();
    this.#options.stderr(text);
    // Text that has no end yet goes on with what comes next.
    if (shown !== '' && text.endsWith('\n')) this.#show(() => shown.slice(0, this.#columns));
  }

  failed(): void {
    this.#failures++;
  }

  /** Leaves the last line. */
  end(): void {
    this.#rest();
    const overall = this.#overall;
    this.#overall = undefined;
    if (overall === undefined) return;
    this.#show(() => overall.lastLine(this.#options.now(), this.#columns, this.#failures));
    if (this.#shown !== '') this.#options.terminal.write('\n');
    this.#shown = '';
  }
}
