import cluster from 'node:cluster';
import { SealiftError } from '../../base/errors.ts';
import { Reporter } from '../report.ts';
import { help, readServeOptions, type ServeOptions } from './options.ts';

/**
 * `sealift serve`.
 *
 * @param args what follows the word `serve`
 * @returns the exit status: 0 after SIGINT or SIGTERM, 1 for an error, 2 for a wrong command line.
 */
export async function serveCommand(args: readonly string[]): Promise<number> {
  if (cluster.isWorker) {
    const { runWorker } = await import('./worker.ts');
    return await runWorker();
  }
  const reporter = new Reporter('sealift');
  let options: ServeOptions;
  try {
    options = readServeOptions(args);
  } catch (error) {
    reporter.error(error);
    reporter.note('see sealift serve --help');
    return 2;
  }
  try {
    return await run(options, reporter);
  } catch (error) {
    if (isConfigError(error)) reporter.text(`${error.message}\n`);
    else reporter.error(error);
    return 1;
  }
}

/** What is not needed is not loaded: ssh2 is the largest part of the start-up time. */
async function run(options: ServeOptions, reporter: Reporter): Promise<number> {
  switch (options.kind) {
    case 'help':
      process.stdout.write(help);
      return 0;
    case 'quick': {
      const { serveQuick } = await import('./quick.ts');
      return await serveQuick(options, reporter);
    }
    case 'check': {
      const { checkConfig } = await import('./check.ts');
      return await checkConfig(options, reporter);
    }
    case 'configured': {
      const { serveConfigured } = await import('./configured.ts');
      return await serveConfigured(options, reporter);
    }
    case 'control': {
      const { controlCommand } = await import('./control-command.ts');
      return await controlCommand(options);
    }
    default:
      return options satisfies never;
  }
}

/** By its name: the class comes with the configuration, which is not always loaded. */
function isConfigError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ConfigError' && !(error instanceof SealiftError);
}
