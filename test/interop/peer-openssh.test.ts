import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { scpAt, silent } from '../support/peer-copies.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runProgram, runSealift } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, type SshdOptions, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const NOTICE = 'sealift: server: the server has no SFTP; copying by the SCP protocol (-O)\n';
const TREE = { smallFiles: 42, bigFileBytes: 2_000_000, depth: 4 };

/** sshd of one configuration for all tests of a group. */
function withSshd(options: SshdOptions | (() => Promise<SshdOptions>)): {
  sshd(): RunningSshd;
  client(): ClientFiles;
} {
  let sshd: RunningSshd;
  let client: ClientFiles;
  beforeAll(async () => {
    sshd = await startSshd(typeof options === 'function' ? await options() : options);
    client = await sshd.client();
  });
  afterAll(async () => {
    await sshd?.stop();
  });
  return { sshd: () => sshd, client: () => client };
}

const transports = ['ssh', 'builtin'] as const;

describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp'], 'sshd set up so that', () => {
  describe('there is nothing but SFTP (ForceCommand internal-sftp)', () => {
    const { client } = withSshd({ config: ['ForceCommand internal-sftp'] });

    describe.each(transports)('by the transport %s', (transport) => {
      const scp = scpAt(client, [`--transport=${transport}`]);

      it('a tree goes both ways, verified', async () => {
        const dir = await tempDirectory();
        await makeTree(join(dir, 'tree'), TREE);
        expect(await scp(['-rp', '--verify', join(dir, 'tree'), `server:${dir}/there`])).toEqual(silent);
        expect(await scp(['-rp', '--verify', `server:${dir}/there`, join(dir, 'back')])).toEqual(silent);
        expect((await compareTrees(join(dir, 'tree'), join(dir, 'back'))).differences).toEqual([]);
      });

      it('-O fails in both directions, soon, with what the server says, and leaves nothing', async () => {
        const dir = await tempDirectory();
        await writeFile(join(dir, 'f'), 'x');
        for (const args of [
          [join(dir, 'f'), `server:${dir}/g`],
          [`server:${dir}/f`, join(dir, 'h')],
        ]) {
          const { status, stdout, stderr } = await scp(['-O', ...args], { timeoutMs: 30_000 });
          expect([status, stdout]).toEqual([1, '']);
          expect(stderr).toContain('This service allows sftp connections only.');
        }
        expect(await readdir(dir)).toEqual(['f']);
      });
    });

    it('-O is not explained by the login shell', async () => {
      const dir = await tempDirectory();
      const { stderr } = await scpAt(client, ['-O'])([`server:${dir}/f`, join(dir, 'h')]);
      expect(stderr).not.toContain('.bashrc');
    });
  });

  describe('there is a ChrootDirectory with internal-sftp', () => {
    let root = '';
    const { client, sshd } = withSshd(async () => {
      // All folders above it must belong to root, and nobody else may write in them.
      root = await mkdtemp('/run/sealift-chroot-').catch(() => '');
      if (root === '') return {};
      await chmod(root, 0o755);
      await mkdir(join(root, 'files'));
      return { config: [`ChrootDirectory ${root}`, 'ForceCommand internal-sftp'] };
    });
    afterAll(async () => {
      if (root !== '') await rm(root, { recursive: true });
    });

    it.for(transports)('paths begin there, by the transport %s', async (transport, context) => {
      if (process.getuid?.() !== 0 || root === '') return context.skip('only root can have a chroot');
      const scp = scpAt(client, [`--transport=${transport}`]);
      const dir = await tempDirectory();
      const there = `files/${transport}`;
      await makeTree(join(dir, 'tree'), TREE);
      expect(await scp(['-rp', '--verify', join(dir, 'tree'), `server:/${there}`]), sshd().log()).toEqual(silent);
      expect((await compareTrees(join(dir, 'tree'), join(root, there))).differences).toEqual([]);
      // The start folder is the root, whatever the home outside of it is.
      expect(await scp(['-rp', `server:${there}`, join(dir, 'back')])).toEqual(silent);
      expect((await compareTrees(join(dir, 'tree'), join(dir, 'back'))).differences).toEqual([]);
      expect(await scp(['--resume', '--atomic', join(dir, 'tree', 'big.bin'), `server:/${there}/big.bin`])).toEqual(
        silent,
      );
      expect((await scp([`server:${dir}/tree/big.bin`, join(dir, 'out')])).stderr).toContain(
        'No such file or directory',
      );
    });
  });

  describe.each([
    ['the subsystem is a program that fails', ['Subsystem sftp /bin/false']],
    ['the subsystem is a program that does not exist', ['Subsystem sftp /nonexistent/sftp-server']],
    // The helper adds a subsystem where there is none of this name.
    ['there is no subsystem', ['Subsystem sftp-none /bin/false']],
  ])('%s', (_title, config) => {
    const { client } = withSshd({ config });
    /** What the shell there says is not kept back: see peer-dropbear.test.ts. */
    const said = (stderr: string) => stderr.replace(/^(bash: line 1|sh: 1): \/nonexistent\/sftp-server: .*\n/m, '');

    describe.each(transports)('by the transport %s', (transport) => {
      const scp = scpAt(client, [`--transport=${transport}`]);

      it('a tree goes both ways by SCP, with one notice', async () => {
        const dir = await tempDirectory();
        await makeTree(join(dir, 'tree'), TREE);
        const up = await scp(['-rp', join(dir, 'tree'), `server:${dir}/there`]);
        expect({ ...up, stderr: said(up.stderr) }).toEqual({ ...silent, stderr: NOTICE });
        const down = await scp(['-rp', `server:${dir}/there`, join(dir, 'back')]);
        expect({ ...down, stderr: said(down.stderr) }).toEqual({ ...silent, stderr: NOTICE });
        expect((await compareTrees(join(dir, 'tree'), join(dir, 'back'))).differences).toEqual([]);
      });

      it('-s refuses, and says that there is no SFTP', async () => {
        const dir = await tempDirectory();
        await writeFile(join(dir, 'f'), 'x');
        const { status, stderr } = await scp(['-s', join(dir, 'f'), `server:${dir}/g`]);
        expect(status).toBe(255);
        expect(stderr).toMatch(/^sealift: server: (the server does not offer SFTP|subsystem sftp refused: .*)\n/m);
        expect(await readdir(dir)).toEqual(['f']);
      });
    });
  });

  describe('one of two hosts has no SFTP', () => {
    const { client } = withSshd({ config: ['Subsystem sftp /bin/false'] });

    it.each(transports)('files go between it and the other, either way, by the transport %s', async (transport) => {
      const other = await startSshd();
      onTestFinished(other.stop);
      const dir = await tempDirectory();
      const config = join(dir, 'config');
      const files = await other.client({ alias: 'other' });
      const parts = await Promise.all([client(), files].map(({ configFile }) => readFile(configFile, 'utf8')));
      await writeFile(config, parts.join('\n'));
      await writeFile(join(dir, 'f'), randomBytes(300_000));
      const copy = (...args: string[]) => runSealift(['scp', `--transport=${transport}`, '-F', config, ...args]);
      expect(await copy(`server:${dir}/f`, `other:${dir}/g`)).toEqual({ ...silent, stderr: NOTICE });
      expect(await copy(`other:${dir}/g`, `server:${dir}/h`)).toEqual({ ...silent, stderr: NOTICE });
      expect((await readFile(join(dir, 'h'))).equals(await readFile(join(dir, 'f')))).toBe(true);
    });
  });

  describe('a connection has room for one session (MaxSessions 1)', () => {
    const { client } = withSshd({ config: ['MaxSessions 1'] });

    it.each([
      ['ssh', '-s'],
      ['builtin', '-s'],
      ['ssh', '-O'],
      ['builtin', '-O'],
    ])('several operands and a tree go both ways, by the transport %s with %s', async (transport, mode) => {
      const scp = scpAt(client, [`--transport=${transport}`, mode]);
      const beyond = mode === '-s' ? ['--verify'] : [];
      const dir = await tempDirectory();
      await makeTree(join(dir, 'tree'), TREE);
      await writeFile(join(dir, 'one'), 'one');
      for (const folder of ['there', 'back']) await mkdir(join(dir, folder));
      expect(await scp(['-rp', ...beyond, join(dir, 'tree'), join(dir, 'one'), `server:${dir}/there`])).toEqual(silent);
      expect(
        await scp(['-rp', ...beyond, `server:${dir}/there/tree`, `server:${dir}/there/one`, join(dir, 'back')]),
      ).toEqual(silent);
      expect((await compareTrees(join(dir, 'tree'), join(dir, 'back', 'tree'))).differences).toEqual([]);
      expect(await readFile(join(dir, 'back', 'one'), 'utf8')).toBe('one');
    });

    it.each(transports)('a file goes from one place of the host to another, by the transport %s', async (transport) => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), randomBytes(300_000));
      const scp = scpAt(client, [`--transport=${transport}`]);
      expect(await scp([`server:${dir}/f`, `server:${dir}/g`])).toEqual(silent);
      expect((await readFile(join(dir, 'g'))).equals(await readFile(join(dir, 'f')))).toBe(true);
    });
  });

  describe('there are ciphers to choose from', () => {
    const { client, sshd } = withSshd({ config: ['Ciphers +aes128-cbc'] });

    it.each(transports)('-c and -oCiphers are obeyed, by the transport %s', async (transport) => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), randomBytes(1_500_000));
      for (const cipher of [
        ['-c', 'chacha20-poly1305@openssh.com'],
        ['-oCiphers=aes192-ctr'],
        ['-o', 'Ciphers=aes128-cbc'],
      ]) {
        const scp = scpAt(client, [`--transport=${transport}`, ...cipher]);
        expect([cipher, await scp([join(dir, 'f'), `server:${dir}/g`])]).toEqual([cipher, silent]);
        expect([cipher, await scp([`server:${dir}/g`, join(dir, 'h')])]).toEqual([cipher, silent]);
        expect((await readFile(join(dir, 'h'))).equals(await readFile(join(dir, 'f')))).toBe(true);
      }
      const refused = await scpAt(client, [`--transport=${transport}`, '-c', 'aes256-cbc'])([
        join(dir, 'f'),
        `server:${dir}/i`,
      ]);
      expect(refused.status).toBe(255);
      expect(refused.stderr).toMatch(/no matching|cipher/i);
      expect(sshd().log()).toContain('no matching cipher found');
    });
  });

  describe('the user has a ControlMaster open', () => {
    const { client, sshd } = withSshd({});

    it.each(['-s', '-O'])('the ssh program goes through it with %s, and leaves it as it was', async (mode) => {
      const dir = await tempDirectory();
      const socket = join(dir, 'ctl');
      const ssh = needsPeer('ssh');
      const master = spawn(ssh, ['-F', client().configFile, '-MNn', '-S', socket, 'server'], { stdio: 'ignore' });
      onTestFinished(() => void master.kill());
      const check = () => runProgram(ssh, ['-F', client().configFile, '-S', socket, '-O', 'check', 'server']);
      await expect.poll(async () => (await check()).status, { timeout: 20_000 }).toBe(0);
      const logins = () => sshd().log().split('Accepted publickey').length;
      const before = logins();
      await makeTree(join(dir, 'tree'), TREE);
      const scp = scpAt(client, ['--transport=ssh', mode, '-o', `ControlPath=${socket}`]);
      expect(await scp(['-rp', join(dir, 'tree'), `server:${dir}/there`])).toEqual(silent);
      expect(await scp(['-rp', `server:${dir}/there`, join(dir, 'back')])).toEqual(silent);
      expect((await compareTrees(join(dir, 'tree'), join(dir, 'back'))).differences).toEqual([]);
      expect(logins()).toBe(before);
      expect((await check()).status).toBe(0);
      master.kill();
      await once(master, 'exit');
    });

    it('a ControlMaster=auto of the configuration makes no master of our own', async () => {
      const dir = await tempDirectory();
      const files = await sshd().client({
        config: ['ControlMaster auto', `ControlPath ${dir}/ctl`, 'ControlPersist 60'],
      });
      await writeFile(join(dir, 'f'), 'x');
      expect(await scpAt(() => files, ['--transport=ssh'])([join(dir, 'f'), `server:${dir}/g`])).toEqual(silent);
      expect((await readdir(dir)).sort()).toEqual(['f', 'g']);
    });
  });
});
