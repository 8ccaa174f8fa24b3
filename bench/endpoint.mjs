import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A key to log in with, in the formats of OpenSSH and, where puttygen is there, of PuTTY. Returns its path. */
export function makeIdentity(directory) {
  const identity = join(directory, 'id');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', identity]);
  try {
    execFileSync('puttygen', [identity, '-o', `${identity}.ppk`], { stdio: 'ignore' });
  } catch {
    // pscp is left out then.
  }
  return identity;
}

/**
 * What programs need to reach a server, directly or by a proxy in front of it: an ssh_config in which it is called `server`, and the same in pieces for those that read none.
 *
 * @param server what `startSshd` or `startSealift` gave
 * @param port the proxy's, or the server's own
 */
export function makeEndpoint(directory, server, identity, port = server.port) {
  const folder = join(directory, `endpoint-${port}`);
  mkdirSync(folder, { recursive: true });
  const knownHosts = join(folder, 'known_hosts');
  const config = join(folder, 'ssh_config');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${server.hostKey}\n`);
  const lines = [
    'Host server',
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${server.user}`,
    `IdentityFile ${identity}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${knownHosts}`,
    'BatchMode yes',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const listed = execFileSync('ssh-keygen', ['-l', '-f', knownHosts], { encoding: 'utf8' });
  const puttyKey = `${identity}.ppk`;
  return {
    port,
    config,
    knownHosts,
    identity,
    user: server.user,
    server: server.name,
    puttyKey: existsSync(puttyKey) ? puttyKey : undefined,
    fingerprint: listed.split(' ')[1],
    remote: server.remote,
  };
}
