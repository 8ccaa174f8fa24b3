import { ConnectionError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { printable } from '../base/printable.ts';
import { parseSshArguments } from './config/arguments.ts';
import type { SshConnection, SshTarget } from './connection.ts';
import { checkTarget } from './names.ts';
import type { ConnectOptions } from './options.ts';
import { openProgramConnection, type ProgramConnectionOptions } from './program/connection.ts';
import { fastCipherWords } from './program/fast-ciphers.ts';
import { findProgram } from './program/find.ts';

/**
 * How long the `ssh` program may take from its start to the first word of the server, where nobody is asked anything and no other limit is given: longer than a system tries to connect, so that `ssh` tells by itself what
 * is wrong. Milliseconds.
 */
const PROGRAM_ANSWER_TIMEOUT_MS = 180_000;

/** Who may be asked takes the time it takes: no limit then. */
function answerTimeoutOf({ batchMode, connectTimeoutMs }: ConnectOptions): number {
  return batchMode === true ? (connectTimeoutMs ?? PROGRAM_ANSWER_TIMEOUT_MS) : 0;
}

/** What only the built-in transport can do. */
function needsBuiltin(options: ConnectOptions): boolean {
  return options.credentials !== undefined || options.hostKeys !== undefined || options.idleTimeoutMs !== undefined;
}

/** What the caller says by options, in words of ssh, unless the words say it already; and what is faster, unless the user has set it. A program that was named may be anything, and gets nothing that nobody asked for. */
async function programWords(options: ConnectOptions): Promise<string[]> {
  const words = parseSshArguments(options.args ?? []);
  const said = words.values.map(([keyword]) => keyword);
  const seconds = Math.max(1, Math.ceil((options.connectTimeoutMs ?? 0) / 1000));
  return [
    ...(options.batchMode && !said.includes('batchmode') ? ['-oBatchMode=yes'] : []),
    ...(options.connectTimeoutMs && !said.includes('connecttimeout') ? [`-oConnectTimeout=${seconds}`] : []),
    ...(options.program === undefined ? await fastCipherWords(words, options.environment) : []),
  ];
}

/** A program that was named may be anything, and stays as it is. Windows has no sockets that OpenSSH could use. */
function shareOf({ shareLogin, program, environment, onStderr }: ConnectOptions): ProgramConnectionOptions['share'] {
  if (shareLogin === undefined || program !== undefined || process.platform === 'win32') return undefined;
  const { socketFolders: folders = [], accountHome } = environment;
  return { login: shareLogin, folders, accountHome, onStderr };
}

async function openProgram(
  target: SshTarget,
  options: ConnectOptions,
  path: string | undefined,
): Promise<SshConnection> {
  if (options.credentials !== undefined || options.hostKeys !== undefined) {
    throw new ConnectionError(
      printable(target.host),
      'connect',
      'the ssh program takes no credentials and no pinned host keys',
      {
        code: 'ENOTSUP',
        cure: 'use --transport builtin',
      },
    );
  }
  return openProgramConnection(target, {
    program: path ?? options.program ?? 'ssh',
    args: [...(options.args ?? []), ...(await programWords(options))],
    direct: options.direct,
    share: path === undefined ? undefined : shareOf(options),
    variables: options.environment.variables,
    answerTimeoutMs: answerTimeoutOf(options),
    signal: options.signal,
    log: options.log,
  });
}

/**
 * Connects to a host.
 *
 * `auto` takes the system's `ssh` program where it is found, since that knows all of the user's configuration, keys and
 * hardware tokens; and the built-in transport where it is not, or where credentials, pinned keys or an idle timeout are
 * handed in, which the program cannot take.
 *
 * The program starts with the first channel: with it, what goes wrong with the connection shows up as the channel's exit.
 *
 * @throws {ConnectionError} no connection could be made; `options.signal.reason` unchanged
 * @example
 * const connection = await connect({ host: 'example.org' }, { environment: { home: '/home/me', user: 'me' } });
 */
export async function connect(target: SshTarget, options: ConnectOptions): Promise<SshConnection> {
  checkTarget(target);
  options.signal?.throwIfAborted();
  const transport = options.direct === true ? 'ssh' : (options.transport ?? 'auto');
  if (transport !== 'builtin') {
    const path = await findProgram(options.program ?? 'ssh', options.environment.path);
    if (transport === 'ssh') return await openProgram(target, options, path);
    if (path !== undefined && !needsBuiltin(options)) return await openProgram(target, options, path);
    // A program that was named must be used, or its absence told.
    if (options.program !== undefined && !needsBuiltin(options)) return await openProgram(target, options, undefined);
    (options.log ?? silentLog).debug(1, 'using the built-in transport');
  }
  const { openBuiltinConnection } = await import('./builtin/open.ts');
  return await openBuiltinConnection(target, options);
}
