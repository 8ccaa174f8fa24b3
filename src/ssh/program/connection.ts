import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { ConnectionError } from '../../base/errors.ts';
import { type Log, silentLog } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import { spawnable } from '../../base/spawnable.ts';
import type { ChannelOptions, SshChannel, SshConnection, SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';
import { readIntoOneBuffer } from '../read-buffer.ts';
import { directArguments, furtherArguments, programArguments, type RemoteRequest } from './arguments.ts';
import { type PipedChild, programChannel } from './channel.ts';
import { readByOneBuffer } from './own-reads.ts';
import type { ShareOptions, Sharing } from './sharing.ts';

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
  /**
   * The first subsystem logs in for itself and for all channels after it, as far as the user's configuration leaves that to us: see {@link Sharing}. A subsystem that is opened while it is there goes through its login or is refused.
   * Default: each channel logs in.
   */
  readonly share?: ShareOptions | undefined;
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
  let closed = false;

  const { share, args = [], variables } = options;
  let sharing: Sharing | undefined;
  const loading =
    share &&
    import('./sharing.ts').then((module) => {
      sharing = new module.Sharing(target, { ...share, program, args, variables, log });
      return sharing;
    });
  /** The login by the first subsystem, for as long as that is there. */
  let first: Promise<SshChannel | undefined> | undefined;

  const lost = () =>
    new ConnectionError(printable(target.host), 'open', 'connection is closed', { code: 'ERR_CONNECTION_LOST' });

  /** A channel by a program of its own. */
  const started = async (words: string[]): Promise<SshChannel> => {
    if (closed) throw lost();
    log.debug(1, `starting ${[program, ...words].map(printable).join(' ')}`);
    return programChannel(await start(program, words, target.host, options), target.host);
  };

  const openFirst = async (name: string, login: Sharing, signal: AbortSignal | undefined): Promise<SshChannel> => {
    const signals = [closing.signal, options.signal, signal].filter((one) => one !== undefined);
    const begun = login.begin(name, AbortSignal.any(signals));
    first = begun;
    const forget = (): void => {
      if (first === begun) first = undefined;
    };
    try {
      const there = await begun;
      const words = argumentsFor(target, { kind: 'subsystem', name }, options, login.socket);
      const channel = there ?? login.channel(await started(words));
      void channel.exit.then(forget);
      return channel;
    } catch (error) {
      forget();
      throw error;
    }
  };

  /** Goes through the login of the first one or nowhere. What the program says about that is of no use to anybody. */
  const openFurther = async (name: string, login: Sharing): Promise<SshChannel> => {
    const socket = login.furtherSocket;
    if (socket === undefined)
      throw new ConnectionError(printable(target.host), 'open', 'no login is shared', { code: 'ERR_NOT_OFFERED' });
    const own = await started(furtherArguments(target, name, socket));
    own.stderr.resume();
    return { ...login.laterChannel(own), stderr: Readable.from([]) };
  };

  const channelOf = async (request: RemoteRequest, signal: AbortSignal | undefined): Promise<SshChannel> => {
    const login = await loading;
    if (login !== undefined && request.kind === 'subsystem')
      return await (first === undefined ? openFirst(request.name, login, signal) : openFurther(request.name, login));
    await first?.catch(() => undefined);
    const socket = request.kind === 'exec' ? login?.socket : undefined;
    const own = await started(argumentsFor(target, request, options, socket));
    return socket === undefined ? own : (login?.laterChannel(own) ?? own);
  };

  const open = async (request: RemoteRequest, { signal }: ChannelOptions = {}): Promise<SshChannel> => {
    options.signal?.throwIfAborted();
    signal?.throwIfAborted();
    if (closed) throw lost();
    const channel = await channelOf(request, signal);
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
    await first?.catch(() => undefined);
    await sharing?.close();
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    get isMultiplexed() {
      return sharing?.furtherSocket !== undefined;
    },
    answerTimeoutMs: options.answerTimeoutMs ?? 0,
    logsInLate: true,
    exec: (command, channelOptions) => open({ kind: 'exec', command }, channelOptions),
    subsystem: (name, channelOptions) => open({ kind: 'subsystem', name }, channelOptions),
    run: (command, channelOptions) => open({ kind: 'run', command }, channelOptions),
    close,
    [Symbol.asyncDispose]: close,
  };
}
