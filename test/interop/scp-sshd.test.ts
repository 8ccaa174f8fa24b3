import {
  chmod,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { runsEverything } from '../support/large.ts';
import { describePeer } from '../support/peers.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp'], 'sealift scp against sshd', () => {
  let sshd: RunningSshd;
  let client: ClientFiles;
  beforeAll(async () => {
    sshd = await startSshd();
    client = await sshd.client();
  });
  afterAll(async () => {
    await sshd.stop();
  });

  describe.each([
    ['ssh', '-s'],
    ['builtin', '-s'],
    ['ssh', '-O'],
    ['builtin', '-O'],
  ] as const)('by the transport %s with %s', (transport, mode) => {
    const scp = (args: readonly string[], options: Parameters<typeof runSealift>[1] = {}) =>
      runSealift(['scp', mode, `--transport=${transport}`, '-F', client.configFile, ...args], options);
    /** What a host says of a file: the SCP protocol brings the words of its scp. */
    const remote = (text: string) => (mode === '-O' ? `scp: ${text}` : `sealift: server:${text}`);
    /** OpenSSH's scp ends with 255 where the connection of its SFTP mode fails. */
    const unconnected = mode === '-O' ? 1 : 255;

    it.each([0, 1, 32_767, 32_768, 32_769, 1_000_003])('copies a file of %i bytes both ways', async (size) => {
      const dir = await tempDirectory();
      const bytes = Buffer.alloc(size, 'sealift ');
      await writeFile(join(dir, 'f'), bytes);
      expect(await scp([join(dir, 'f'), `server:${dir}/up`])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(await scp([`server:${dir}/up`, join(dir, 'down')])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await readFile(join(dir, 'up'))).equals(bytes)).toBe(true);
      expect((await readFile(join(dir, 'down'))).equals(bytes)).toBe(true);
    });

    it('copies a tree with odd names, modes and times both ways, byte for byte', async () => {
      const dir = await tempDirectory();
      await makeTree(join(dir, 'tree'), { smallFiles: 120, bigFileBytes: 3_000_000, depth: 20 });
      await mkdir(join(dir, 'there'));
      await mkdir(join(dir, 'back'));
      expect(await scp(['-rp', join(dir, 'tree'), `server:${dir}/there`])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      expect(await scp(['-rp', `server:${dir}/there/tree`, join(dir, 'back')])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      const { differences, files } = await compareTrees(join(dir, 'tree'), join(dir, 'back', 'tree'));
      expect(differences).toEqual([]);
      expect(files).toBeGreaterThan(150);
    });

    it('copies several sources into a directory, from here and from there', async () => {
      const dir = await tempDirectory();
      for (const name of ['a', 'b c', '-d']) await writeFile(join(dir, name), name);
      await mkdir(join(dir, 'up'));
      await mkdir(join(dir, 'down'));
      expect(await scp(['./a', './b c', './-d', `server:${dir}/up`], { cwd: dir })).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      const sources = ['a', '-d'].map((name) => `server:${dir}/up/${name}`);
      expect(
        await scp([...sources, mode === '-O' ? `server:"${dir}/up/b c"` : `server:${dir}/up/b c`, join(dir, 'down')]),
      ).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      expect((await readdir(join(dir, 'down'))).sort()).toEqual(['-d', 'a', 'b c']);
    });

    it('goes on after what cannot be copied, and says so with status 1', async () => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'good'), 'good');
      await mkdir(join(dir, 'up'));
      const up = await scp(['nope', 'good', `server:${dir}/up`], { cwd: dir });
      expect(up).toEqual({ status: 1, stdout: '', stderr: 'sealift: nope: No such file or directory\n' });
      expect(await readdir(join(dir, 'up'))).toEqual(['good']);
      const down = await scp([`server:${dir}/nope`, `server:${dir}/good`, '.'], { cwd: join(dir, 'up') });
      expect(down).toEqual({ status: 1, stdout: '', stderr: `${remote(`${dir}/nope`)}: No such file or directory\n` });
    });

    it('takes the port from -P, from a URI and from ssh_config', async () => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), 'x');
      const { configFile } = await sshd.client({ alias: '127.0.0.1', config: ['Port 1'] });
      const run = (args: readonly string[]) =>
        runSealift(['scp', mode, `--transport=${transport}`, '-F', configFile, ...args]);
      expect((await run(['-P', String(sshd.port), join(dir, 'f'), `127.0.0.1:${dir}/p`])).stderr).toBe('');
      expect((await run([join(dir, 'f'), `scp://127.0.0.1:${sshd.port}/${dir}/u`])).stderr).toBe('');
      expect((await scp([join(dir, 'f'), `server:${dir}/c`])).stderr).toBe('');
      expect((await readdir(dir)).sort()).toEqual(['c', 'f', 'p', 'u']);
    });

    it('expands patterns there, but never beyond what was asked for', async () => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'from'));
      await mkdir(join(dir, 'to'));
      for (const name of ['a.txt', 'b.txt', '.hidden', 'c.bin']) await writeFile(join(dir, 'from', name), name);
      expect(await scp([`server:${dir}/from/*.txt`, join(dir, 'to')])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await readdir(join(dir, 'to'))).sort()).toEqual(['a.txt', 'b.txt']);
    });

    it('keeps the old content and leaves nothing behind when the target cannot be written', async () => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), 'new');
      await mkdir(join(dir, 'to', 'f'), { recursive: true });
      const result = await scp([`server:${dir}/f`, join(dir, 'to')]);
      expect(result).toEqual({ status: 1, stdout: '', stderr: `sealift: ${dir}/to/f: Is a directory\n` });
      const missing = await scp([`server:${dir}/f`, join(dir, 'no', 'such')]);
      expect(missing).toEqual({
        status: 1,
        stdout: '',
        stderr: `sealift: ${dir}/no/such: No such file or directory\n`,
      });
      expect(await readdir(join(dir, 'to'))).toEqual(['f']);
    });

    it('writes through a link that was named, keeps both names of a file that has two, and keeps modes without -p', async () => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'new'), 'new content');
      await writeFile(join(dir, 'real'), 'old');
      await chmod(join(dir, 'real'), 0o600);
      await symlink('real', join(dir, 'link'));
      expect((await scp([`server:${dir}/new`, join(dir, 'link')])).status).toBe(0);
      expect(await readFile(join(dir, 'real'), 'utf8')).toBe('new content');
      expect((await stat(join(dir, 'real'))).mode & 0o777).toBe(0o600);
      await link(join(dir, 'real'), join(dir, 'second name'));
      await writeFile(join(dir, 'new'), 'newer content');
      expect((await scp([`server:${dir}/new`, join(dir, 'real')])).status).toBe(0);
      expect(await readFile(join(dir, 'second name'), 'utf8')).toBe('newer content');
    });

    it('says that a host cannot be reached', async () => {
      const dir = await tempDirectory();
      const { configFile } = await sshd.client({ alias: 'closed', config: ['Port 1'] });
      const result = await runSealift(['scp', mode, `--transport=${transport}`, '-F', configFile, 'closed:f', dir]);
      expect(result.status).toBe(unconnected);
      expect(result.stderr).toMatch(/refused/);
    });

    it('refuses a host whose key is not the known one, and copies nothing', async () => {
      const dir = await tempDirectory();
      const other = (sshd.hostPublicKeys[0] as string).replace(/.{8}$/, 'AAAAAAAA');
      const { configFile } = await sshd.client({ knownHosts: [`[${sshd.host}]:${sshd.port} ${other}`] });
      const result = await runSealift([
        'scp',
        mode,
        `--transport=${transport}`,
        '-F',
        configFile,
        'server:/etc/hostname',
        dir,
      ]);
      expect(result.status).toBe(unconnected);
      expect(result.stderr).toMatch(/host key/i);
      expect(await readdir(dir)).toEqual([]);
    });

    // Half a minute each.
    if (!runsEverything && !(transport === 'builtin' && mode === '-O')) return;
    it('copies 5 GiB without losing count: sparse, with content on both sides of 4 GiB', {
      timeout: 240_000,
    }, async () => {
      const dir = await tempDirectory();
      const size = 5 * 1024 ** 3;
      await truncate(await touched(join(dir, 'sparse')), size);
      const marks = [0, 2 ** 31 - 4, 2 ** 32 - 4, 2 ** 32 + 12_345, size - 8];
      const source = await open(join(dir, 'sparse'), 'r+');
      for (const at of marks) await source.write(`mark ${at}`.slice(0, 8), at);
      await source.close();
      // One way each: the bytes are the same, the roles are not.
      const args =
        transport === 'ssh' ? [join(dir, 'sparse'), `server:${dir}/copy`] : [`server:${dir}/sparse`, join(dir, 'copy')];
      const result = await scp(['-c', 'aes128-gcm@openssh.com', ...args], { timeoutMs: 200_000 });
      expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await stat(join(dir, 'copy'))).size).toBe(size);
      const copy = await open(join(dir, 'copy'));
      for (const at of marks) {
        const { buffer } = await copy.read(Buffer.alloc(8), 0, 8, at);
        expect(buffer.toString()).toBe(`mark ${at}`.slice(0, 8).padEnd(8, '\0'));
      }
      await copy.close();
    });
  });

  it.each([
    ['1,000', '-s'],
    ['10,000', '-O'],
  ])('copies a tree of %s files both ways with %s', { timeout: 120_000 }, async (count, mode) => {
    const dir = await tempDirectory();
    const smallFiles = Number(count.replace(',', ''));
    await makeTree(join(dir, 'tree'), { smallFiles, bigFileBytes: 1, depth: 2 });
    const scp = (args: readonly string[]) =>
      runSealift(['scp', mode, '-rpF', client.configFile, ...args], { timeoutMs: 55_000 });
    expect(await scp([join(dir, 'tree'), `server:${dir}/there`])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await scp([`server:${dir}/there`, join(dir, 'back')])).toEqual({ status: 0, stdout: '', stderr: '' });
    const { files, differences } = await compareTrees(join(dir, 'tree'), join(dir, 'back'));
    expect(differences).toEqual([]);
    expect(files).toBeGreaterThan(smallFiles);
  });

  it('takes names on the command line that are not UTF-8', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'to'));
    await writeFile(Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.of(0xe9)]), 'latin1');
    // Node can start programs with UTF-8 arguments only; a shell can do more.
    const script = `exec "$0" "$1" scp -F "$2" "$(printf '%s/caf\\351' "$3")" "server:$3/to"`;
    const result = await runProgram('sh', ['-c', script, process.execPath, sealiftLauncher, client.configFile, dir]);
    expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await readdir(join(dir, 'to'), { encoding: 'buffer' })).toEqual([Buffer.from('caf\xe9', 'latin1')]);
  });

  it('keeps the rate of -l', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), Buffer.alloc(300_000));
    const start = performance.now();
    // 800 Kbit/s are 102,400 bytes a second.
    expect(
      (await runSealift(['scp', '-l', '800', '-F', client.configFile, join(dir, 'f'), `server:${dir}/g`])).status,
    ).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(2_500);
  });

  it('keeps times in whole seconds with -p and does not without', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x');
    await utimes(join(dir, 'f'), 1_000_000_000, 1_000_000_001);
    await runSealift(['scp', '-pF', client.configFile, `server:${dir}/f`, join(dir, 'kept')]);
    await runSealift(['scp', '-F', client.configFile, `server:${dir}/f`, join(dir, 'fresh')]);
    const kept = await stat(join(dir, 'kept'));
    expect([kept.atimeMs, kept.mtimeMs]).toEqual([1_000_000_000_000, 1_000_000_001_000]);
    expect((await stat(join(dir, 'fresh'))).mtimeMs).toBeGreaterThan(1_000_000_001_000);
  });
});

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'sealift scp over IPv6', () => {
  it.each(['ssh', 'builtin'])('copies both ways to [::1] by the transport %s', async (transport) => {
    const sshd = await startSshd({ listenAddress: '::1' });
    try {
      const { configFile } = await sshd.client({ alias: '::1' });
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), 'six');
      const scp = (args: readonly string[]) =>
        runSealift(['scp', '-6', `--transport=${transport}`, '-F', configFile, ...args]);
      expect(await scp([join(dir, 'f'), `[::1]:${dir}/g`])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(await scp([`scp://[::1]:${sshd.port}/${dir}/g`, join(dir, 'h')])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      expect(await readFile(join(dir, 'h'), 'utf8')).toBe('six');
    } finally {
      await sshd.stop();
    }
  });
});

async function touched(path: string): Promise<string> {
  await writeFile(path, '');
  return path;
}
