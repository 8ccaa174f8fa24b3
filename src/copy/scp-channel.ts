import { withDeadline } from '../base/deadline.ts';
import { ConnectionError, RemoteError } from '../base/errors.ts';
import { remoteCommandLine, type ScpCommand } from '../scp/command.ts';
import { ScpLink, type Trace } from '../scp/link.ts';
import type { SshChannel, SshConnection, SshExit } from '../ssh/connection.ts';
import { type OnStderr, passStderr } from './stderr.ts';

/** How long the remote side may take to end once everything has been sent and answered, in milliseconds. */
export const FAREWELL_TIMEOUT_MS = 10_000;

/** How long the remote side's last words are waited for after it broke off, in milliseconds. */
const LAST_WORDS_TIMEOUT_MS = 2_000;

export interface ScpChannelOptions {
  /** How errors name the peer. */
  readonly host: string;
  readonly trace?: Trace | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStderr?: OnStderr | undefined;
}

/**
 * Runs `scp -t` or `scp -f` on the other side, hands the link to `work`, and sees to the end: the channel is closed, its exit status looked at, an abort obeyed at once.
 *
 * @returns what `work` returned and the exit of the remote side.
 * @throws what `work` throws, made clearer where the remote exit explains it: no scp program there, no connection.
 */
export async function withScpChannel<T>(
  connection: SshConnection,
  command: ScpCommand,
  options: ScpChannelOptions,
  work: (link: ScpLink) => Promise<T>,
): Promise<{ readonly result: T; readonly exit: SshExit }> {
  options.signal?.throwIfAborted();
  const channel = await connection.exec(remoteCommandLine(command));
  passStderr(channel, options.onStderr);
  const link = new ScpLink(channel.input, channel.output, options.host, options.trace);
  const abort = () => {
    channel.close();
    link.fail(new Error('aborted'));
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const result = await work(link);
    link.writer.end();
    const exit = await withDeadline(channel.exit, FAREWELL_TIMEOUT_MS, () => new Error('no exit')).catch(() => noExit);
    options.signal?.throwIfAborted();
    return { result, exit };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw await explain(error, channel, options.host);
  } finally {
    options.signal?.removeEventListener('abort', abort);
    link.reader.release();
    channel.close();
  }
}

/** The remote side answered everything and then did not end: what was confirmed has landed all the same. */
const noExit: SshExit = { code: 0, signal: null };

/** A link that ended early is a symptom; how the remote side ended may tell the cause. */
async function explain(error: unknown, channel: SshChannel, host: string): Promise<unknown> {
  if (!(error instanceof ConnectionError) || error.code !== 'ERR_CONNECTION_LOST') return error;
  const exit = await withDeadline(channel.exit, LAST_WORDS_TIMEOUT_MS, () => new Error('no exit')).catch(
    () => undefined,
  );
  if (exit === undefined) return error;
  if (exit.lost === undefined) return exitError(exit, host, error) ?? error;
  // Transports that know why the connection ended say so; the ssh program has told it on standard error.
  const lost = exit.lost;
  if (!(lost instanceof ConnectionError) || lost.cause === undefined) return error;
  return new ConnectionError(host, 'transfer', `${error.message.slice(host.length + 2)} (${lost.message})`, {
    code: lost.code,
    cause: lost,
    cure: lost.cure,
  });
}

/**
 * The error that an exit of the remote side stands for; undefined for success.
 *
 * @param cause what was noticed before
 */
export function exitError(exit: SshExit, host: string, cause?: unknown): ConnectionError | RemoteError | undefined {
  if (exit.lost !== undefined) {
    if (exit.lost instanceof ConnectionError) return exit.lost;
    return new ConnectionError(host, 'transfer', 'lost connection', { code: 'ERR_CONNECTION_LOST', cause: exit.lost });
  }
  if (exit.signal !== null)
    return new RemoteError(`${host}: the remote scp was ended by signal ${exit.signal}`, { cause });
  if (exit.code === 127) {
    return new RemoteError(`${host}: the remote side has no scp program (exit status 127)`, {
      cause,
      cure: 'install scp there, or put it on the PATH that commands without a terminal get',
    });
  }
  if (exit.code === 126)
    return new RemoteError(`${host}: the remote scp program cannot be run (exit status 126)`, { cause });
  return exit.code === 0 || cause !== undefined
    ? undefined
    : new RemoteError(`${host}: the remote scp ended with status ${exit.code ?? 'unknown'}`);
}
