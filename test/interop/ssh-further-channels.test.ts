import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encryptedKey, startAskpass } from '../support/askpass.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type RunningSshd, type SshdOptions, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** So many files that the engine asks for further channels, and moves for long enough to get them. */
const FILES = 120;

const silent = { status: 0, stdout: '', stderr: '' };

interface Setting {
  readonly server?: SshdOptions;
  readonly clientConfig?: readonly string[];
  /** The user's key must be unlocked, and somebody can be asked for that. */
  readonly asks?: boolean;
}

async function setting({ server = {}, clientConfig = [], asks = false }: Setting = {}) {
  const sshd = await startSshd(server);
  onTestFinished(sshd.stop);
  const askpass = await startAskpass();
  const key = asks ? [`IdentityFile ${await encryptedKey(sshd.identityFile)}`, 'BatchMode no'] : [];
  const { configFile } = await sshd.client({ config: [...clientConfig, ...key] });
  if (asks) {
    const text = await readFile(configFile, 'utf8');
    await writeFile(configFile, text.replace(`IdentityFile ${sshd.identityFile}\n`, ''));
  }
  const directory = await tempDirectory();
  const runtime = await tempDirectory('run');
  await mkdir(join(directory, 'tree'));
  for (let file = 0; file < FILES; file++)
    await writeFile(join(directory, 'tree', `f${file}`), Buffer.alloc(20_000, file));
  const env = { ...(asks ? askpass.env : process.env), XDG_RUNTIME_DIR: runtime };
  const scp = (args: readonly string[], onStart?: (pid: number) => void) =>
    runSealift(['scp', '-r', ...(asks ? [] : ['-B']), '-F', configFile, ...args], { env, ...(onStart && { onStart }) });
  return { sshd, askpass, directory, runtime, configFile, scp };
}

const count = (sshd: RunningSshd, text: RegExp): number => sshd.log().match(text)?.length ?? 0;
const logins = (sshd: RunningSshd): number => count(sshd, /Accepted publickey/g);
const sessions = (sshd: RunningSshd): number => count(sshd, /Starting session: subsystem 'sftp'/g);

async function expectSame(directory: string, copy: string): Promise<void> {
  expect((await readdir(join(directory, copy))).length).toBe(FILES);
  for (let file = 0; file < FILES; file += 17)
    expect((await readFile(join(directory, copy, `f${file}`))).equals(Buffer.alloc(20_000, file))).toBe(true);
}

/** The processes that were started with a text in their words. */
function processesWith(text: string): string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(text) && !line.includes('ps -eo'));
}

const ways = [
  ['where nobody can be asked', false],
  ['where somebody can be asked', true],
] as const;

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'further channels of the ssh program', () => {
  describe.each(ways)('%s', (_, asks) => {
    it('go through the first login, up and down', async () => {
      const { sshd, askpass, directory, runtime, scp } = await setting({ asks });
      expect(await scp([join(directory, 'tree'), `server:${directory}/up`])).toEqual(silent);
      expect(logins(sshd)).toBe(1);
      expect(sessions(sshd)).toBeGreaterThan(2);
      expect(await scp([`server:${directory}/up`, join(directory, 'down')])).toEqual(silent);
      expect(logins(sshd)).toBe(2);
      expect(await askpass.questions()).toHaveLength(asks ? 2 : 0);
      await expectSame(directory, 'down');
      expect(await readdir(runtime)).toEqual([]);
      expect(processesWith(runtime)).toEqual([]);
    });

    it.each([1, 2])('that a server refuses which allows %i are not told of', async (allowed) => {
      const { sshd, askpass, directory, runtime, scp } = await setting({
        asks,
        server: { config: [`MaxSessions ${allowed}`] },
      });
      expect(await scp([join(directory, 'tree'), `server:${directory}/up`])).toEqual(silent);
      expect(logins(sshd)).toBe(1);
      expect(sessions(sshd)).toBe(allowed);
      expect(count(sshd, /no more sessions/g)).toBeGreaterThan(0);
      expect(await askpass.questions()).toHaveLength(asks ? 1 : 0);
      await expectSame(directory, 'up');
      expect(await readdir(runtime)).toEqual([]);
    });

    it('are not asked for by a single file', async () => {
      const { sshd, directory, scp } = await setting({ asks });
      expect(await scp([join(directory, 'tree', 'f0'), `server:${directory}/g`])).toEqual(silent);
      expect([logins(sshd), sessions(sshd)]).toEqual([1, 1]);
    });

    it('end with us when we are killed, and leave nothing', async () => {
      const { sshd, directory, runtime, scp } = await setting({ asks });
      let pid = 0;
      const copy = scp(['-l', '1000', join(directory, 'tree'), `server:${directory}/up`], (started) => {
        pid = started;
      });
      await until(async () => sessions(sshd) > 2, copy);
      expect(processesWith(runtime)).not.toEqual([]);
      process.kill(pid, 'SIGKILL');
      await copy;
      await expect
        .poll(async () => [processesWith(runtime), await readdir(runtime)], { timeout: 20_000 })
        .toEqual([[], []]);
    });

    it('a connection that is lost is told once', async () => {
      const { sshd, directory, runtime, scp } = await setting({ asks });
      const copy = scp(['-l', '1000', join(directory, 'tree'), `server:${directory}/up`]);
      await until(async () => sessions(sshd) > 2, copy);
      await sshd.kill();
      const { status, stderr } = await copy;
      expect(status).toBe(255);
      expect(stderr.match(/^sealift: .*/gm)).toEqual([expect.stringContaining('sealift: server: ')]);
      expect(stderr).not.toContain('mux');
      expect(await readdir(runtime)).toEqual([]);
    });
  });

  it('with -s the first channel logs in, and a person is asked once', async () => {
    const { sshd, askpass, directory, runtime, scp } = await setting({ asks: true });
    expect(await scp(['-s', join(directory, 'tree'), `server:${directory}/up`])).toEqual(silent);
    expect(await askpass.questions()).toHaveLength(1);
    expect(logins(sshd)).toBe(1);
    expect(sessions(sshd)).toBeGreaterThan(2);
    expect(await readdir(runtime)).toEqual([]);
  });

  it.each([
    ['refuses the subsystem', 'Subsystem sftp-none /bin/false'],
    ['has a program that fails for it', 'Subsystem sftp /bin/false'],
  ])('a server that %s is logged in to again where nobody can be asked', async (_, line) => {
    const { sshd, directory, runtime, scp } = await setting({ server: { config: [line] } });
    const result = await scp([join(directory, 'tree'), `server:${directory}/up`]);
    const notice = 'sealift: server: the server has no SFTP; copying by the SCP protocol (-O)\n';
    expect(result).toEqual({ ...silent, stderr: notice });
    expect(logins(sshd)).toBe(2);
    await expectSame(directory, 'up');
    expect(await readdir(runtime)).toEqual([]);
  });

  it('go through a jump host like the first', async () => {
    const jump = await startSshd();
    onTestFinished(jump.stop);
    const jumpFiles = await jump.client({ alias: 'jump' });
    const { sshd, directory, configFile, scp } = await setting();
    await writeFile(configFile, `${await readFile(jumpFiles.configFile, 'utf8')}${await readFile(configFile, 'utf8')}`);
    expect(await scp(['-J', 'jump', join(directory, 'tree'), `server:${directory}/up`])).toEqual(silent);
    expect([logins(jump), logins(sshd)]).toEqual([1, 1]);
    expect(sessions(sshd)).toBeGreaterThan(2);
    await expectSame(directory, 'up');
  });

  it('go through a login of the user’s own where there is one, and make none where there is not', async () => {
    const control = await tempDirectory('c');
    const clientConfig = ['ControlMaster auto', `ControlPath ${control}/s`];
    const { sshd, directory, runtime, configFile, scp } = await setting({ clientConfig });
    expect(await scp([join(directory, 'tree'), `server:${directory}/alone`])).toEqual(silent);
    expect([logins(sshd), sessions(sshd)]).toEqual([1, 1]);
    expect(await readdir(control)).toEqual([]);
    const master = spawn(needsPeer('ssh'), ['-F', configFile, '-MNn', 'server'], { stdio: 'ignore' });
    onTestFinished(() => void master.kill());
    await expect.poll(() => readdir(control), { timeout: 20_000 }).toEqual(['s']);
    expect(await scp([join(directory, 'tree'), `server:${directory}/shared`])).toEqual(silent);
    expect(logins(sshd)).toBe(2);
    expect(sessions(sshd)).toBeGreaterThan(3);
    await expectSame(directory, 'shared');
    expect(await readdir(runtime)).toEqual([]);
    expect(master.exitCode).toBe(null);
    master.kill();
    await once(master, 'exit');
  });
});
