import { SealiftError } from '../../base/errors.ts';
import { OperandError } from '../../copy/location.ts';
import { UsageError } from '../getopt.ts';
import { OutputWatch } from '../output-watch.ts';
import { rawArguments } from '../raw-args.ts';
import { Reporter } from '../report.ts';
import { abortOnSignals, Interrupted } from '../signals.ts';
import { signatureProblem } from './beyond.ts';
import { FatalOptionError, parseScpOptions, type ScpOptions } from './options.ts';
import { type RunProgress, startProgress } from './progress.ts';
import { RunHosts } from './run-hosts.ts';
import { scpHelp, scpUsage } from './usage.ts';

/** Exit statuses of scp, which scripts rely on. */
const OK = 0;
const FAILED = 1;
const FATAL = 255;

/**
 * The `scp` command.
 *
 * @param program how messages name it: `scp` where it was started so, else `sealift`
 * @returns the exit status: 0; 1 for a usage error, a signal, or anything that was not copied; 255 for a bad option value and, except with `-O`, for a lost connection or a server that breaks the rules
 */
export async function scpMain(args: readonly string[], program: 'scp' | 'sealift'): Promise<number> {
  const reporter = new Reporter(program);
  let options: ScpOptions;
  try {
    options = parseScpOptions(rawArguments(args));
  } catch (error) {
    return explainOptionError(error, reporter, program);
  }
  if (options.help) {
    process.stdout.write(scpHelp(program));
    return OK;
  }
  if (options.version) {
    const { version } = await import('../version.ts');
    process.stdout.write(`sealift ${version()}\n`);
    return OK;
  }
  const problem = checkOperands(options);
  if (problem !== undefined) {
    if (problem !== '') reporter.note(`${program}: ${problem}`);
    process.stderr.write(scpUsage(program));
    return FAILED;
  }
  return await run(options, reporter);
}

/** undefined where the operands are enough; else what is wrong, or nothing but the usage. */
function checkOperands(options: ScpOptions): string | undefined {
  const { role, operands } = options;
  if (role === 'sink') return operands.length === 1 ? undefined : 'ambiguous target';
  if (role === 'source') return operands.length >= 1 ? undefined : '';
  return operands.length >= 2 ? signatureProblem(options.beyond) : '';
}

function explainOptionError(error: unknown, reporter: Reporter, program: 'scp' | 'sealift'): number {
  if (error instanceof UsageError) {
    reporter.note(`${program}: ${error.message}`);
    process.stderr.write(scpUsage(program));
    return FAILED;
  }
  if (!(error instanceof FatalOptionError)) throw error;
  reporter.note(`${program}: ${error.message}`);
  return FATAL;
}

async function run(options: ScpOptions, reporter: Reporter): Promise<number> {
  const { signal, release } = abortOnSignals(FAILED);
  try {
    if (options.role !== 'client') {
      const { runRemoteEnd } = await import('./remote-end.ts');
      return await statusOf(() => runRemoteEnd(options, signal), reporter, signal);
    }
    // The list is all that a dry run is for.
    const listed = options.beyond.dryRun ? new OutputWatch(process.stdout) : undefined;
    const progress = await startProgress(options, signal);
    reporter.watchedBy(progress);
    const status = await statusOf(() => runClient(options, reporter, progress, signal), reporter, signal);
    await progress.end?.(status);
    const lost = await listed?.failure(signal);
    if (lost === undefined) return status;
    reporter.notice(lost.message);
    return status === OK ? FAILED : status;
  } finally {
    release();
  }
}

async function runClient(
  options: ScpOptions,
  reporter: Reporter,
  progress: RunProgress,
  signal: AbortSignal,
): Promise<number> {
  const { signature } = options.beyond;
  const content = signature ? await (await import('./signature.ts')).signatureCheck(options.beyond) : undefined;
  const hosts = new RunHosts(options, { reporter, signal });
  await hosts.begin();
  const { ScpRun } = await import('./run.ts');
  const result = await new ScpRun(options, { reporter, progress, hosts, signal, content }).run();
  return { copied: OK, failed: FAILED, fatal: FATAL }[result];
}

/** The exit status of some work, whose failure is reported here. */
async function statusOf(work: () => Promise<number>, reporter: Reporter, signal: AbortSignal): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Interrupted) return FAILED;
    if (signal.aborted) return FAILED;
    if (!(error instanceof SealiftError) && !(error instanceof OperandError)) throw error;
    reporter.error(error);
    return FAILED;
  }
}
