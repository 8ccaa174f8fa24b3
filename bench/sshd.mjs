import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A stock sshd on loopback with its own keys, and an ssh_config in which it is called `server`. */
export async function startSshd(directory) {
  const program = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find(existsSync);
  if (program === undefined) throw new Error('sshd: not found; install openssh-server');
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const file = (name) => join(directory, name);
  for (const key of ['host_key', 'id']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
  const port = await freePort();
  const server = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${file('host_key')}`,
    `AuthorizedKeysFile ${file('id.pub')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(file('sshd_config'), `${server.join('\n')}\n`);
  const hostKey = readFileSync(file('host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`);
  const client = [
    'Host server',
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${userInfo().username}`,
    `IdentityFile ${file('id')}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${file('known_hosts')}`,
    'BatchMode yes',
  ];
  writeFileSync(file('ssh_config'), `${client.join('\n')}\n`);
  const child = spawn(program, ['-D', '-e', '-f', file('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('Server listening on')) resolve();
    });
    child.once('exit', () => reject(new Error('sshd: ended at once')));
  });
  return {
    config: file('ssh_config'),
    async stop() {
      child.removeAllListeners('exit');
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
