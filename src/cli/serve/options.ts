import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type ListenAddress, readListenAddress } from '../../server/listen-address.ts';

export const help = `sealift serve: an SSH server that does secure copy and nothing else

usage: sealift serve [options]
       sealift serve -c FILE [--check] [-v]
       sealift serve status|sessions|transfers|kick ID [-c FILE | --state DIR] [--json] [--watch]

One folder, one user:
  --data DIR              the folder that users see as / (made when missing)
  --state DIR             where host keys and accounting are kept (made when missing)
  --listen ADDRESS:PORT   where to listen; may be given several times. Default 127.0.0.1:2222
  --user NAME             the name to log in with. Default: your login name
  --authorized-keys FILE  public keys that may log in, in the format of authorized_keys
  --password-file FILE    a file whose first line is the password, or its hash ($scrypt$…)

By a configuration file, which replaces the options above:
  -c, --config FILE       serve what the file says; SIGHUP reads it again
  --check                 say what is wrong with the file and what it names, and do not serve
  --json                  with --check: the result as JSON on standard output

  -v, --verbose           report connections, logins and transfers on standard error; with -c, log all
  -h, --help

A server that runs is asked by the control socket in its state folder, which only its owner may open:
  status                  what it is and does; --watch shows the transfers until Ctrl-C
  sessions, transfers     who is connected, what is being moved
  kick ID                 end a session, its transfers with it

Without a key or password file a password is made up and shown once on standard error.
The data folder is \${XDG_DATA_HOME:-~/.local/share}/sealift/files and the state folder
\${XDG_STATE_HOME:-~/.local/state}/sealift unless given.

When it is ready, standard output has one line "listening on ADDRESS:PORT" per address.
SIGINT or SIGTERM stop it: transfers under way have 4 seconds to finish (with -c as long as
the file's "grace" says); a second signal ends it at once. SIGHUP has accounting.jsonl opened
anew (with -c also the file read); without -c a server on a terminal stops.

Exit status: 0 after a signal, 1 for an error, 2 for a wrong command line.

Example: sealift serve --data /srv/drop --listen '[::1]:2222' --user drop --authorized-keys ~/.ssh/authorized_keys
`;

/** One folder and one user, from the command line. */
export interface QuickOptions {
  readonly kind: 'quick';
  readonly data: string;
  readonly state: string;
  readonly listen: readonly ListenAddress[];
  readonly user: string;
  readonly authorizedKeys: string | undefined;
  readonly passwordFile: string | undefined;
  readonly verbose: boolean;
}

/** What a configuration file says. */
export interface ConfiguredOptions {
  readonly kind: 'configured';
  readonly config: string;
  readonly defaultState: string;
  readonly verbose: boolean;
}

export interface CheckOptions {
  readonly kind: 'check';
  readonly config: string;
  readonly defaultState: string;
  readonly json: boolean;
}

/** A question to a server that runs. */
export interface ControlOptions {
  readonly kind: 'control';
  readonly command: 'status' | 'sessions' | 'transfers' | 'kick';
  readonly id: string | undefined;
  readonly config: string | undefined;
  readonly state: string;
  readonly json: boolean;
  readonly watch: boolean;
}

export type ServeOptions = { readonly kind: 'help' } | QuickOptions | ConfiguredOptions | CheckOptions | ControlOptions;

const known = {
  config: { type: 'string', short: 'c' },
  check: { type: 'boolean' },
  json: { type: 'boolean' },
  watch: { type: 'boolean' },
  data: { type: 'string' },
  state: { type: 'string' },
  listen: { type: 'string', multiple: true },
  user: { type: 'string' },
  'authorized-keys': { type: 'string' },
  'password-file': { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof known; args: string[]; allowPositionals: true }>>['values'];
type OptionName = keyof Values;

const quickOnly: readonly OptionName[] = ['data', 'listen', 'user', 'authorized-keys', 'password-file'];

/** @throws {TypeError} for a wrong command line */
export function readServeOptions(args: readonly string[]): ServeOptions {
  const { values, positionals } = parseArgs({ args: [...args], strict: true, allowPositionals: true, options: known });
  if (values.help === true) return { kind: 'help' };
  const [command, ...rest] = positionals;
  if (command !== undefined) return readControl(command, rest, values);
  refuse(values, ['watch'], 'is for sealift serve status');
  if (values.config !== undefined) {
    refuse(values, [...quickOnly, 'state'], 'and -c exclude each other: the file says it');
    if (values.check !== true) refuse(values, ['json'], 'needs --check here');
    const common = { config: resolve(values.config), defaultState: defaultState() };
    if (values.check === true) return { kind: 'check', ...common, json: values.json === true };
    return { kind: 'configured', ...common, verbose: values.verbose === true };
  }
  refuse(values, ['check', 'json'], 'needs -c FILE');
  return {
    kind: 'quick',
    data: resolve(values.data ?? join(xdg('XDG_DATA_HOME', '.local/share'), 'sealift', 'files')),
    state: stateFolder(values),
    listen: (values.listen ?? ['127.0.0.1:2222']).map(readAddress),
    user: values.user ?? loginName(),
    authorizedKeys: values['authorized-keys'],
    passwordFile: values['password-file'],
    verbose: values.verbose === true,
  };
}

function readControl(command: string, rest: readonly string[], values: Values): ControlOptions {
  if (command !== 'status' && command !== 'sessions' && command !== 'transfers' && command !== 'kick')
    throw new TypeError(`${JSON.stringify(command)}: no such command; there are status, sessions, transfers and kick`);
  const [id, ...more] = rest;
  if (command === 'kick' ? id === undefined || more.length > 0 : id !== undefined)
    throw new TypeError(command === 'kick' ? 'kick: one session is needed' : `${command}: takes no further words`);
  refuse(values, [...quickOnly, 'check', 'verbose'], `is not for sealift serve ${command}`);
  if (command !== 'status') refuse(values, ['watch'], 'is for sealift serve status');
  if (values.config !== undefined) refuse(values, ['state'], 'and -c exclude each other');
  const { config, json, watch } = values;
  return {
    kind: 'control',
    command,
    id,
    config: config === undefined ? undefined : resolve(config),
    state: stateFolder(values),
    json: json === true,
    watch: watch === true,
  };
}

function refuse(values: Values, names: readonly OptionName[], why: string): void {
  for (const name of names) if (values[name] !== undefined) throw new TypeError(`--${name} ${why}`);
}

function stateFolder({ state }: Values): string {
  return state === undefined ? defaultState() : resolve(state);
}

/** Where a server keeps its state unless it is told. */
function defaultState(): string {
  return join(xdg('XDG_STATE_HOME', '.local/state'), 'sealift');
}

/** A folder of the XDG base directory specification, which says to ignore relative values. */
function xdg(variable: string, otherwise: string): string {
  const value = process.env[variable];
  return value !== undefined && isAbsolute(value) ? value : join(homedir(), otherwise);
}

function loginName(): string {
  try {
    return userInfo().username || 'sealift';
  } catch {
    return 'sealift';
  }
}

/** @throws {TypeError} */
function readAddress(text: string): ListenAddress {
  const address = readListenAddress(text);
  if (address === undefined)
    throw new TypeError(`--listen ${text}: not of the form ADDRESS:PORT (IPv6: [ADDRESS]:PORT)`);
  return address;
}
