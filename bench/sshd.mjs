import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endWithUs } from './children.mjs';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The program, by its full name, which it needs to start itself again. */
export function findSshd() {
  const program = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find(existsSync);
  if (program === undefined) throw new Error('sshd: not found; install openssh-server');
  return program;
}

/** A stock sshd on loopback with its own keys. `folder` gets them; users log in with the key `identity`. */
export async function startSshd(folder, identity) {
  const program = findSshd();
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  mkdirSync(folder, { recursive: true });
  const file = (name) => join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('host_key')]);
  const port = await freePort();
  const server = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${file('host_key')}`,
    `AuthorizedKeysFile ${identity}.pub`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(file('sshd_config'), `${server.join('\n')}\n`);
  const child = spawn(program, ['-D', '-e', '-f', file('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  endWithUs(child);
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('Server listening on')) resolve();
    });
    // After it is ready nobody hears this.
    child.once('exit', () => reject(new Error('sshd: ended at once')));
  });
  return {
    name: 'sshd',
    pid: child.pid,
    port,
    user: userInfo().username,
    hostKey: readFileSync(file('host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' '),
    /** What a path of this machine is called there. */
    remote: (path) => path,
    async stop() {
      const ended = once(child, 'exit');
      if (child.kill()) await ended;
    },
  };
}
