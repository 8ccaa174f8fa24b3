import { SealiftError } from '../../base/errors.ts';
import { prepareConfig, readConfigFile } from '../../server/config/prepare.ts';
import { ConfigError, type ConfigProblem } from '../../server/config/problems.ts';
import { jsonLine } from '../json-lines.ts';
import type { Reporter } from '../report.ts';
import type { CheckOptions } from './options.ts';

/** `sealift serve --check`: reads the configuration and everything it names, and changes nothing. @returns 0 where it can be served */
export async function checkConfig({ config, defaultState, json }: CheckOptions, reporter: Reporter): Promise<0 | 1> {
  const problems = await findProblems(config, defaultState);
  if (json) process.stdout.write(jsonLine({ ok: problems.length === 0, file: config, problems }));
  else if (problems.length === 0) process.stdout.write(`${config}: good\n`);
  else reporter.text(`${new ConfigError(problems).message}\n`);
  return problems.length === 0 ? 0 : 1;
}

async function findProblems(file: string, defaultState: string): Promise<readonly ConfigProblem[]> {
  try {
    await prepareConfig(await readConfigFile(file), file, defaultState);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    if (error instanceof SealiftError) return [{ file, line: 1, column: 1, key: '', message: error.message }];
    throw error;
  }
}
