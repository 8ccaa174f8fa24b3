import { readFileSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import type { CopyObserver, FileProgress } from '../../copy/observer.ts';
import { Meter } from './meter.ts';

const INTERVAL_MS = 1000;
const MAX_COLUMNS = 512;
const DEFAULT_COLUMNS = 80;

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

/** Draws one meter after the other on a terminal: every second, when the window changes, and when a file is done. */
export class ProgressDisplay {
  readonly #terminal: WriteStream;
  #meter: Meter | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onResize = (): void => this.#draw();

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  start(name: string, size: number): FileProgress {
    const meter = new Meter(name, size, now());
    this.#meter = meter;
    this.#timer ??= setInterval(() => this.#draw(), INTERVAL_MS).unref();
    this.#terminal.on('resize', this.#onResize);
    if (size >= DRAW_AT_START_BYTES) this.#draw();
    return {
      moved: (bytes) => meter.moved(bytes),
      finished: () => this.#stop(meter),
    };
  }

  #draw(): void {
    if (this.#meter === undefined || !inForeground()) return;
    const columns = Math.min(this.#terminal.columns || DEFAULT_COLUMNS, MAX_COLUMNS);
    if (columns >= 4) this.#terminal.write(`\r${this.#meter.line(now(), columns)}`);
  }

  #stop(meter: Meter): void {
    if (this.#meter !== meter) return;
    this.#draw();
    this.#meter = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#terminal.off('resize', this.#onResize);
    if (inForeground()) this.#terminal.write('\n');
  }
}

function now(): number {
  return performance.now() / 1000;
}

const noProgress: FileProgress = { moved() {}, finished() {} };

/** An observer that shows progress where there is a terminal and reports failures. */
export function observe(
  display: ProgressDisplay | undefined,
  failed: CopyObserver['failed'],
  ready: () => Promise<void> | undefined,
): CopyObserver {
  return {
    fileStarted: (name, size) => display?.start(name, size) ?? noProgress,
    failed,
    ready,
  };
}
