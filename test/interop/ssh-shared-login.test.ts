import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encryptedKey, startAskpass } from '../support/askpass.ts';
import { startDropbear } from '../support/peer-dropbear.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

const NOTICE = 'sealift: server: the server has no SFTP; copying by the SCP protocol (-O)\n';

const withoutSftp = [
  ['refuses the subsystem', ['Subsystem sftp-none /bin/false']],
  ['has a program that fails for it', ['Subsystem sftp /bin/false']],
] as const;

interface Setting {
  readonly config?: readonly string[];
  readonly clientConfig?: readonly string[];
  readonly answer?: string;
}

/** A server whose user has a key that must be unlocked, and a person who is asked for that. */
async function setting({ config = [], clientConfig = [], answer }: Setting) {
  const sshd = await startSshd({ config });
  onTestFinished(sshd.stop);
  const key = await encryptedKey(sshd.identityFile);
  const { configFile } = await sshd.client({ config: [...clientConfig, 'BatchMode no', `IdentityFile ${key}`] });
  const text = await readFile(configFile, 'utf8');
  await writeFile(configFile, text.replace(`IdentityFile ${sshd.identityFile}\n`, ''));
  const askpass = await startAskpass(answer);
  const directory = await tempDirectory();
  const runtime = await tempDirectory('run');
  await writeFile(join(directory, 'f'), 'content');
  const scp = (args: readonly string[], onStart?: (pid: number) => void) =>
    runSealift(['scp', '-F', configFile, ...args], {
      env: { ...askpass.env, XDG_RUNTIME_DIR: runtime },
      ...(onStart && { onStart }),
    });
  return { sshd, askpass, directory, runtime, scp };
}

function logins(sshd: RunningSshd): number {
  return sshd.log().match(/Accepted publickey/g)?.length ?? 0;
}

/** The processes that were started with a text in their words. */
function processesWith(text: string): string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(text) && !line.includes('ps -eo'));
}

describePeer(
  ['sshd', 'ssh', 'ssh-keygen', 'scp'],
  'one login for SFTP and for what follows where there is none',
  () => {
    describe.each(withoutSftp)('a server that %s', (_, config) => {
      it('asks once and sees one login, up and down', async () => {
        const { sshd, askpass, directory, runtime, scp } = await setting({ config });
        const copied = { status: 0, stdout: '', stderr: NOTICE };
        expect(await scp([join(directory, 'f'), `server:${directory}/g`])).toEqual(copied);
        expect(await askpass.questions()).toHaveLength(1);
        expect(logins(sshd)).toBe(1);
        expect(await scp([`server:${directory}/f`, `server:${directory}/g`, directory])).toEqual(copied);
        expect(await askpass.questions()).toHaveLength(2);
        expect(logins(sshd)).toBe(2);
        expect(await readFile(join(directory, 'g'), 'utf8')).toBe('content');
        expect(await readdir(runtime)).toEqual([]);
      });
    });

    it('two hosts are asked for once each', async () => {
      const { sshd, askpass, directory, scp } = await setting({ config: withoutSftp[0][1] });
      expect(await scp([`server:${directory}/f`, `root@server:${directory}/g`])).toMatchObject({ status: 0 });
      expect(await askpass.questions()).toHaveLength(2);
      expect(logins(sshd)).toBe(2);
    });

    it('SFTP goes through it too, and the exit status of its server is seen', async () => {
      const { sshd, askpass, directory, runtime, scp } = await setting({});
      expect(await scp([join(directory, 'f'), `server:${directory}/g`])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(await askpass.questions()).toHaveLength(1);
      expect(logins(sshd)).toBe(1);
      expect(await readdir(runtime)).toEqual([]);
    });

    it('a login that fails is told as by one ssh, and nothing else is tried', async () => {
      const { sshd, askpass, directory, runtime, scp } = await setting({ answer: 'wrong' });
      const { status, stderr } = await scp([join(directory, 'f'), `server:${directory}/g`]);
      expect(status).toBe(255);
      expect(stderr).toMatch(/Permission denied \(publickey\)\.\nsealift: server: connection closed\n$/);
      expect(await askpass.questions()).toHaveLength(3);
      expect(logins(sshd)).toBe(0);
      expect(await readdir(runtime)).toEqual([]);
    });

    it('a host key that is not the known one is told as by one ssh', async () => {
      const { sshd, directory, scp } = await setting({ clientConfig: ['UserKnownHostsFile /dev/null'] });
      const { status, stderr } = await scp([join(directory, 'f'), `server:${directory}/g`]);
      expect(status).toBe(255);
      expect(stderr).toMatch(/Host key verification failed\.\nsealift: server: connection closed\n$/);
      expect(logins(sshd)).toBe(0);
    });

    it.each([
      ['a ControlPath of the user', ['ControlPath /nonexistent/socket'], []],
      ['a ControlMaster of the user', ['ControlMaster auto'], []],
      ['-O', [], ['-O']],
      ['-S', [], ['-S', 'ssh']],
    ])('with %s the words for ssh are those of scp', async (_, clientConfig, args) => {
      const { directory, scp } = await setting({ clientConfig });
      const { stderr } = await scp(['-v', ...args, join(directory, 'f'), `server:${directory}/g`]);
      expect(stderr).toContain('-oControlMaster=no');
      expect(stderr).not.toContain('-oControlPath=');
      expect(stderr).not.toContain('ControlMaster=yes');
    });

    it.each([
      ['BatchMode of the configuration', ['BatchMode yes'], []],
      ['-s', [], ['-s']],
      ['-B', [], ['-B']],
    ])('with %s no program logs in that has no session', async (_, clientConfig, args) => {
      const { directory, scp } = await setting({ clientConfig });
      const { stderr } = await scp(['-v', ...args, join(directory, 'f'), `server:${directory}/g`]);
      expect(stderr.match(/debug1: starting .*/g)).toEqual([
        expect.stringMatching(/-oControlMaster=yes -oControlPath=\S+ -oControlPersist=no .*-s -- server sftp$/),
      ]);
    });

    it('ends with us when we are killed, and takes its socket away', async () => {
      const { directory, runtime, scp } = await setting({});
      await writeFile(join(directory, 'big'), Buffer.alloc(4 * 1024 * 1024));
      let pid = 0;
      const copy = scp(['-l', '1000', join(directory, 'big'), `server:${directory}/there`], (started) => {
        pid = started;
      });
      await until(async () => (await readdir(directory)).includes('there'), copy);
      expect(processesWith(runtime)).not.toEqual([]);
      process.kill(pid, 'SIGKILL');
      await copy;
      await expect
        .poll(async () => [processesWith(runtime), await readdir(runtime)], { timeout: 20_000 })
        .toEqual([[], []]);
    });

    it('ends with us on a signal', async () => {
      const { directory, runtime, scp } = await setting({});
      await writeFile(join(directory, 'big'), Buffer.alloc(4 * 1024 * 1024));
      let pid = 0;
      const copy = scp(['-l', '1000', join(directory, 'big'), `server:${directory}/there`], (started) => {
        pid = started;
      });
      await until(async () => (await readdir(directory)).includes('there'), copy);
      process.kill(pid, 'SIGTERM');
      expect(await copy).toEqual({ status: 1, stdout: '', stderr: '' });
      expect(await readdir(runtime)).toEqual([]);
      await expect.poll(() => processesWith(runtime), { timeout: 20_000 }).toEqual([]);
    });

    it('a connection that is lost ends the copy as with one ssh', async () => {
      const { sshd, directory, runtime, scp } = await setting({});
      await writeFile(join(directory, 'big'), Buffer.alloc(4 * 1024 * 1024));
      const copy = scp(['-l', '1000', join(directory, 'big'), `server:${directory}/there`]);
      await until(async () => (await readdir(directory)).includes('there'), copy);
      await sshd.kill();
      const { status, stderr } = await copy;
      expect(status).toBe(255);
      expect(stderr).toContain('sealift: server: ');
      expect(await readdir(runtime)).toEqual([]);
    });
  },
);

describePeer(
  ['dropbear', 'dropbearconvert', 'nss-wrapper', 'sftp-server', 'scp', 'ssh', 'ssh-keygen'],
  'one login at dropbear without an sftp-server',
  () => {
    it('asks once', async () => {
      const server = await startDropbear({ sftp: false });
      onTestFinished(server.stop);
      const key = await encryptedKey(server.identityFile);
      const text = await readFile(server.configFile, 'utf8');
      await writeFile(
        server.configFile,
        text.replace('BatchMode yes', 'BatchMode no').replace(server.identityFile, key),
      );
      const { env, questions } = await startAskpass();
      const directory = await tempDirectory();
      await writeFile(join(directory, 'f'), 'content');
      const args = ['scp', '-F', server.configFile, join(directory, 'f'), `server:${directory}/g`];
      expect(await runSealift(args, { env })).toEqual({ status: 0, stdout: '', stderr: NOTICE });
      expect(await questions()).toHaveLength(1);
      expect(server.log().match(/Pubkey auth succeeded/g)).toHaveLength(1);
    });
  },
);
