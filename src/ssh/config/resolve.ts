import { dirname, join } from 'node:path';
import { silentLog } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';
import type { ConnectOptions } from '../options.ts';
import { findProgram } from '../program/find.ts';
import { parseSshArguments } from './arguments.ts';
import { readConfigFile } from './files.ts';
import { type HostConfig, hostConfig } from './host-config.ts';
import { readProgramConfig } from './program.ts';
import { addValue, type ConfigValues } from './values.ts';

const SYSTEM_CONFIG = '/etc/ssh/ssh_config';

/** The options that matter for the configuration. */
export type ResolveOptions = Pick<ConnectOptions, 'args' | 'environment' | 'log'>;

/** Reads the option words and the files without the `ssh` program. */
async function readFiles(target: SshTarget, options: ResolveOptions): Promise<ConfigValues> {
  const { environment, log = silentLog } = options;
  const args = parseSshArguments(options.args ?? []);
  const values: ConfigValues = new Map();
  for (const [keyword, value] of args.values) addValue(values, keyword, value);
  for (const word of args.unknown) log.debug(1, `the built-in transport has no use for ${printable(word)}`);
  const context = { originalHost: target.host, localUser: environment.user, home: environment.home, user: target.user };
  const userFolder = join(environment.home, '.ssh');
  if (args.configFile !== undefined) {
    // As in ssh, a file that is named replaces both files, and `none` stands for no file.
    if (args.configFile.toLowerCase() === 'none') return values;
    await readConfigFile(args.configFile, userFolder, context, values, { required: true });
    return values;
  }
  await readConfigFile(join(userFolder, 'config'), userFolder, context, values, { required: false, mustBeOwn: true });
  const system = environment.systemConfigFile ?? SYSTEM_CONFIG;
  await readConfigFile(system, dirname(system), context, values, { required: false });
  return values;
}

/** `-B` is scp's word for BatchMode; ssh means something else by it. */
function programWords(args: readonly string[]): string[] {
  return args.map((word) => (word === '-B' ? '-oBatchMode=yes' : word));
}

/**
 * Finds out what ssh_config says about a target. Where an `ssh` program is on the search path it is asked (`ssh -G`), so
 * that Match, Include and the rest mean what they mean to it. Otherwise the files are read here, and `Match exec` never
 * holds.
 *
 * @param onWaiting called when nothing is left to do but to wait for the answer
 * @throws {ConnectionError} `ERR_CONFIG`, `EINVAL`
 * @throws {FileError} a configuration file cannot be read
 */
export async function resolveHost(
  target: SshTarget,
  options: ResolveOptions,
  onWaiting?: () => void,
): Promise<HostConfig> {
  checkTarget(target);
  const { environment } = options;
  const program = await findProgram('ssh', environment.path);
  const reading = program
    ? readProgramConfig(program, programWords(options.args ?? []), target, environment.variables)
    : readFiles(target, options);
  onWaiting?.();
  return hostConfig(target, await reading, environment);
}
