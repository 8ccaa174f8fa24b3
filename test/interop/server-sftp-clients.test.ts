import { randomBytes } from 'node:crypto';
import { access, constants, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { keptName } from '../../src/files/private-names.ts';
import { PASSWORD, type PeerServer, sameContent, silent, startPeerServer } from '../server/peer-clients.ts';
import { describePeer, itPeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram, runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

const MIB = 1024 * 1024;

describePeer(['ssh', 'ssh-keygen'], 'other clients against our server, by SFTP', () => {
  let peer: PeerServer;
  /** A folder of this test alone, below the root; and its name, which is its path there. */
  let there: string;
  let name: string;
  let here: string;
  let count = 0;
  beforeAll(async () => {
    peer = await startPeerServer();
  });
  afterAll(async () => {
    await peer[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    name = `t${++count}`;
    there = join(peer.root, name);
    await mkdir(there);
    here = await tempDirectory('here');
  });

  const env = (): NodeJS.ProcessEnv => ({ ...process.env, HOME: here, XDG_CONFIG_HOME: here, XDG_CACHE_HOME: here });

  async function makeFiles(): Promise<void> {
    await mkdir(join(here, 'tree', 'inner', 'empty'), { recursive: true });
    await writeFile(join(here, 'tree', 'sp ace'), 'one');
    await writeFile(join(here, 'tree', 'inner', 'ü'), randomBytes(100_000));
    await writeFile(join(here, 'big'), randomBytes(8 * MIB));
  }

  async function expectSame(one: string, other: string): Promise<void> {
    const { differences } = await compareTrees(one, other);
    expect(differences.filter((line) => !/: times?\b|: mode\b/.test(line))).toEqual([]);
  }

  itPeer(['psftp'], 'psftp: put, reput, get, ls, mv, chmod, rm', async () => {
    await makeFiles();
    const big = await readFile(join(here, 'big'));
    await writeFile(join(there, keptName('half', 'alice')), big.subarray(0, MIB));
    const script = [
      `cd ${name}`,
      'put -r tree',
      'put big',
      'reput big half',
      'mkdir d',
      'mv big d/moved',
      'chmod 600 d/moved',
      'get d/moved back',
      'ls d',
      'rm half',
      'quit',
    ];
    const port = String(peer.server.port);
    const options = ['-P', port, '-batch', '-hostkey', peer.fingerprint, '-pw', PASSWORD, '-b', 'script'];
    await writeFile(join(here, 'script'), `${script.join('\n')}\n`);
    const result = await runProgram(needsPeer('psftp'), [...options, 'alice@127.0.0.1'], {
      cwd: here,
      env: env(),
    });
    expect(result.status, result.stdout + result.stderr).toBe(0);
    expect(await sameContent(join(here, 'big'), join(there, 'd', 'moved'))).toBe(true);
    expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
    await expectSame(join(here, 'tree'), join(there, 'tree'));
    expect((await readdir(there)).sort()).toEqual(['d', 'tree']);
  });

  itPeer(['pscp'], 'pscp -sftp: a tree up and down', async () => {
    await makeFiles();
    const options = ['-P', String(peer.server.port), '-batch', '-hostkey', peer.fingerprint, '-pw', PASSWORD];
    const pscp = (...args: string[]): Promise<Outcome> =>
      runProgram(needsPeer('pscp'), ['-sftp', '-q', ...options, ...args], { cwd: here, env: env() });
    expect(await pscp('-r', '-p', 'tree', 'big', `alice@127.0.0.1:${name}`)).toMatchObject({ status: 0 });
    await expectSame(join(here, 'tree'), join(there, 'tree'));
    await mkdir(join(here, 'down'));
    expect(await pscp('-r', `alice@127.0.0.1:${name}/*`, 'down')).toMatchObject({ status: 0 });
    await expectSame(there, join(here, 'down'));
  });

  itPeer(['curl'], 'curl: up with a new folder, down, a range, append, quote commands', async (context) => {
    const { stdout: version } = await runProgram(needsPeer('curl'), ['--version']);
    if (!/^Protocols:.*\bsftp\b/m.test(version)) context.skip('this curl has no SFTP');
    await makeFiles();
    const url = (path: string): string => `sftp://127.0.0.1:${peer.server.port}/${name}/${path}`;
    const curl = (...args: string[]): Promise<Outcome> =>
      runProgram(needsPeer('curl'), ['-sS', '-k', '-u', `alice:${PASSWORD}`, ...args], { cwd: here, env: env() });
    expect(await curl('-T', 'big', '--ftp-create-dirs', url('new/big'))).toEqual(silent);
    expect(await sameContent(join(here, 'big'), join(there, 'new', 'big'))).toBe(true);
    expect(await curl('-o', 'back', url('new/big'))).toEqual(silent);
    expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
    await writeFile(join(here, 'a'), 'one ');
    await writeFile(join(here, 'b'), 'two');
    expect(await curl('-T', 'a', url('f'))).toEqual(silent);
    expect(await curl('-a', '-T', 'b', url('f'))).toEqual(silent);
    expect(await curl('-r', '2-5', url('f'))).toEqual({ ...silent, stdout: 'e tw' });
    expect(await curl('-Q', `-rename /${name}/f /${name}/g`, url('f'))).toMatchObject({ status: 0 });
    expect(await curl('-l', url(''))).toMatchObject({ status: 0, stdout: expect.stringContaining('g\n') });
    expect(await readFile(join(there, 'g'), 'utf8')).toBe('one two');
  });

  itPeer(['lftp'], 'lftp: mirror both ways, put -c, get -c, pget, rm -r', async () => {
    await makeFiles();
    const big = await readFile(join(here, 'big'));
    await writeFile(join(there, keptName('half', 'alice')), big.subarray(0, MIB));
    await writeFile(join(here, 'part'), big.subarray(0, MIB));
    const connect = `ssh -a -x -F ${peer.config} -p ${peer.server.port}`;
    const script = [
      'set cmd:fail-exit yes',
      'set net:max-retries 2',
      `set sftp:connect-program "${connect}"`,
      `open sftp://alice:@127.0.0.1:${peer.server.port}`,
      `cd ${name}`,
      'mirror -R tree up',
      'mirror -R --parallel=4 tree up',
      'put -c big -o half',
      'pget -n 4 half -o back',
      'get -c half -o part',
      'mirror up down',
      'mv half whole',
      'rm -r up',
      'cls -1',
    ];
    const result = await runProgram(needsPeer('lftp'), ['-c', script.join('; ')], { cwd: here, env: env() });
    expect(result.status, result.stdout + result.stderr).toBe(0);
    for (const path of [join(there, 'whole'), join(here, 'back'), join(here, 'part')])
      expect([path, await sameContent(join(here, 'big'), path)]).toEqual([path, true]);
    await expectSame(join(here, 'tree'), join(here, 'down'));
    expect(await readdir(there)).toEqual(['whole']);
  });

  itPeer(['rclone'], 'rclone: copy, check, sync, move, rcat, and a listing', async () => {
    await makeFiles();
    const options = [
      '--config',
      join(here, 'rclone.conf'),
      '--sftp-host',
      '127.0.0.1',
      '--sftp-port',
      String(peer.server.port),
      '--sftp-user',
      'alice',
      '--sftp-key-file',
      peer.identity,
      '--sftp-known-hosts-file',
      peer.knownHosts,
      '--sftp-shell-type',
      'none',
    ];
    const rclone = async (...args: string[]): Promise<string> => {
      const result = await runProgram(needsPeer('rclone'), [...options, '-q', ...args], { cwd: here, env: env() });
      expect(result.status, `${args.join(' ')}\n${result.stderr}`).toBe(0);
      return result.stdout;
    };
    await cp(join(here, 'big'), join(here, 'tree', 'big'));
    await rclone('copy', '--create-empty-src-dirs', 'tree', `:sftp:${name}/up`);
    await expectSame(join(here, 'tree'), join(there, 'up'));
    await rclone('check', '--download', 'tree', `:sftp:${name}/up`);
    await writeFile(join(here, 'tree', 'sp ace'), 'changed');
    await writeFile(join(there, 'up', 'extra'), 'x');
    await rclone('sync', '--create-empty-src-dirs', 'tree', `:sftp:${name}/up`);
    await expectSame(join(here, 'tree'), join(there, 'up'));
    await rclone('copy', `:sftp:${name}/up`, 'down');
    expect(await sameContent(join(here, 'down', 'big'), join(here, 'big'))).toBe(true);
    await rclone('moveto', `:sftp:${name}/up/big`, `:sftp:${name}/moved`);
    expect((await rclone('lsf', `:sftp:${name}`)).split('\n').sort()).toEqual(['', 'moved', 'up/']);
    await rclone('purge', `:sftp:${name}/up`);
    expect(await readdir(there)).toEqual(['moved']);
  });

  async function python(script: string): Promise<Outcome> {
    const key = (await readFile(peer.knownHosts, 'utf8')).split('\n').find((line) => line.includes('ssh-ed25519'));
    const args = [String(peer.server.port), 'alice', PASSWORD, (key ?? '').split(' ').slice(1).join(' '), here];
    const path = join(import.meta.dirname, '..', 'support', script);
    return await runProgram(needsPeer('python3'), [path, ...args], { cwd: here, env: env() });
  }

  itPeer(
    ['python3', 'python3-paramiko'],
    'paramiko: pipelined writes, prefetch, seek and write, append, links',
    async () => {
      expect(await python('peer-paramiko-sftp-client.py')).toEqual(silent);
    },
  );

  itPeer(['python3', 'python3-asyncssh'], 'asyncssh: many requests at a time, trees, copies', async () => {
    // It warns of its own ciphers.
    expect(await python('peer-asyncssh-sftp-client.py')).toMatchObject({ status: 0, stdout: '' });
  });

  itPeer(['sshfs'], 'sshfs: a mounted folder is written, read, renamed and truncated', async (context) => {
    const usable = await access('/dev/fuse', constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    const fuse = usable && (await canMount());
    if (!fuse) context.skip('FUSE cannot be used here');
    await makeFiles();
    const mount = join(here, 'mount');
    await mkdir(mount);
    const options = ['-f', '-F', peer.config, '-o', 'dir_cache=no'];
    const running = runProgram(needsPeer('sshfs'), [`v4:/${name}`, mount, ...options], {
      env: env(),
      timeoutMs: 60_000,
    });
    onTestFinished(async () => {
      await runProgram('fusermount3', ['-u', '-z', mount]);
      await running;
    });
    // This process serves the files, so it must not wait for them: other programs look into the mounted folder.
    const script = [
      'until mountpoint -q mount; do sleep 0.1; done',
      'cp -r tree big mount/',
      'diff -r tree mount/tree',
      'cmp big mount/big',
      'cd mount',
      'echo one > f && echo two >> f && mv f g && cat g && truncate -s 2 g',
      // A file is closed some time after the program has closed it.
      'cd .. && fusermount3 -u mount',
    ];
    const shell = await runProgram('sh', ['-e', '-c', script.join('\n')], { cwd: here, timeoutMs: 40_000 });
    expect(shell).toEqual({ ...silent, stdout: 'one\ntwo\n' });
    // What the last program has closed is on its way until sshfs has ended.
    expect((await running).status).toBe(0);
    expect(await readFile(join(there, 'g'), 'utf8')).toBe('on');
    await expectSame(join(here, 'tree'), join(there, 'tree'));
  });

  it.each(['ssh', 'builtin'])(
    'sealift scp with the transport %s: --atomic, --resume, --verify, -rp, -3',
    async (transport) => {
      await makeFiles();
      const scp = async (...args: string[]): Promise<void> => {
        const known = [`--transport=${transport}`, '-q', '-F', peer.config];
        const result = await runSealift(['scp', ...known, ...args], { cwd: here, env: env() });
        expect(result, args.join(' ')).toEqual(silent);
      };
      await scp('-rp', 'tree', `v4:${name}/up`);
      expect((await compareTrees(join(here, 'tree'), join(there, 'up'))).differences).toEqual([]);
      await scp('--atomic', '--verify', 'big', `v4:${name}/big`);
      await scp('--resume', '--verify', 'tree/sp ace', `v4:${name}/big`);
      expect(await readFile(join(there, 'big'), 'utf8')).toBe('one');
      await scp('--verify', 'big', `v4:${name}/big`);
      await scp('--verify', `v4:${name}/big`, 'back');
      expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
      await scp(`v4:${name}/big`, `v4:${name}/copy`);
      expect(await sameContent(join(here, 'big'), join(there, 'copy'))).toBe(true);
      await scp('-rp', `v4:${name}/up`, 'down');
      expect((await compareTrees(join(here, 'tree'), join(here, 'down'))).differences).toEqual([]);
      expect((await readdir(there)).sort()).toEqual(['big', 'copy', 'up']);
    },
  );
});

/** A container may have the device and no right to mount. */
async function canMount(): Promise<boolean> {
  const { stdout } = await runProgram('sh', ['-c', 'grep CapEff /proc/self/status']);
  const capabilities = BigInt(`0x${/CapEff:\s*([0-9a-f]+)/.exec(stdout)?.[1] ?? '0'}`);
  const CAP_SYS_ADMIN = 21n;
  return ((capabilities >> CAP_SYS_ADMIN) & 1n) === 1n || process.getuid?.() !== 0;
}
