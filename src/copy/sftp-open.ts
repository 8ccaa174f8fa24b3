import { withDeadline } from '../base/deadline.ts';
import { ConnectionError, RemoteError } from '../base/errors.ts';
import { type SftpFileSystem, sftpFileSystem } from '../sftp/file-system.ts';
import { SftpSession } from '../sftp/session.ts';
import type { Trace } from '../sftp/trace.ts';
import type { SshChannel, SshConnection, SshExit } from '../ssh/connection.ts';
import { EarlyStderr } from './early-stderr.ts';
import { RemoteHasher, type SeenFile } from './remote-hasher.ts';
import { SessionPool } from './session-pool.ts';
import { type OnStderr, passStderr } from './stderr.ts';

/** How long a side that ended its stream may take to end, in milliseconds. */
const LAST_WORDS_TIMEOUT_MS = 2_000;
const FAREWELL_TIMEOUT_MS = 10_000;

export interface SftpOpenOptions {
  /** How errors name the host. */
  readonly host: string;
  /** The subsystem, where the caller has started it already. */
  readonly channel?: SshChannel | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Puts off an abort of `signal` until the returned function is called (see LateAbort). */
  readonly hold?: (() => () => void) | undefined;
  readonly trace?: Trace | undefined;
  /** Requests under way (scp's `-X nrequests`). */
  readonly maxRequests?: number | undefined;
  /** The most content in one request (scp's `-X buffer`). Bytes. */
  readonly maxDataBytes?: number | undefined;
  readonly onStderr?: OnStderr | undefined;
  /** The `ssh` program was told not to say why it ends (`-q`): its silence means nothing then. */
  readonly quiet?: boolean | undefined;
}

/** An open SFTP subsystem of a host. */
export interface SftpLink {
  readonly session: SftpSession;
  readonly files: SftpFileSystem;
  /** The same files, all of them opened by one session: it can copy one to another by itself. */
  readonly filesOfOneSession: SftpFileSystem;
  /** Says goodbye. @returns how the subsystem ended. Never rejects. */
  close(): Promise<SshExit>;
}

/**
 * Starts the SFTP subsystem of a host.
 *
 * @throws {ConnectionError} `ERR_TIMEOUT` where it says nothing for as long as the connection allows. `ERR_NOT_OFFERED` where the server has none, by whichever of its signs: the request is refused, the channel closes, the program behind it is missing. Any
 * other error is one of the connection, or of a server that speaks something else.
 */
export async function openSftp(connection: SshConnection, options: SftpOpenOptions): Promise<SftpLink> {
  const { host, signal } = options;
  const channel = options.channel ?? (await connection.subsystem('sftp', signal === undefined ? {} : { signal }));
  const stderr = new EarlyStderr(options.onStderr);
  passStderr(channel, (bytes) => stderr.take(bytes));
  try {
    const session = await SftpSession.open(channel, {
      host,
      signal,
      timeoutMs: connection.answerTimeoutMs,
      trace: options.trace,
      maxRequests: options.maxRequests,
      maxDataBytes: options.maxDataBytes,
    });
    stderr.open();
    const prefix = host.includes(':') ? `[${host}]` : host;
    const hasher = new RemoteHasher(connection, signal);
    const pool = connection.isMultiplexed === true ? new SessionPool(session, connection, options) : undefined;
    const common = {
      shown: (path: string) => `${prefix}:${path}`,
      digest: (path: string, seen: SeenFile) => hasher.digest(path, seen),
      hold: options.hold,
    };
    const filesOfOneSession = sftpFileSystem(session, common);
    const files =
      pool === undefined
        ? filesOfOneSession
        : sftpFileSystem(session, { ...common, sessionForFile: () => pool.next(), further: pool });
    const close = async () => {
      await hasher.close();
      await pool?.close();
      return await farewell(session, channel);
    };
    return { session, files, filesOfOneSession, close };
  } catch (error) {
    const isSilent = error instanceof ConnectionError && error.code === 'ERR_NOT_OFFERED';
    // How the server ended tells why it said nothing; of one that said something wrong nothing more is expected.
    if (!isSilent) channel.close();
    const exit = await withDeadline(channel.exit, LAST_WORDS_TIMEOUT_MS, () => new Error('no exit')).catch(
      () => undefined,
    );
    channel.close();
    signal?.throwIfAborted();
    stderr.open();
    if (!isSilent || stderr.refused) throw error;
    // With -q the program does not say why it ends: what SCP says then tells more than nothing.
    if (exit?.lost === undefined || (options.quiet === true && stderr.silent && exit.code !== null)) throw error;
    if (exit.lost instanceof ConnectionError && exit.lost.code !== 'ERR_CONNECTION_LOST') throw exit.lost;
    throw new ConnectionError(host, 'transfer', 'connection closed', { code: 'ERR_CONNECTION_LOST', cause: exit.lost });
  }
}

async function farewell(session: SftpSession, channel: SshChannel): Promise<SshExit> {
  const failed = session.failure !== undefined;
  session.close();
  // Whoever broke the rules may not obey the end of the stream either.
  if (failed) channel.close();
  const exit = await withDeadline(channel.exit, FAREWELL_TIMEOUT_MS, () => new Error('no exit')).catch(() => ({
    code: null,
    signal: null,
  }));
  channel.close();
  return exit;
}

/**
 * The error that the end of a subsystem stands for once all is copied; undefined where it says nothing. Servers that send no exit status (paramiko, asyncssh) make the `ssh` program end as if the connection was lost,
 * when everything has been answered.
 */
export function sftpExitError(exit: SshExit, host: string): RemoteError | undefined {
  if (exit.code === 0 || exit.code === null || exit.lost !== undefined) return undefined;
  return new RemoteError(`${host}: the SFTP server ended with status ${exit.code}`);
}
