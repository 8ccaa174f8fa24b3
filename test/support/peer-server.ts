import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { PeerProcess } from './peer-process.ts';
import { generateKey, type HostKeyType } from './sshd.ts';
import { createTempDirectory } from './temp.ts';

/** An SSH server of another project with one identity that may log in, and an ssh_config that calls it `server`. */
export interface PeerServer {
  readonly port: number;
  readonly configFile: string;
  /** For clients without ssh_config. */
  readonly identityFile: string;
  readonly user: string;
  /** `[127.0.0.1]:port type base64` */
  readonly knownHost: string;
  /** The server's own folder, where its logins start; removed by `stop()`. */
  readonly directory: string;
  log(): string;
  stop(): Promise<void>;
}

/** Where a server finds what it needs to start. */
export interface PeerGround {
  readonly directory: string;
  /** The home of who logs in: an empty folder with the mode 0700. */
  readonly home: string;
  readonly user: string;
  /** OpenSSH's format; `.pub` beside it. */
  readonly hostKeyFile: string;
  /** OpenSSH's format; `.pub` beside it. */
  readonly identityFile: string;
}

/** Makes the keys, starts the server, and writes what clients need. */
export async function startPeerServer(
  label: string,
  start: (ground: PeerGround) => Promise<PeerProcess>,
  options: { readonly hostKeyType?: HostKeyType } = {},
): Promise<PeerServer> {
  const temp = await createTempDirectory(label);
  const directory = temp.path;
  const [home, hostKeyFile, identityFile, configFile] = ['home', 'host_key', 'id_ed25519', 'config'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string];
  const user = userInfo().username;
  try {
    await mkdir(home, { mode: 0o700 });
    await chmod(directory, 0o755);
    const hostKey = await generateKey(hostKeyFile, options.hostKeyType ?? 'ed25519');
    await generateKey(identityFile, 'ed25519');
    const running = await start({ directory, home, user, hostKeyFile, identityFile });
    const knownHost = `[127.0.0.1]:${running.port} ${hostKey}`;
    await writeFile(join(directory, 'known_hosts'), `${knownHost}\n`);
    const lines = [
      'Host server',
      'HostName 127.0.0.1',
      `HostKeyAlias [127.0.0.1]:${running.port}`,
      `Port ${running.port}`,
      `User ${user}`,
      `IdentityFile ${identityFile}`,
      'IdentitiesOnly yes',
      'IdentityAgent none',
      `UserKnownHostsFile ${join(directory, 'known_hosts')}`,
      'GlobalKnownHostsFile /dev/null',
      'StrictHostKeyChecking yes',
      'BatchMode yes',
    ];
    await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
    const stop = async (): Promise<void> => {
      await running.stop();
      await temp.remove();
    };
    return { port: running.port, configFile, identityFile, user, knownHost, directory, log: running.log, stop };
  } catch (error) {
    await temp.remove();
    throw error;
  }
}
