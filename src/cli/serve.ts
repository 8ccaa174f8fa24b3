import { randomInt } from 'node:crypto';
import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FileError } from '../base/errors.ts';
import type { RunningServer } from '../server/server.ts';
import type { ServerUser } from '../server/users.ts';
import { Reporter } from './report.ts';
import { abortOnSignals } from './signals.ts';

const help = `sealift serve: an SSH server that does secure copy and nothing else, by SFTP and by the SCP protocol

usage: sealift serve [options]

  --data DIR              the folder that users see as / (made when missing)
  --state DIR             where the host keys are kept (made when missing)
  --listen ADDRESS:PORT   where to listen; may be given several times. Default 127.0.0.1:2222
  --user NAME             the name to log in with. Default: your login name
  --authorized-keys FILE  public keys that may log in, in the format of authorized_keys
  --password-file FILE    a file whose first line is the password, or its hash ($scrypt$…)
  -v, --verbose           report connections, logins and transfers on standard error
  -h, --help

Without a key or password file a password is made up and shown once on standard error.
The data folder is \${XDG_DATA_HOME:-~/.local/share}/sealift/files and the state folder
\${XDG_STATE_HOME:-~/.local/state}/sealift unless given.

When it is ready, standard output has one line "listening on ADDRESS:PORT" per address.
SIGINT or SIGTERM stop it: transfers under way have 4 seconds to finish; a second signal ends it at once.

Exit status: 0 after a signal, 1 for an error, 2 for a wrong command line.

Example: sealift serve --data /srv/drop --listen '[::1]:2222' --user drop --authorized-keys ~/.ssh/authorized_keys
`;

/** Longer files hold no password and no list of keys. Bytes. */
const MAX_FILE_BYTES = 1024 * 1024;

/** How long transfers may go on after the first signal. Less than the time after which the process is ended. Milliseconds. */
const GRACE_MS = 4000;

interface ServeOptions {
  readonly data: string;
  readonly state: string;
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  readonly user: string;
  readonly authorizedKeys: string | undefined;
  readonly passwordFile: string | undefined;
  readonly verbose: boolean;
}

/**
 * `sealift serve`.
 *
 * @param args what follows the word `serve`
 * @returns the exit status: 0 after SIGINT or SIGTERM, 1 for an error, 2 for a wrong command line.
 */
export async function serveCommand(args: readonly string[]): Promise<number> {
  const reporter = new Reporter('sealift');
  let options: ServeOptions | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    reporter.error(error);
    reporter.note('see sealift serve --help');
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const { signal, release } = abortOnSignals(0);
  try {
    const server = await start(options, reporter);
    try {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      await server.close({ graceMs: GRACE_MS });
    }
    return 0;
  } catch (error) {
    reporter.error(error);
    return 1;
  } finally {
    release();
  }
}

/** Undefined where help is wanted. @throws {TypeError} for a wrong command line. */
function readOptions(args: readonly string[]): ServeOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      data: { type: 'string' },
      state: { type: 'string' },
      listen: { type: 'string', multiple: true },
      user: { type: 'string' },
      'authorized-keys': { type: 'string' },
      'password-file': { type: 'string' },
      verbose: { type: 'boolean', short: 'v' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  return {
    data: resolve(values.data ?? join(xdg('XDG_DATA_HOME', '.local/share'), 'sealift', 'files')),
    state: resolve(values.state ?? join(xdg('XDG_STATE_HOME', '.local/state'), 'sealift')),
    listen: (values.listen ?? ['127.0.0.1:2222']).map(readAddress),
    user: values.user ?? loginName(),
    authorizedKeys: values['authorized-keys'],
    passwordFile: values['password-file'],
    verbose: values.verbose === true,
  };
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

/** `127.0.0.1:2222`, `[::1]:2222`, `name:2222`. @throws {TypeError} */
function readAddress(text: string): { address: string; port: number } {
  const parts = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^[\]:]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535)
    throw new TypeError(`--listen ${text}: not of the form ADDRESS:PORT (IPv6: [ADDRESS]:PORT)`);
  return { address: parts[1] ?? parts[2] ?? '', port };
}

async function start(options: ServeOptions, reporter: Reporter): Promise<RunningServer> {
  // ssh2 is the largest part of the start-up time: help and wrong command lines do without it.
  const [{ listen }, { loadHostKeys }, { describeEvent }] = await Promise.all([
    import('../server/server.ts'),
    import('../server/host-keys.ts'),
    import('../server/events.ts'),
  ]);
  await makeFolder(options.data);
  await makeFolder(options.state);
  await keepApart(options);
  const { keys, made } = await loadHostKeys(options.state);
  const { user, shown } = await readUser(options);
  const server = await listen({
    hostKeys: keys,
    users: [user],
    root: options.data,
    listen: options.listen,
    onEvent: (event) => {
      if (options.verbose || event.type === 'warning') reporter.note(describeEvent(event));
    },
  });
  if (made.length > 0) reporter.note(`new host keys in ${options.state}`);
  for (const key of keys) reporter.note(`host key ${key.type} ${key.fingerprint}`);
  if (shown !== undefined) reporter.note(`user ${user.name}, password ${shown} (shown this once)`);
  else reporter.note(`user ${user.name}`);
  reporter.note(`files are in ${options.data}`);
  for (const { address, port } of server.addresses) printExamples(reporter, user.name, address, port);
  for (const { address, port } of server.addresses)
    process.stdout.write(`listening on ${bracketed(address)}:${port}\n`);
  return server;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function printExamples(reporter: Reporter, user: string, address: string, port: number): void {
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = bracketed(anywhere[address] ?? address);
  reporter.note('try:');
  reporter.note(`  scp -P ${port} FILE ${user}@${host}:`);
  reporter.note(`  scp -P ${port} ${user}@${host}:FILE .`);
  reporter.note(`  sftp -P ${port} ${user}@${host}`);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw FileError.from(cause, path, 'mkdir');
  }
}

/** Users must not be able to fetch the host keys. @throws {FileError} */
async function keepApart({ data, state }: ServeOptions): Promise<void> {
  const way = relative(await realpath(data), await realpath(state));
  if (way.startsWith('..') || isAbsolute(way)) return;
  const reason = 'the host keys are inside the data folder, where every user could fetch them';
  throw new FileError(state, 'open', 'ERR_CONFIG', {
    reason,
    cure: 'give --state or --data a folder outside the other',
  });
}

/** Who may log in, and the password that was made up for lack of anything else. */
async function readUser(options: ServeOptions): Promise<{ readonly user: ServerUser; readonly shown?: string }> {
  const { user: name, authorizedKeys, passwordFile } = options;
  const keys = authorizedKeys === undefined ? undefined : (await readText(authorizedKeys)).text.split(/\r?\n/);
  if (passwordFile === undefined && keys === undefined) {
    const password = makePassword();
    return { user: { name, password }, shown: password };
  }
  const secret = passwordFile === undefined ? undefined : await readSecret(passwordFile);
  const isHash = secret?.startsWith('$scrypt$') === true;
  return { user: { name, authorizedKeys: keys, ...(isHash ? { passwordHash: secret } : { password: secret }) } };
}

/** 20 characters of an alphabet without look-alikes: 100 bits. */
function makePassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const characters = Array.from({ length: 20 }, () => alphabet.charAt(randomInt(alphabet.length)));
  return [0, 5, 10, 15].map((at) => characters.slice(at, at + 5).join('')).join('-');
}

async function readText(path: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    if (stats.size > MAX_FILE_BYTES) throw new FileError(path, 'open', 'EFBIG');
    return { text: await readFile(path, 'utf8'), mode: stats.mode };
  } catch (cause) {
    throw FileError.from(cause, path, 'open');
  }
}

/** The first line of a file that nobody else may read. */
async function readSecret(path: string): Promise<string> {
  const { text, mode } = await readText(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const reason = 'others can read this password file';
    throw new FileError(path, 'open', 'ERR_CONFIG', { reason, cure: `chmod 600 ${path}` });
  }
  const line = text.split(/\r?\n/)[0] ?? '';
  if (line === '') {
    const reason = 'the first line is empty';
    throw new FileError(path, 'read', 'ERR_CONFIG', { reason, cure: 'put the password there' });
  }
  return line;
}
