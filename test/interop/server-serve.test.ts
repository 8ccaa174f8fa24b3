import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { itPeer, needsPeer } from '../support/peers.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { freePort } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

let home: string;

beforeEach(async () => {
  home = await tempDirectory('home');
});

interface Serving {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exit: Promise<[number | null, NodeJS.Signals | null]>;
  readonly port: number;
  readonly stdout: string;
  err(): string;
}

/** Starts `sealift serve` and waits until it says that it listens. Killed when the test has finished. */
async function serve(...args: string[]): Promise<Serving> {
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: '', XDG_STATE_HOME: '' };
  const child = spawn(process.execPath, [sealiftLauncher, 'serve', ...args], { env, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
      if (stdout.endsWith('\n')) resolve();
    });
    child.once('exit', (status) => reject(new Error(`ended with ${status}: ${stderr}`)));
  });
  return { child, exit, stdout, port: Number(/:(\d+)\n/.exec(stdout)?.[1]), err: () => stderr };
}

it('sealift serve says when it is ready and stops with status 0, for SIGINT as for SIGTERM', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, exit, stdout } = await serve('--listen', '127.0.0.1:0');
    expect(stdout).toMatch(/^listening on 127\.0\.0\.1:\d+\n$/);
    child.kill(signal);
    expect(await exit).toEqual([0, null]);
  }
});

it('sealift serve tells of a port in use', async () => {
  const port = await freePort();
  await serve('--listen', `127.0.0.1:${port}`);
  const second = await runSealift(['serve', '--listen', `127.0.0.1:${port}`], { env: { ...process.env, HOME: home } });
  expect(second).toMatchObject({ status: 1, stdout: '' });
  expect(second.stderr).toContain(`sealift: 127.0.0.1:${port}: address already in use\n`);
});

itPeer(['scp', 'ssh', 'ssh-keygen'], 'the lines that sealift serve prints work as they stand', async () => {
  const { child, exit, port, err } = await serve('--listen', '127.0.0.1:0', '--user', 'bob', '-v');
  const password = /password (\S+)/.exec(err())?.[1] ?? '';
  const [up, down] = err()
    .split('\n')
    .filter((line) => line.startsWith('  scp '))
    .map((line) => line.trim().split(' '));
  const askpass = join(home, 'askpass');
  await writeFile(askpass, `#!/bin/sh\necho "${password}"\n`, { mode: 0o700 });
  await mkdir(join(home, 'work'));
  await writeFile(join(home, 'work', 'FILE'), 'content');
  const options = [
    '-F',
    'none',
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    `UserKnownHostsFile=${home}/known`,
    '-o',
    'IdentityAgent=none',
  ];
  const env = { ...process.env, HOME: home, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  const scp = (line: readonly string[] = []) =>
    runProgram(needsPeer('scp'), [...options, ...line.slice(1)], { cwd: join(home, 'work'), env });
  expect(await scp(up)).toMatchObject({ status: 0 });
  await writeFile(join(home, 'work', 'FILE'), 'other');
  expect(await scp(down)).toMatchObject({ status: 0 });
  expect(await readFile(join(home, 'work', 'FILE'), 'utf8')).toBe('content');
  expect(await readFile(join(home, '.local/share/sealift/files/FILE'), 'utf8')).toBe('content');
  const { stdout: print } = await runProgram(needsPeer('ssh-keygen'), [
    '-l',
    '-f',
    join(home, '.local/state/sealift/ssh_host_ed25519_key'),
  ]);
  expect(err()).toContain(print.split(' ')[1]);
  expect(port).toBeGreaterThan(0);
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
});

itPeer(
  ['ssh', 'ssh-keygen'],
  'a transfer that hangs is cut off some seconds after the signal, a second signal ends it at once',
  async () => {
    const key = join(home, 'id');
    await runProgram(needsPeer('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    for (const signals of [1, 2]) {
      const { child, exit, port, err } = await serve(
        '--listen',
        '127.0.0.1:0',
        '--user',
        'bob',
        '--authorized-keys',
        `${key}.pub`,
        '-v',
      );
      const options = [
        '-F',
        'none',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'IdentityAgent=none',
        '-i',
        key,
      ];
      const ssh = spawn(needsPeer('ssh'), [...options, '-p', String(port), 'bob@127.0.0.1', 'scp -t .'], {
        stdio: 'pipe',
      });
      onTestFinished(() => void ssh.kill('SIGKILL'));
      await expect.poll(err, { timeout: 20_000 }).toContain('begins to send');
      const start = performance.now();
      child.kill('SIGTERM');
      if (signals === 2) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        child.kill('SIGTERM');
      }
      expect(await exit).toEqual([0, null]);
      const seconds = (performance.now() - start) / 1000;
      if (signals === 1) expect(seconds).toBeGreaterThan(3.5);
      else expect(seconds).toBeLessThan(3);
      ssh.kill('SIGKILL');
    }
  },
);
