import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { itPeer } from '../support/peers.ts';
import { startSshd } from '../support/sshd.ts';

itPeer(['sshd', 'ssh', 'ssh-keygen'], 'the sshd of the tests lets the generated identity in', async () => {
  const server = await startSshd();
  onTestFinished(server.stop);
  const client = await server.client();
  const { stdout } = await promisify(execFile)('ssh', ['-F', client.configFile, client.alias, 'echo hello']);
  expect(stdout).toBe('hello\n');
});
