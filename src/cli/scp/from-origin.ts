import { ConnectionError, RemoteError } from '../../base/errors.ts';
import { isSafeUser, OperandError, type RemoteLocation } from '../../copy/location.ts';
import { passStderr } from '../../copy/stderr.ts';
import type { SshConnection } from '../../ssh/connection.ts';
import { stderrReady } from '../report.ts';
import { RemoteText } from '../terminal/remote-text.ts';
import type { Transfer } from './transfer.ts';

/**
 * `-R`: lets the origin host copy to the target by itself, with its own scp and its own keys. As with scp, both paths are words of that host's shell.
 *
 * @returns how many sources failed; the origin's scp has told why.
 */
export async function copyFromOrigin(
  transfer: Transfer,
  connection: SshConnection,
  sources: readonly RemoteLocation[],
  target: RemoteLocation,
): Promise<number> {
  if (target.user !== undefined && !isSafeUser(target.user))
    throw new OperandError(`${target.user}: invalid user name`);
  if (target.port !== undefined && target.port !== 22)
    throw new OperandError(`${target.host}: with -R the target cannot have a port of its own: use -3`);
  const { recursive, preserve, verbosity } = transfer.options;
  const flags = `${verbosity > 0 ? ' -v' : ''}${recursive ? ' -r' : ''}${preserve ? ' -p' : ''}`;
  const user = target.user === undefined ? '' : `${target.user}@`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  let failures = 0;
  for (const source of sources) {
    const command = `scp${flags} ${source.path} ${user}${host}:${target.path}`;
    if (!(await run(transfer, connection, command, source.host))) failures++;
  }
  return failures;
}

async function run(transfer: Transfer, connection: SshConnection, command: string, host: string): Promise<boolean> {
  const { options, signal, observer } = transfer;
  const channel = await (connection.run?.(command, { signal }) ?? connection.exec(command, { signal }));
  channel.output.end();
  passStderr(channel, transfer.onStderr);
  // Events have standard output for themselves.
  const output = options.progress === 'json' ? process.stderr : process.stdout;
  const words = new RemoteText((text) => output.write(text));
  channel.input.on('data', (bytes: Buffer) => {
    words.push(bytes);
    const busy = stderrReady(signal);
    if (busy === undefined) return;
    channel.input.pause();
    void busy.then(() => channel.input.resume());
  });
  const exit = await channel.exit;
  words.flush();
  channel.close();
  signal.throwIfAborted();
  if (exit.code === 0) return true;
  // 255 is the status of an ssh that failed: this one, or that of the scp there.
  if (exit.code === null && exit.lost instanceof ConnectionError) throw exit.lost;
  observer.failed(
    new RemoteError(
      `${host}: its scp ended with ${exit.code === null ? `signal ${exit.signal}` : `status ${exit.code}`}`,
    ),
  );
  return false;
}
