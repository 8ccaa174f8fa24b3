import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerEvent } from '../../src/server/events.ts';
import { loadHostKeys } from '../../src/server/host-keys.ts';
import type { ServerLimits } from '../../src/server/limits.ts';
import type { RootOptions } from '../../src/server/roots.ts';
import { listen, type RunningServer, type ServerOptions } from '../../src/server/server.ts';
import { needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram } from '../support/sealift.ts';
import { generateKey } from '../support/sshd.ts';
import { createTempDirectory } from '../support/temp.ts';
import { PASSWORD_HASH } from './support.ts';

export { PASSWORD } from './support.ts';

/** Our server in this process, and what programs of other projects need to talk to it. */
export interface PeerServer extends AsyncDisposable {
  readonly server: RunningServer;
  readonly root: string;
  /** For files of the client. */
  readonly local: string;
  readonly events: ServerEvent[];
  /** `SHA256:…` of the ed25519 host key. */
  readonly fingerprint: string;
  /** OpenSSH's client configuration, with the hosts `v4`, `v6`, and `pw` (password only). */
  readonly config: string;
  /** Runs OpenSSH's `scp -O`. */
  scp(...args: string[]): Promise<Outcome>;
  /** The client's private key. */
  readonly identity: string;
  readonly knownHosts: string;
  /** Runs OpenSSH's `scp`, which takes SFTP. */
  scpBySftp(...args: string[]): Promise<Outcome>;
  /** Runs OpenSSH's `sftp` with these commands. */
  sftp(...commands: string[]): Promise<Outcome>;
  /** Runs OpenSSH's `ssh`. */
  ssh(args: readonly string[], input?: string | Uint8Array): Promise<Outcome>;
  /** As `scp`, with this password typed in by SSH_ASKPASS. */
  scpWithPassword(password: string, ...args: string[]): Promise<Outcome>;
}

/**
 * Starts the server on both loopback addresses with the user `alice`, who has a key and a password.
 *
 * @param more options that replace what is said here, from the client's public key
 * @param rootsIn roots in the folder, instead of the folder itself
 */
export async function startPeerServer(
  limits: Partial<ServerLimits> = {},
  more: (publicKey: string) => Partial<ServerOptions> = () => ({}),
  rootsIn?: (root: string) => readonly RootOptions[],
): Promise<PeerServer> {
  const temp = await createTempDirectory('peer');
  const [root, local, state] = ['root', 'local', 'state'].map((name) => join(temp.path, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [root, local]) await mkdir(folder);
  const identity = join(temp.path, 'id');
  const publicKey = await generateKey(identity, 'ed25519');
  const { keys } = await loadHostKeys(state);
  const events: ServerEvent[] = [];
  const server = await listen({
    hostKeys: keys,
    users: [{ name: 'alice', passwordHash: PASSWORD_HASH, authorizedKeys: [publicKey] }],
    ...(rootsIn === undefined ? { root } : { roots: rootsIn(root) }),
    listen: [
      { address: '127.0.0.1', port: 0 },
      { address: '::1', port: 0 },
    ],
    limits,
    ...more(publicKey),
    onEvent: (event) => events.push(event),
  });
  const knownHosts = join(temp.path, 'known_hosts');
  const lines = server.addresses.flatMap(({ address, port }) =>
    keys.map(({ key }) => `[${address}]:${port} ${key.type} ${key.getPublicSSH().toString('base64')}\n`),
  );
  await writeFile(knownHosts, lines.join(''));
  const config = join(temp.path, 'config');
  await writeFile(config, clientConfig(server, identity, knownHosts), { mode: 0o600 });
  const askpass = join(temp.path, 'askpass');
  await writeFile(askpass, '#!/bin/sh\nprintf "%s\\n" "$TEST_PASSWORD"\n', { mode: 0o700 });
  const close = async (): Promise<void> => {
    await server.close();
    await temp.remove();
  };
  return {
    server,
    root,
    local,
    events,
    fingerprint: keys[0]?.fingerprint ?? '',
    config,
    identity,
    knownHosts,
    scpBySftp: (...args) => runProgram(needsPeer('scp'), ['-F', config, ...args], { cwd: local }),
    sftp: (...commands) =>
      runProgram(needsPeer('sftp'), ['-F', config, '-b', '-', 'v4'], {
        cwd: local,
        input: `${commands.join('\n')}\n`,
      }),
    scp: (...args) => runProgram(needsPeer('scp'), ['-O', '-F', config, ...args], { cwd: local }),
    ssh: (args, input = '') => runProgram(needsPeer('ssh'), ['-F', config, ...args], { cwd: local, input }),
    scpWithPassword: (password, ...args) =>
      runProgram(needsPeer('scp'), ['-O', '-F', config, ...args], {
        cwd: local,
        env: { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', TEST_PASSWORD: password },
      }),
    [Symbol.asyncDispose]: close,
  };
}

function clientConfig(server: RunningServer, identity: string, knownHosts: string): string {
  const [v4, v6] = server.addresses;
  return [
    `Host v4 pw\n HostName ${v4?.address}\n Port ${v4?.port}`,
    `Host v6\n HostName ${v6?.address}\n Port ${v6?.port}`,
    'Host pw\n PubkeyAuthentication no\n NumberOfPasswordPrompts 1',
    'Host v4 v6\n BatchMode yes',
    'Host *\n User alice',
    ` IdentityFile ${identity}\n IdentitiesOnly yes\n IdentityAgent none`,
    ` UserKnownHostsFile ${knownHosts}\n GlobalKnownHostsFile /dev/null\n StrictHostKeyChecking yes`,
    ' LogLevel ERROR\n',
  ].join('\n');
}

/** What a program that did its work in silence leaves. */
export const silent: Outcome = { status: 0, stdout: '', stderr: '' };

/** Whether two files hold the same bytes. */
export async function sameContent(one: string, other: string): Promise<boolean> {
  return (await readFile(one)).equals(await readFile(other));
}
