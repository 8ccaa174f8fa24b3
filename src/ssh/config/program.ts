import { execFile } from 'node:child_process';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';
import { addValue, type ConfigValues, configValue } from './values.ts';

/** `ssh -G` reads a few files; a `Match exec` of the user's own configuration may take a moment. */
const TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Keywords whose value counts only where it differs from what the program would do by itself. */
const defaulted: readonly string[] = [
  'ciphers',
  'macs',
  'kexalgorithms',
  'hostkeyalgorithms',
  'pubkeyacceptedalgorithms',
  'identityfile',
  'preferredauthentications',
];

/** The environment of the program. */
type Variables = Readonly<Record<string, string | undefined>> | undefined;

function run(program: string, args: readonly string[], variables: Variables, host: string): Promise<string> {
  const options = {
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: MAX_OUTPUT_BYTES,
    encoding: 'utf8' as const,
    ...(variables && { env: { ...variables } }),
  };
  return new Promise((resolve, reject) => {
    execFile(program, [...args], options, (cause, stdout, stderr) => {
      if (cause === null) return resolve(stdout);
      const said = printable(stderr.trim().split('\n').at(-1) ?? '');
      const reason = `ssh_config could not be read: ${said || printable(cause.message.split('\n')[0] ?? '')}`;
      reject(new ConnectionError(printable(host), 'resolve', reason, { code: 'ERR_CONFIG', cause }));
    });
  });
}

/** Reads the output of `ssh -G`: one `keyword value` a line. Total. */
export function parseProgramConfig(output: string): ConfigValues {
  const values: ConfigValues = new Map();
  for (const line of output.split('\n')) {
    const match = /^(\S+) (.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) addValue(values, match[1], configValue(match[2]));
  }
  return values;
}

/**
 * Turns a full list back into what the user wrote: `+more` or `^first`, where the list is the default with that applied.
 * The program's default list must not become ours, since it also names what is not spoken here.
 */
export function relativeToDefault(list: string, standard: string): string {
  const names = list.split(',');
  const defaults = standard.split(',');
  if (names.length > defaults.length && names.slice(0, defaults.length).join(',') === standard) {
    return `+${names.slice(defaults.length).join(',')}`;
  }
  for (let k = 1; k < names.length; k++) {
    const head = names.slice(0, k);
    const rest = defaults.filter((name) => !head.includes(name));
    if (rest.length > 0 && names.slice(k).join(',') === rest.join(',')) return `^${head.join(',')}`;
  }
  return list;
}

function dropDefaults(values: ConfigValues, standard: ConfigValues): ConfigValues {
  for (const keyword of defaulted) {
    const text = (source: ConfigValues): string => (source.get(keyword) ?? []).map((value) => value.text).join('\n');
    const own = text(values);
    if (own === text(standard)) values.delete(keyword);
    else if (/algorithms$|^ciphers$|^macs$/.test(keyword)) {
      values.set(keyword, [configValue(relativeToDefault(own, text(standard)))]);
    }
  }
  return values;
}

/**
 * What the `ssh` program says about a host (`ssh -G`), as it says it.
 *
 * @throws {ConnectionError} `ERR_CONFIG` where the program does not understand the configuration
 */
export async function readProgramWords(
  program: string,
  args: readonly string[],
  target: SshTarget,
  variables?: Variables,
): Promise<ConfigValues> {
  checkTarget(target);
  const own = [
    '-G',
    ...args,
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    '--',
    target.host,
  ];
  return parseProgramConfig(await run(program, own, variables, target.host));
}

/**
 * Asks the `ssh` program what its configuration says about a host. Defaults of the program for lists of algorithms and
 * identities are left out.
 *
 * @throws {ConnectionError} `ERR_CONFIG` where the program does not understand the configuration
 */
export async function readProgramConfig(
  program: string,
  args: readonly string[],
  target: SshTarget,
  variables?: Variables,
): Promise<ConfigValues> {
  const [own, standard] = await Promise.all([
    readProgramWords(program, args, target, variables),
    run(program, ['-G', '-F', 'none', '--', 'localhost'], variables, target.host),
  ]);
  return dropDefaults(own, parseProgramConfig(standard));
}
