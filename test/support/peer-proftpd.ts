import { chmod, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { startPeerProcess } from './peer-process.ts';
import { type PeerServer, startPeerServer } from './peer-server.ts';
import { needsPeer } from './peers.ts';
import { runProgram } from './sealift.ts';

/** Starts ProFTPD with mod_sftp, which does SFTP and SCP by itself, without a shell. */
export async function startProftpd(options: { readonly config?: readonly string[] } = {}): Promise<PeerServer> {
  return await startPeerServer('proftpd', async ({ directory, home, user, hostKeyFile, identityFile }) => {
    const { uid, gid } = userInfo();
    const passwd = join(directory, 'passwd');
    await writeFile(passwd, `${user}:*:${uid}:${gid}:test:${home}:/bin/sh\n`, { mode: 0o600 });
    const exported = await runProgram(needsPeer('ssh-keygen'), ['-e', '-f', `${identityFile}.pub`]);
    await writeFile(join(directory, 'authorized'), exported.stdout);
    // It takes host keys of the old format only from a file that nobody else can read.
    await chmod(hostKeyFile, 0o600);
    const file = join(directory, 'proftpd.conf');
    const text = (port: number): string =>
      [
        'ModulePath /usr/lib/proftpd',
        'LoadModule mod_sftp.c',
        'ServerType standalone',
        'DefaultServer on',
        'UseIPv6 off',
        'DefaultAddress 127.0.0.1',
        `Port ${port}`,
        `User ${user}`,
        'Group nogroup',
        'Umask 022 022',
        'RootLogin on',
        'UseFtpUsers off',
        'RequireValidShell off',
        'WtmpLog off',
        'TransferLog none',
        'UseReverseDNS off',
        'AllowOverwrite on',
        'AllowStoreRestart on',
        'AuthOrder mod_auth_file.c',
        `AuthUserFile ${passwd}`,
        `PidFile ${join(directory, 'pid')}`,
        `ScoreboardFile ${join(directory, 'scoreboard')}`,
        `DelayTable none`,
        'SFTPEngine on',
        `SFTPHostKey ${hostKeyFile}`,
        `SFTPAuthorizedUserKeys file:${join(directory, 'authorized')}`,
        'SFTPAuthMethods publickey',
        `SFTPLog ${join(directory, 'sftp.log')}`,
        ...(options.config ?? []),
        '',
      ].join('\n');
    const running = await startPeerProcess(needsPeer('proftpd'), async (port) => {
      await writeFile(file, text(port), { mode: 0o600 });
      return ['-n', '-q', '-c', file];
    });
    return running;
  });
}
