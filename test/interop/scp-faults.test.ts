import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

const MEBIBYTE = 1024 * 1024;

/** A tmpfs of 4 MiB; undefined where this process may not mount one. */
async function mountSmall(): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'sealift-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' });
    return path;
  } catch {
    await rm(path, { recursive: true });
    return undefined;
  }
}

describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp'], 'a copy that cannot be finished', () => {
  let sshd: RunningSshd;
  let client: ClientFiles;
  let small: string | undefined;
  beforeAll(async () => {
    sshd = await startSshd();
    client = await sshd.client();
    small = await mountSmall();
  });
  afterAll(async () => {
    await sshd.stop();
    if (small === undefined) return;
    execFileSync('umount', [small]);
    await rm(small, { recursive: true });
  });

  describe.each([
    ['ssh', '-s'],
    ['builtin', '-s'],
    ['ssh', '-O'],
    ['builtin', '-O'],
  ] as const)('by the transport %s with %s', (transport, mode) => {
    const scp = (args: readonly string[], options: Parameters<typeof runSealift>[1] = {}) =>
      runSealift(['scp', mode, `--transport=${transport}`, '-F', client.configFile, ...args], options);
    const cutOff = mode === '-O' ? 1 : 255;

    it('because the disk here is full: the old file stays, the others arrive, nothing is left over', async (context) => {
      if (small === undefined) return context.skip('a tmpfs cannot be mounted here');
      const dir = await tempDirectory();
      const to = join(small, `down-${transport}${mode}`);
      await mkdir(to);
      await writeFile(join(to, 'big'), 'old content');
      await mkdir(join(dir, 'from'));
      await writeFile(join(dir, 'from', 'big'), Buffer.alloc(8 * MEBIBYTE, 1));
      await writeFile(join(dir, 'from', 'small'), 'small');
      const result = await scp([`server:${dir}/from/big`, `server:${dir}/from/small`, to]);
      expect(result).toEqual({ status: 1, stdout: '', stderr: `sealift: ${to}/big: No space left on device\n` });
      expect(await readFile(join(to, 'big'), 'utf8')).toBe('old content');
      expect((await readdir(to)).sort()).toEqual(['big', 'small']);
      await rm(to, { recursive: true });
    });

    it('because the disk there is full: its reason is shown and the other files arrive', async (context) => {
      if (small === undefined) return context.skip('a tmpfs cannot be mounted here');
      const dir = await tempDirectory();
      const to = join(small, `up-${transport}${mode}`);
      await mkdir(to);
      await writeFile(join(dir, 'big'), Buffer.alloc(8 * MEBIBYTE, 1));
      const result = await scp([join(dir, 'big'), `server:${to}`]);
      expect(result).toEqual({
        status: 1,
        stdout: '',
        stderr: `${mode === '-O' ? 'scp: ' : 'sealift: server:'}${to}/big: No space left on device\n`,
      });
      await rm(to, { recursive: true });
    });

    it('because the target vanishes while it is written', async () => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'to'));
      await writeFile(join(dir, 'f'), Buffer.alloc(2 * MEBIBYTE));
      // 8 Mbit/s: the copy takes two seconds.
      const copy = scp(['-l', '8192', `server:${dir}/f`, join(dir, 'to')]);
      await until(async () => (await readdir(join(dir, 'to'))).length > 0, copy);
      await rm(join(dir, 'to'), { recursive: true });
      expect(await copy).toEqual({
        status: 1,
        stdout: '',
        stderr: `sealift: ${dir}/to/f: No such file or directory\n`,
      });
    });

    it('because the connection is cut, wherever that is: a status, no hang, the file and the host are named, the old content stays', async () => {
      const proxy = await startCuttingProxy(sshd.port);
      try {
        const dir = await tempDirectory();
        await writeFile(join(dir, 'f'), Buffer.alloc(3 * MEBIBYTE, 'x'));
        await mkdir(join(dir, 'to'));
        const proxied = ['-o', `Port=${proxy.port}`, '-o', `HostKeyAlias=[${sshd.host}]:${sshd.port}`];
        const down = [...proxied, `server:${dir}/f`, join(dir, 'to')];
        const up = [...proxied, join(dir, 'f'), `server:${dir}/up`];
        expect((await scp(down)).stderr).toBe('');
        const whole = proxy.passed;
        await writeFile(join(dir, 'to', 'f'), 'old content');
        for (const args of [down, up]) {
          for (const part of [0.0005, 0.001, 0.01, 0.3, 0.6, 0.97]) {
            proxy.cutAfter = Math.floor(whole * (part + Math.random() * 0.01));
            const { status, stderr } = await scp(args, { timeoutMs: 20_000 });
            expect(status, `cut after ${proxy.cutAfter} of ${whole}: ${stderr}`).toBe(cutOff);
            if (part >= 0.3)
              expect(stderr).toMatch(
                /^sealift: server: lost connection while (?:receiving|sending|copying) \S+\/f \(\d+ of 3145728 bytes\)/m,
              );
            else expect(stderr).not.toBe('');
            expect(stderr).not.toContain('    at ');
            expect(await readFile(join(dir, 'to', 'f'), 'utf8')).toBe('old content');
            expect(await readdir(join(dir, 'to'))).toEqual(['f']);
          }
        }
      } finally {
        await proxy[Symbol.asyncDispose]();
      }
    });

    it('because the user presses Ctrl-C: status 1, nothing left over', async () => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'to'));
      await writeFile(join(dir, 'to', 'f'), 'old content');
      await writeFile(join(dir, 'f'), Buffer.alloc(2 * MEBIBYTE));
      let pid = 0;
      const copy = scp(['-l', '2048', `server:${dir}/f`, join(dir, 'to')], { onStart: (id) => (pid = id) });
      await until(async () => (await readdir(join(dir, 'to'))).length > 1, copy);
      process.kill(pid, 'SIGINT');
      expect(await copy).toEqual({ status: 1, stdout: '', stderr: '' });
      expect(await readdir(join(dir, 'to'))).toEqual(['f']);
      expect(await readFile(join(dir, 'to', 'f'), 'utf8')).toBe('old content');
    });
  });

  it('because the target may not be written: the reason is shown on either side', async (context) => {
    if (process.getuid?.() === 0) {
      // root may write anywhere but on a file system that is mounted read-only.
      if (small === undefined) return context.skip('root needs a read-only mount, which cannot be made here');
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), 'x');
      execFileSync('mount', ['-o', 'remount,ro', small]);
      try {
        const scp = (args: readonly string[]) => runSealift(['scp', '-O', '-F', client.configFile, ...args]);
        expect((await scp([`server:${dir}/f`, small])).stderr).toBe(`sealift: ${small}/f: Read-only file system\n`);
        expect(await scp([join(dir, 'f'), `server:${small}`])).toEqual({
          status: 1,
          stdout: '',
          stderr: `scp: ${small}/f: Read-only file system\n`,
        });
        expect((await scp(['-s', join(dir, 'f'), `server:${small}`])).stderr).toBe(
          `sealift: server:${small}/f: Read-only file system\n`,
        );
      } finally {
        execFileSync('mount', ['-o', 'remount,rw', small]);
      }
      return;
    }
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x');
    await mkdir(join(dir, 'to'));
    await chmod(join(dir, 'to'), 0o500);
    const result = await runSealift(['scp', '-F', client.configFile, `server:${dir}/f`, join(dir, 'to')]);
    expect(result).toEqual({ status: 1, stdout: '', stderr: `sealift: ${dir}/to/f: Permission denied\n` });
  });
});
