import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { PASSWORD, type PeerServer, sameContent, silent, startPeerServer } from '../server/peer-clients.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

const MIB = 1024 * 1024;

describePeer(['scp', 'ssh', 'ssh-keygen'], "OpenSSH's scp -O against our server", () => {
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

  describe.each(['v4', 'v6'])('over %s', (host) => {
    it('a file goes up and comes down', async () => {
      await writeFile(join(here, 'f'), 'content');
      expect(await peer.scp(join(here, 'f'), `${host}:${name}/`)).toEqual(silent);
      expect(await readFile(join(there, 'f'), 'utf8')).toBe('content');
      expect(await peer.scp(`${host}:${name}/f`, join(here, 'g'))).toEqual(silent);
      expect(await readFile(join(here, 'g'), 'utf8')).toBe('content');
    });
  });

  it('a tree with odd names goes up and comes down with modes and times', async () => {
    await makeTree(join(here, 'tree'), { smallFiles: 60, bigFileBytes: 3_000_000, depth: 12 });
    expect(await peer.scp('-rp', join(here, 'tree'), `v4:${name}/up`)).toEqual(silent);
    expect((await compareTrees(join(here, 'tree'), join(there, 'up'))).differences).toEqual([]);
    expect(await peer.scp('-rp', `v4:${name}/up`, join(here, 'down'))).toEqual(silent);
    const { differences } = await compareTrees(join(here, 'tree'), join(here, 'down'));
    // OpenSSH's client stores the line feed of a name as `\^J`.
    expect(differences.filter((line) => !/\^J|\\012/.test(line) && !line.startsWith('odd names: time'))).toEqual([]);
  });

  it('-p keeps mode and times; without it the umask and the clock decide', async () => {
    await writeFile(join(here, 'f'), 'x', { mode: 0o640 });
    await utimes(join(here, 'f'), 1_000_000_000, 1_100_000_000);
    expect(await peer.scp('-p', join(here, 'f'), `v4:${name}/kept`)).toEqual(silent);
    expect(await peer.scp(join(here, 'f'), `v4:${name}/new`)).toEqual(silent);
    expect(await stat(join(there, 'kept'))).toMatchObject({ mtimeMs: 1_100_000_000_000, mode: 0o100640 });
    expect((await stat(join(there, 'new'))).mtimeMs).toBeGreaterThan(1_600_000_000_000);
    expect(await peer.scp('-p', `v4:${name}/kept`, join(here, 'back'))).toEqual(silent);
    expect(await stat(join(here, 'back'))).toMatchObject({ mtimeMs: 1_100_000_000_000, mode: 0o100640 });
  });

  it('several sources go into a directory, and only into one', async () => {
    for (const file of ['a', 'b', 'c']) await writeFile(join(here, file), file);
    const files = ['a', 'b', 'c'].map((file) => join(here, file));
    expect(await peer.scp(...files, `v4:${name}`)).toEqual(silent);
    expect((await readdir(there)).sort()).toEqual(['a', 'b', 'c']);
    const refused = await peer.scp(...files, `v4:${name}/a`);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('Not a directory');
    expect((await peer.scp(...files, `v4:${name}/missing`)).stderr).toContain('No such file or directory');
  });

  it('several remote sources come down in one command each, one missing is reported', async () => {
    for (const file of ['a', 'b']) await writeFile(join(there, file), file);
    const result = await peer.scp(`v4:${name}/a`, `v4:${name}/missing`, `v4:${name}/b`, here);
    expect(result).toMatchObject({ status: 1, stderr: `scp: /${name}/missing: No such file or directory\n` });
    expect((await readdir(here)).sort()).toEqual(['a', 'b']);
  });

  it('patterns are expanded on the server, hidden names stay hidden, quotes shield', async () => {
    for (const file of ['a.txt', 'b.txt', 'c.bin', '.d.txt', 'sp ace.txt', '*.txt'])
      await writeFile(join(there, file), file);
    expect(await peer.scp(`v4:${name}/[ab].txt`, here)).toEqual(silent);
    expect((await readdir(here)).sort()).toEqual(['a.txt', 'b.txt']);
    // Without -T the client compares names with the request as it stands, quotes and all.
    expect(await peer.scp('-T', `v4:${name}/'sp ace.txt'`, `v4:${name}/sp\\ ace.txt`, here)).toEqual(silent);
    expect(await peer.scp('-T', `v4:'${name}/*.txt'`, join(here, 'star'))).toEqual(silent);
    expect(await readFile(join(here, 'star'), 'utf8')).toBe('*.txt');
    expect(await peer.scp(`v4:${name}/nothing*`, here)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('No such file'),
    });
  });

  it('an empty file and an empty directory', async () => {
    await mkdir(join(here, 'empty'));
    await writeFile(join(here, 'nothing'), '');
    expect(await peer.scp('-r', join(here, 'empty'), join(here, 'nothing'), `v4:${name}`)).toEqual(silent);
    expect(await readdir(join(there, 'empty'))).toEqual([]);
    expect(await readFile(join(there, 'nothing'))).toHaveLength(0);
    expect(await peer.scp('-r', `v4:${name}`, join(here, 'back'))).toEqual(silent);
    expect((await readdir(join(here, 'back'))).sort()).toEqual(['empty', 'nothing']);
  });

  it('16 MiB both ways, with every cipher that is offered', async () => {
    await writeFile(join(here, 'big'), randomBytes(16 * MIB));
    for (const cipher of [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
    ]) {
      expect(await peer.scp('-c', cipher, join(here, 'big'), `v4:${name}/big`)).toEqual(silent);
      expect(await sameContent(join(here, 'big'), join(there, 'big'))).toBe(true);
      expect(await peer.scp('-c', cipher, `v4:${name}/big`, join(here, 'back'))).toEqual(silent);
      expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
    }
  });

  it('the client may ask for new keys all the time', async () => {
    await writeFile(join(here, 'big'), randomBytes(16 * MIB));
    expect(await peer.scp('-o', 'RekeyLimit=1M', join(here, 'big'), `v4:${name}/big`)).toEqual(silent);
    expect(await peer.scp('-o', 'RekeyLimit=1M', `v4:${name}/big`, join(here, 'back'))).toEqual(silent);
    expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
  });

  it('with every key exchange, host key and authentication code that is offered', async () => {
    await writeFile(join(here, 'f'), 'content');
    const choices = [
      ...['curve25519-sha256', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'].map(
        (kex) => `KexAlgorithms=${kex}`,
      ),
      ...['diffie-hellman-group14-sha256', 'diffie-hellman-group16-sha512'].map((kex) => `KexAlgorithms=${kex}`),
      ...['ssh-ed25519', 'rsa-sha2-256', 'rsa-sha2-512'].map((type) => `HostKeyAlgorithms=${type}`),
      ...['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'].map(
        (mac) => `MACs=${mac}`,
      ),
      'Compression=yes',
    ];
    for (const choice of choices) {
      expect([choice, await peer.scp('-o', choice, join(here, 'f'), `v4:${name}/f`)]).toEqual([choice, silent]);
    }
    for (const refused of [
      'HostKeyAlgorithms=ssh-rsa',
      'KexAlgorithms=diffie-hellman-group14-sha1',
      'MACs=hmac-sha1',
      'Ciphers=aes128-cbc',
    ]) {
      const extra = refused.startsWith('MACs') ? ['-c', 'aes128-ctr'] : [];
      expect([refused, (await peer.scp(...extra, '-o', refused, join(here, 'f'), `v4:${name}/f`)).status]).not.toEqual([
        refused,
        0,
      ]);
    }
    const failures = peer.events.filter((event) => event.type === 'negotiation-failed');
    expect(failures.map(({ what }) => what)).toEqual(['host key', 'key exchange', 'MAC', 'cipher']);
    expect(failures[1]).toMatchObject({
      ours: expect.stringContaining('curve25519-sha256'),
      theirs: expect.stringContaining('diffie-hellman-group14-sha1'),
      cure: expect.stringContaining('algorithms.legacy.from: [127.0.0.1]'),
    });
  });

  it('many at a time', async () => {
    await writeFile(join(here, 'f'), randomBytes(MIB));
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => peer.scp(join(here, 'f'), `v4:${name}/f${i}`)));
    expect(all).toEqual(all.map(() => silent));
    for (let i = 0; i < 20; i++) expect(await sameContent(join(here, 'f'), join(there, `f${i}`))).toBe(true);
  });

  it('nothing outside the root is read or written', async () => {
    const secret = join(here, 'secret');
    await writeFile(secret, 'SECRET');
    await symlink(secret, join(there, 'out'));
    await symlink(here, join(there, 'outdir'));
    for (const path of ['/etc/passwd', '../../etc/passwd', `${name}/out`, `${name}/outdir/secret`]) {
      expect((await peer.scp(`v4:${path}`, join(here, 'stolen'))).status).toBe(1);
    }
    await writeFile(join(here, 'evil'), 'EVIL');
    expect((await peer.scp(join(here, 'evil'), `v4:${name}/out`)).status).toBe(1);
    expect((await peer.scp(join(here, 'evil'), `v4:${name}/outdir`)).status).toBe(1);
    expect((await peer.scp('-r', `v4:${name}`, join(here, 'tree'))).status).toBe(1);
    expect(await readdir(join(here, 'tree'))).toEqual([]);
    expect(await readFile(secret, 'utf8')).toBe('SECRET');
    expect((await readdir(here)).sort()).toEqual(['evil', 'secret', 'tree']);
  });

  it('links inside the root are followed for downloads', async () => {
    await mkdir(join(there, 'd'));
    await writeFile(join(there, 'd', 'f'), 'content');
    await symlink('d/f', join(there, 'relative'));
    await symlink(`/${name}/d/f`, join(there, 'absolute'));
    await symlink('d', join(there, 'dir'));
    expect(await peer.scp('-r', `v4:${name}`, join(here, 'tree'))).toEqual(silent);
    for (const path of ['relative', 'absolute', 'dir/f'])
      expect(await readFile(join(here, 'tree', path), 'utf8')).toBe('content');
  });

  it('the channel alone, by ssh', async () => {
    await writeFile(join(there, 'f'), 'content');
    expect(await peer.ssh(['v4', `scp -f ${name}/f`], '\0\0\0')).toEqual({ ...silent, stdout: 'C0644 7 f\ncontent\0' });
    expect(await peer.ssh(['v4', 'uname -a'])).toEqual({
      status: 127,
      stdout: '',
      stderr: 'this server only does secure copy\n',
    });
    expect(await peer.ssh(['v4'])).toMatchObject({ status: 255, stdout: '' });
    expect(await peer.ssh(['-s', 'v4', 'netconf'])).toMatchObject({
      status: 255,
      stderr: expect.stringContaining('subsystem request failed'),
    });
  });

  it('a client that asks whether the server is alive keeps its session', async () => {
    const options = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=1'];
    const child = spawn(needsPeer('ssh'), ['-F', peer.config, ...options, 'v4', 'scp -t .'], { stdio: 'pipe' });
    const ended = once(child, 'exit') as Promise<[number | null]>;
    child.stdout.resume();
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect(child.exitCode).toBeNull();
    child.stdin.end();
    expect((await ended)[0]).toBe(0);
  });

  it('a password lets in, a wrong one does not, nor does another name', async () => {
    await writeFile(join(here, 'f'), 'content');
    expect(await peer.scpWithPassword(PASSWORD, join(here, 'f'), `pw:${name}/f`)).toMatchObject({ status: 0 });
    expect(
      await peer.scpWithPassword(PASSWORD, '-o', 'PreferredAuthentications=password', join(here, 'f'), `pw:${name}/g`),
    ).toMatchObject({ status: 0 });
    for (const method of ['password', 'keyboard-interactive']) {
      const options = ['-o', `PreferredAuthentications=${method}`];
      const wrong = await peer.scpWithPassword('wrong', ...options, join(here, 'f'), `pw:${name}/h`);
      expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('Permission denied') });
      const stranger = await peer.scpWithPassword(PASSWORD, ...options, join(here, 'f'), `mallory@pw:${name}/h`);
      expect(stranger).toMatchObject({ status: 1, stderr: expect.stringContaining('Permission denied') });
    }
    expect((await readdir(there)).sort()).toEqual(['f', 'g']);
    expect((await peer.scp(join(here, 'f'), `mallory@v4:${name}/h`)).stderr).toContain('Permission denied');
  });
});
