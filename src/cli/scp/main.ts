import { SealiftError } from '../../base/errors.ts';
import { OperandError } from '../../copy/location.ts';
import { UsageError } from '../getopt.ts';
import { rawArguments } from '../raw-args.ts';
import { Reporter } from '../report.ts';
import { abortOnSignals, Interrupted } from '../signals.ts';
import { FatalOptionError, parseScpOptions, type ScpOptions } from './options.ts';
import { scpHelp, scpUsage } from './usage.ts';

/** Exit statuses of scp, which scripts rely on. */
const OK = 0;
const FAILED = 1;
const FATAL = 255;

/**
 * The `scp` command.
 *
 * @param program how messages name it: `scp` where it was started so, else `sealift`
 * @returns the exit status: 0; 1 for a usage error, a signal, or anything that was not copied; 255 for a bad option value
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
  if (options.protocol === 'sftp' && options.role === 'client') {
    reporter.note(`${program}: -s: the SFTP protocol is not there yet; leave -s out to copy by the SCP protocol`);
    return FATAL;
  }
  return await run(options, reporter);
}

/** undefined where the operands are enough; else what is wrong, or nothing but the usage. */
function checkOperands(options: ScpOptions): string | undefined {
  const { role, operands } = options;
  if (role === 'sink') return operands.length === 1 ? undefined : 'ambiguous target';
  if (role === 'source') return operands.length >= 1 ? undefined : '';
  return operands.length >= 2 ? undefined : '';
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
      return await runRemoteEnd(options, signal);
    }
    const { ScpRun } = await import('./run.ts');
    return (await new ScpRun(options, reporter, signal).run()) ? OK : FAILED;
  } catch (error) {
    if (error instanceof Interrupted) return FAILED;
    if (signal.aborted) return FAILED;
    if (!(error instanceof SealiftError) && !(error instanceof OperandError)) throw error;
    reporter.error(error);
    return FAILED;
  } finally {
    release();
  }
}
