import type { CopyObserver } from '../../copy/observer.ts';
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
export async function startProgress(options: ScpOptions, signal: AbortSignal): Promise<RunProgress> {
  const { progress, quiet } = options;
  if (progress === 'json') {
    const [{ JsonLines }, { JsonProgress }] = await Promise.all([
      import('../json-lines.ts'),
      import('./json-progress.ts'),
    ]);
    const lines = new JsonLines(process.stdout);
    return new JsonProgress({ lines, signal, now, date: () => new Date() }, options);
  }
  if (options.beyond.dryRun) {
    const { DryRunList } = await import('./dry-run-list.ts');
    return new DryRunList((text) => process.stdout.write(text));
  }
  const isWanted = progress === 'bar' || (progress === 'auto' && !quiet);
  return isWanted && process.stdout.isTTY ? await display(options, progress === 'bar') : nothing;
}

async function display(options: ScpOptions, isBar: boolean): Promise<RunProgress> {
  const { inForeground, ProgressDisplay } = await import('../terminal/progress.ts');
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
