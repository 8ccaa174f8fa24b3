import type { CopyObserver } from '../../copy/observer.ts';
import { JsonLines } from '../json-lines.ts';
import { inForeground, ProgressDisplay } from '../terminal/progress.ts';
import { DryRunList } from './dry-run-list.ts';
import { JsonProgress } from './json-progress.ts';
import type { ScpOptions } from './options.ts';

/** Shows how a run gets on, in one of the ways of `--progress`. */
export interface RunProgress extends Omit<CopyObserver, 'failed'> {
  /** The run goes on to the sources of another place. */
  step?(isLast: boolean): void;
  /** The step is done again over a new connection; `all`: with what has landed. */
  again?(all: boolean): void;
  /** An error was reported. */
  failed?(error: unknown): void;
  /** Writes to standard error, past whatever is drawn on the same terminal. */
  stderr?(text: string): void;
  /** The run is over; nothing is called after this. */
  end?(exitStatus: number): void | Promise<void>;
}

const nothing: RunProgress = { fileStarted: () => ({ moved() {}, finished() {} }) };

/** Chooses by the options and by what standard output is. */
export function startProgress(options: ScpOptions, signal: AbortSignal): RunProgress {
  const { progress, quiet } = options;
  if (progress === 'json') {
    const lines = new JsonLines(process.stdout);
    return new JsonProgress({ lines, signal, now, date: () => new Date() }, options);
  }
  if (options.beyond.dryRun) return new DryRunList((text) => process.stdout.write(text));
  const isWanted = progress === 'bar' || (progress === 'auto' && !quiet);
  return isWanted && process.stdout.isTTY ? display(options, progress === 'bar') : nothing;
}

function display(options: ScpOptions, isBar: boolean): RunProgress {
  return new ProgressDisplay({
    terminal: process.stdout,
    expectsMany: options.recursive || options.operands.length > 2,
    alwaysOverall: isBar,
    mayDraw: isBar ? () => true : inForeground,
    stderr: (text) => process.stderr.write(text),
    now,
  });
}

function now(): number {
  return performance.now() / 1000;
}
