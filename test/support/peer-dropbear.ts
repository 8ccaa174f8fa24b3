import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { startPeerProcess } from './peer-process.ts';
import { type PeerGround, type PeerServer, startPeerServer } from './peer-server.ts';
import { needsPeer } from './peers.ts';
import { runProgram } from './sealift.ts';

/** Where Debian's dropbear has its sftp-server; the string is in the program. */
const SFTP_SERVER = '/usr/lib/sftp-server';

/**
 * Starts dropbear. It knows no place for authorized_keys but the home that the system gives, which nss_wrapper therefore puts into the temporary folder, for dropbear alone.
 *
 * @param sftp false: as built without an sftp-server, that is with a path where there is none. dropbear grants the subsystem all the same; the shell then ends with 127.
 */
export async function startDropbear(options: { readonly sftp: boolean }): Promise<PeerServer> {
  return await startPeerServer('dropbear', async (ground) => {
    const program = options.sftp ? needsPeer('dropbear') : await withoutSftp(ground.directory);
    const env = { ...process.env, ...(await wrappedHome(ground)) };
    const hostKey = join(ground.directory, 'dropbear_host_key');
    await convertKey(ground.hostKeyFile, hostKey);
    const pidFile = join(ground.directory, 'pid');
    return await startPeerProcess(
      program,
      (port) => ['-F', '-E', '-m', '-s', '-r', hostKey, '-p', `127.0.0.1:${port}`, '-P', pidFile],
      { env },
    );
  });
}

/**
 * A program that is dropbear's client with what it needs to log in at a server of {@link startDropbear}, for `-S`: it takes keys of its own format only, and known_hosts from HOME, without
 * comments behind the keys.
 */
export async function dbclientFor(server: PeerServer): Promise<string> {
  const ssh = join(server.directory, 'home', '.ssh');
  await convertKey(server.identityFile, join(ssh, 'id_dropbear'));
  // It does not look at the port.
  await writeFile(join(ssh, 'known_hosts'), `${server.knownHost.replace(/^\[(.*)\]:\d+/, '$1')}\n`);
  const program = join(server.directory, 'dbclient');
  const home = join(server.directory, 'home');
  const wrapper = ['#!/bin/sh', `HOME='${home}' exec '${needsPeer('dbclient')}' "$@"`, ''];
  await writeFile(program, wrapper.join('\n'), { mode: 0o755 });
  return program;
}

/** Writes a private key in dropbear's own format. */
async function convertKey(openssh: string, dropbear: string): Promise<void> {
  const { status, stderr } = await runProgram(needsPeer('dropbearconvert'), ['openssh', 'dropbear', openssh, dropbear]);
  if (status !== 0) throw new Error(`dropbearconvert: ${stderr}`);
}

/** A copy of dropbear that looks for its sftp-server where there is none. */
async function withoutSftp(directory: string): Promise<string> {
  const program = join(directory, 'dropbear');
  await copyFile(needsPeer('dropbear'), program);
  const bytes = await readFile(program);
  const at = bytes.indexOf(`${SFTP_SERVER}\0`, 0, 'latin1');
  if (at < 0) throw new Error(`dropbear does not mention ${SFTP_SERVER}`);
  bytes.write(`${SFTP_SERVER.slice(0, -6)}absent`, at, 'latin1');
  await writeFile(program, bytes, { mode: 0o755 });
  return program;
}

async function wrappedHome({ directory, home, user, identityFile }: PeerGround): Promise<NodeJS.ProcessEnv> {
  await mkdir(join(home, '.ssh'), { mode: 0o700 });
  await writeFile(join(home, '.ssh', 'authorized_keys'), await readFile(`${identityFile}.pub`), { mode: 0o600 });
  const { uid, gid } = userInfo();
  const [passwd, group] = [join(directory, 'passwd'), join(directory, 'group')];
  await writeFile(passwd, `${user}:x:${uid}:${gid}:test:${home}:/bin/sh\n`);
  await writeFile(group, `${user}:x:${gid}:\n`);
  return { LD_PRELOAD: 'libnss_wrapper.so', NSS_WRAPPER_PASSWD: passwd, NSS_WRAPPER_GROUP: group };
}
