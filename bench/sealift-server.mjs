import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs } from './children.mjs';

const sealift = fileURLToPath(new URL('../bin/sealift', import.meta.url));

/**
 * `sealift serve` with its defaults on loopback. `folder` gets its keys and configuration; users log in with the key `identity`.
 *
 * @param options `root`: the folder that users see; `durable: false`: it does not wait for the disk, as sshd does not; `nodeOptions`: words for node
 */
export async function startSealift(folder, identity, { root, durable = true, nodeOptions = [] }) {
  mkdirSync(folder, { recursive: true });
  const file = (name) => join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('host_key')]);
  const lines = [
    `state: ${file('state')}`,
    'listen: ["127.0.0.1:0"]',
    `host-keys: [${file('host_key')}]`,
    `durable: ${durable}`,
    `roots: [{ name: bench, path: ${root} }]`,
    'users:',
    '  - name: bench',
    '    authorized-keys:',
    `      - ${readFileSync(`${identity}.pub`, 'utf8').trim()}`,
  ];
  writeFileSync(file('sealift.yaml'), `${lines.join('\n')}\n`);
  const child = spawn(process.execPath, [...nodeOptions, sealift, 'serve', '-c', file('sealift.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithUs(child);
  let said = '';
  child.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('listening on')) resolve(Number(line.split(':').at(-1)));
    });
    child.once('exit', () => reject(new Error(`sealift serve: ended at once: ${said}`)));
  });
  return {
    name: durable ? 'sealift serve' : 'sealift serve, durable: false',
    pid: child.pid,
    port,
    user: 'bench',
    hostKey: readFileSync(file('host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' '),
    remote: (path) => `/${relative(root, path)}`,
    async stop() {
      const ended = once(child, 'exit');
      if (child.kill()) await ended;
    },
  };
}
