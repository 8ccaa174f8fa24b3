import type { SshConnection, SshTarget } from '../ssh/connection.ts';
import type { ConnectOptions } from '../ssh/options.ts';
import { Host } from './host.ts';
import type { HostOptions } from './host-options.ts';
import { RemoteKeeper } from './remote.ts';

/**
 * Connects to a host, and finds out whether it has SFTP.
 *
 * With nothing but a name the user's ssh_config, keys, agent and known hosts are used, as `ssh` would. A host key that is not known is refused, and nobody is asked anything.
 *
 * @example
 * await using host = await connect({ host: 'depot.example' });
 * await host.upload('report.pdf', 'inbox/');
 *
 * @example
 * const host = await connect({ host: '10.0.0.1', user: 'admin', password, hostKeys: ['SHA256:…'] });
 *
 * @throws {ConnectionError} `ERR_HOST_KEY`, `ERR_AUTHENTICATION`, `ERR_CONNECT`, `ERR_TIMEOUT` and others: `phase` tells how far it came. With the `ssh` program and `protocol: 'scp'` nothing is connected before the first
 * operation, which throws these then.
 */
export function connect(options: HostOptions): Promise<Host>;
/**
 * @deprecated Use {@link connectSsh}, which is the same, or `connect(options)` for files.
 */
export function connect(target: SshTarget, options: ConnectOptions): Promise<SshConnection>;
export async function connect(
  options: HostOptions | SshTarget,
  sshOptions?: ConnectOptions,
): Promise<Host | SshConnection> {
  if (sshOptions !== undefined) {
    const { connect: connectSsh } = await import('../ssh/connect.ts');
    return await connectSsh(options as SshTarget, sshOptions);
  }
  const keeper = new RemoteKeeper(options);
  await keeper.get();
  return new Host(keeper);
}
