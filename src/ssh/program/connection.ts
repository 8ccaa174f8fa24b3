import { spawn } from 'node:child_process';
import { ConnectionError } from '../../base/errors.ts';
import { type Log, silentLog } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import { spawnable } from '../../base/spawnable.ts';
import type { ChannelOptions, SshChannel, SshConnection, SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';
import { readIntoOneBuffer } from '../read-buffer.ts';
import { directArguments, programArguments, type RemoteRequest } from './arguments.ts';
import { type PipedChild, programChannel } from './channel.ts';
import { readByOneBuffer } from './own-reads.ts';
import type { SharedLogin, SharedLoginOptions } from './shared-login.ts';

/** Options of {@link openProgramConnection}. */
export interface ProgramConnectionOptions {
  /** The `ssh` program: a path, or a name that the system finds. Default `ssh`. */
  readonly program?: string | undefined;
  /** Option words of ssh in the user's order. */
  readonly args?: readonly string[] | undefined;
  /** The program is no `ssh` but speaks the protocol of the subsystem itself (scp's `-D`): it gets nothing but host and name, and runs no commands. */
  readonly direct?: boolean | undefined;
  /** The environment of the program. Default: that of this process. */
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
  /** The first subsystem logs in for itself and for all channels after it, as far as the user's configuration leaves that to us: see {@link SharedLogin}. Default: each channel logs in. */
  readonly share?: Pick<SharedLoginOptions, 'folders' | 'onStderr'> | undefined;
  /** How long the other side of a channel may take to log in and say its first word, in milliseconds; 0 is for ever. Default 0. */
  readonly answerTimeoutMs?: number | undefined;
  /** Ends the connection with all its channels. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
}

/** Starts the program; no shell is involved. */
async function start(
  program: string,
  args: string[],
  host: string,
  options: ProgramConnectionOptions,
): Promise<PipedChild> {
  try {
    const command = spawnable(program, args);
    const child = spawn(command.program, command.args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.variables && { env: { ...options.variables } }),
    });
    // Before anything has been read.
    const stdout = readByOneBuffer(child.stdout, readIntoOneBuffer);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    // A later error can only be a signal that could not be sent.
    child.on('error', () => {});
    return { process: child, stdin: child.stdin, stdout, stderr: child.stderr };
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new ConnectionError(
      printable(host),
      'connect',
      `${printable(program)}: ${missing ? 'program not found' : 'program could not be started'}`,
      {
        code: missing ? 'ENOENT' : 'ERR_CONNECT',
        cause,
        cure: 'install the OpenSSH client, or use --transport builtin',
      },
    );
  }
}

function argumentsFor(
  target: SshTarget,
  request: RemoteRequest,
  options: ProgramConnectionOptions,
  socket: string | undefined,
): string[] {
  if (options.direct !== true) return programArguments(target, options.args ?? [], request, socket);
  if (request.kind === 'subsystem') return directArguments(target, request.name);
  throw new ConnectionError(printable(target.host), 'open', 'this program runs no commands', {
    code: 'ERR_NOT_OFFERED',
    cure: 'leave -D out',
  });
}

/**
 * Connects through the system's `ssh` program, which is started anew for each channel. Nothing is started before the
 * first channel. Without `share` each of them logs in.
 *
 * @throws {ConnectionError} `EINVAL` for a host, user or port that must not reach a command line
 */
export function openProgramConnection(target: SshTarget, options: ProgramConnectionOptions = {}): SshConnection {
  checkTarget(target);
  const program = options.program ?? 'ssh';
  const log = options.log ?? silentLog;
  const channels = new Set<SshChannel>();
  const closing = new AbortController();
  let login: Promise<SharedLogin | undefined> | undefined;
  let closed = false;

  const logIn = (share: NonNullable<ProgramConnectionOptions['share']>, signal: AbortSignal | undefined) => {
    const signals = [closing.signal, options.signal, signal].filter((one) => one !== undefined);
    const { args = [], variables } = options;
    const all = { ...share, program, args, variables, log, signal: AbortSignal.any(signals) };
    const made = import('./shared-login.ts').then((module) => module.SharedLogin.open(target, all));
    const forget = (): void => {
      if (login === made) login = undefined;
    };
    made.then((opened) => opened?.over.then(forget), forget);
    return made;
  };

  /** The login that a channel goes through, if it is there. */
  const loginFor = async ({ kind }: RemoteRequest, signal: AbortSignal | undefined) => {
    if (kind === 'subsystem' && options.share !== undefined) login ??= logIn(options.share, signal);
    return await login;
  };

  const lost = () =>
    new ConnectionError(printable(target.host), 'open', 'connection is closed', { code: 'ERR_CONNECTION_LOST' });

  const open = async (request: RemoteRequest, { signal }: ChannelOptions = {}): Promise<SshChannel> => {
    options.signal?.throwIfAborted();
    signal?.throwIfAborted();
    if (closed) throw lost();
    const shared = await loginFor(request, signal);
    if (closed) throw lost();
    const args = argumentsFor(target, request, options, shared?.socket);
    log.debug(1, `starting ${[program, ...args].map(printable).join(' ')}`);
    const own = programChannel(await start(program, args, target.host, options), target.host);
    const channel = shared?.channel(own) ?? own;
    channels.add(channel);
    signal?.addEventListener('abort', channel.close, { once: true });
    void channel.exit.then((exit) => {
      channels.delete(channel);
      signal?.removeEventListener('abort', channel.close);
      log.debug(1, `${printable(program)} ended with ${exit.code ?? exit.signal ?? 'no status'}`);
    });
    if (closed || signal?.aborted) {
      channel.close();
      signal?.throwIfAborted();
      options.signal?.throwIfAborted();
      throw lost();
    }
    return channel;
  };

  const onAbort = (): void => void close();
  const close = async (): Promise<void> => {
    closed = true;
    options.signal?.removeEventListener('abort', onAbort);
    const open = [...channels];
    for (const channel of open) channel.close();
    await Promise.all(open.map((channel) => channel.exit));
    closing.abort(lost());
    await (await login?.catch(() => undefined))?.close();
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    answerTimeoutMs: options.answerTimeoutMs ?? 0,
    exec: (command, channelOptions) => open({ kind: 'exec', command }, channelOptions),
    subsystem: (name, channelOptions) => open({ kind: 'subsystem', name }, channelOptions),
    run: (command, channelOptions) => open({ kind: 'run', command }, channelOptions),
    close,
    [Symbol.asyncDispose]: close,
  };
}
