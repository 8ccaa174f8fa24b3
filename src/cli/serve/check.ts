import { SealiftError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { placeOf } from '../../server/config/parse.ts';
import { type PreparedConfig, prepareConfig, readConfigFile } from '../../server/config/prepare.ts';
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

/** A server starts all the same, and refuses uploads to such a root. */
async function findUnusableStorages({ file, places, settings }: PreparedConfig): Promise<readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  for (const [index, { accept }] of settings.roots.entries()) {
    if (accept === undefined) continue;
    const { checkOf } = await import('./signed-roots.ts');
    const check = await checkOf(accept);
    await check.ready().catch((error: unknown) => {
      if (!(error instanceof SealiftError)) throw error;
      const message = error.cure === undefined ? error.message : `${error.message}; ${error.cure}`;
      const key = `roots[${index}].keys`;
      problems.push({ file, ...placeOf(places, key), key, message: printable(message) });
    });
  }
  return problems;
}

async function findProblems(file: string, defaultState: string): Promise<readonly ConfigProblem[]> {
  try {
    const prepared = await prepareConfig(await readConfigFile(file), file, defaultState);
    return await findUnusableStorages(prepared);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    if (error instanceof SealiftError) return [{ file, line: 1, column: 1, key: '', message: error.message }];
    throw error;
  }
}
