import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { createTempDirectory, type OwnedDirectory, tempDirectory } from '../support/temp.ts';

/** An sshd on whose PATH `scp` is a link to our launcher, as somebody would install it. */
describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp'], 'sealift as the remote scp under sshd', () => {
  let links: OwnedDirectory;
  let sshd: RunningSshd;
  let client: ClientFiles;
  beforeAll(async () => {
    links = await createTempDirectory('links');
    await symlink(sealiftLauncher, join(links.path, 'scp'));
    const path = [links.path, join(process.execPath, '..'), '/usr/bin', '/bin'].join(':');
    sshd = await startSshd({ config: [`SetEnv PATH=${path}`] });
    client = await sshd.client();
  });
  afterAll(async () => {
    await sshd.stop();
    await links.remove();
  });

  it('is what runs there', async () => {
    const { stdout } = await runProgram(needsPeer('ssh'), ['-F', client.configFile, 'server', 'scp', '--version']);
    expect(stdout).toMatch(/^sealift /);
  });

  it.each(['openssh', 'sealift'])('takes and gives a tree, byte for byte, with the client %s', async (which) => {
    const scp = (args: readonly string[]) =>
      which === 'openssh'
        ? runProgram(needsPeer('scp'), ['-O', '-F', client.configFile, ...args])
        : runSealift(['scp', '-O', '-F', client.configFile, ...args]);
    const dir = await tempDirectory();
    await makeTree(join(dir, 'tree'), { smallFiles: 60, bigFileBytes: 3_000_000, depth: 12 });
    expect(await scp(['-rp', join(dir, 'tree'), `server:${dir}/up`])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await compareTrees(join(dir, 'tree'), join(dir, 'up'))).differences).toEqual([]);
    expect(await scp(['-rp', `server:${dir}/up`, join(dir, 'down')])).toEqual({ status: 0, stdout: '', stderr: '' });
    const { differences } = await compareTrees(join(dir, 'tree'), join(dir, 'down'));
    // OpenSSH's client stores the line feed of a name as `\^J`; ours brings it back.
    expect(
      differences
        .filter((line) => which === 'sealift' || !/\^J|\\012/.test(line))
        .filter((line) => !line.startsWith('odd names: time')),
    ).toEqual([]);
  });

  it('reports what it cannot do, in the words of OpenSSH, and takes the rest', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'good'), 'good');
    await mkdir(join(dir, 'to', 'blocked'), { recursive: true });
    await writeFile(join(dir, 'blocked'), 'x');
    const scp = (args: readonly string[]) => runProgram(needsPeer('scp'), ['-O', '-F', client.configFile, ...args]);
    const up = await scp([join(dir, 'blocked'), join(dir, 'good'), `server:${dir}/to`]);
    expect(up).toEqual({ status: 1, stdout: '', stderr: `scp: ${dir}/to/blocked: Is a directory\n` });
    expect((await readdir(join(dir, 'to'))).sort()).toEqual(['blocked', 'good']);
    const down = await scp([`server:${dir}/none`, `server:${dir}/good`, join(dir, 'to')]);
    expect(down).toEqual({ status: 1, stdout: '', stderr: `scp: ${dir}/none: No such file or directory\n` });
    const missing = await scp([join(dir, 'good'), `server:${dir}/no/such`]);
    expect(missing).toEqual({ status: 1, stdout: '', stderr: `scp: ${dir}/no/such: No such file or directory\n` });
    const notDirectory = await scp([join(dir, 'good'), join(dir, 'blocked'), `server:${dir}/good`]);
    expect(notDirectory).toEqual({ status: 1, stdout: '', stderr: `scp: ${dir}/good: Not a directory\n` });
  });

  it('follows the links of the user who logged in, also in the middle of a tree', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'tree', 'current'), { recursive: true });
    await writeFile(join(dir, 'tree', 'current', 'f'), 'new');
    await mkdir(join(dir, 'site', 'release'), { recursive: true });
    await symlink('release', join(dir, 'site', 'current'));
    const result = await runSealift(['scp', '-rF', client.configFile, `${dir}/tree/.`, `server:${dir}/site`]);
    expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await readFile(join(dir, 'site', 'release', 'f'), 'utf8')).toBe('new');
  });
});
