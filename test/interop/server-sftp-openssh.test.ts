import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { keptName } from '../../src/files/private-names.ts';
import { type PeerServer, sameContent, silent, startPeerServer } from '../server/peer-clients.ts';
import { describePeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

const MIB = 1024 * 1024;

describePeer(['scp', 'sftp', 'ssh', 'ssh-keygen'], "OpenSSH's scp and sftp against our server, by SFTP", () => {
  let peer: PeerServer;
  /** A folder of this test alone, below the root; and its name, which is its path there. */
  let there: string;
  let name: string;
  let here: string;
  let count = 0;
  beforeAll(async () => {
    // New keys often enough to happen within a file.
    peer = await startPeerServer({ rekeyBytes: 16 * MIB });
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

  it('scp: a file of 40 MiB goes up and comes down, is replaced by a shorter one, and is reported with its hash', async () => {
    await writeFile(join(here, 'big'), randomBytes(40 * MIB));
    expect(await peer.scpBySftp(join(here, 'big'), `v4:${name}/`)).toEqual(silent);
    expect(await sameContent(join(here, 'big'), join(there, 'big'))).toBe(true);
    expect(await peer.scpBySftp(`v4:${name}/big`, join(here, 'back'))).toEqual(silent);
    expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
    await writeFile(join(here, 'big'), 'short');
    expect(await peer.scpBySftp(join(here, 'big'), `v4:${name}/big`)).toEqual(silent);
    expect(await readFile(join(there, 'big'), 'utf8')).toBe('short');
    const ends = peer.events.flatMap((event) =>
      event.type === 'transfer-ended' && event.path === `/${name}/big` ? [event] : [],
    );
    expect(ends.map(({ direction, bytes, status }) => [direction, bytes, status])).toEqual([
      ['received', 40 * MIB, 0],
      ['sent', 40 * MIB, 0],
      ['received', 5, 0],
    ]);
    expect(ends[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(ends[1]?.sha256).toBe(ends[0]?.sha256);
    expect(await readdir(there)).toEqual(['big']);
  });

  it('scp: a tree with odd names goes up and comes down with modes and times', async () => {
    await makeTree(join(here, 'tree'), { smallFiles: 60, bigFileBytes: 3_000_000, depth: 12 });
    expect(await peer.scpBySftp('-rp', join(here, 'tree'), `v4:${name}/up`)).toEqual(silent);
    const up = (await compareTrees(join(here, 'tree'), join(there, 'up'))).differences;
    // OpenSSH gives directories their times before it fills them, and times are whole seconds.
    expect(up.filter((line) => !/: times?\b/.test(line))).toEqual([]);
    expect(await peer.scpBySftp('-rp', `v4:${name}/up`, join(here, 'down'))).toEqual(silent);
    const down = (await compareTrees(join(here, 'tree'), join(here, 'down'))).differences;
    expect(down.filter((line) => !/: times?\b|: mode\b|\\012|\^J/.test(line))).toEqual([]);
  });

  it('scp: -p keeps mode and times, patterns are expanded, errors are told', async () => {
    await writeFile(join(here, 'f'), 'x', { mode: 0o640 });
    await utimes(join(here, 'f'), 1_000_000_000, 1_100_000_000);
    expect(await peer.scpBySftp('-p', join(here, 'f'), `v4:${name}/kept`)).toEqual(silent);
    expect(await stat(join(there, 'kept'))).toMatchObject({ mtimeMs: 1_100_000_000_000, mode: 0o100640 });
    for (const file of ['a.txt', 'b.txt']) await writeFile(join(there, file), file);
    expect(await peer.scpBySftp(`v4:${name}/*.txt`, here)).toEqual(silent);
    expect((await readdir(here)).sort()).toEqual(['a.txt', 'b.txt', 'f']);
    const missing = await peer.scpBySftp(`v4:${name}/missing`, here);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('No such file or directory');
    const outside = await peer.scpBySftp(join(here, 'f'), 'v4:../../../tmp/f');
    expect(outside.status).not.toBe(0);
  });

  it('sftp: put, get, ls, rename, chmod, ln, symlink, df, rm and rmdir', async () => {
    await writeFile(join(here, 'f'), 'content');
    const listing = await peer.sftp(
      `cd ${name}`,
      `put ${here}/f`,
      'mkdir d',
      'rename f d/g',
      'chmod 600 d/g',
      'ln d/g h',
      'ln -s d/g s',
      'cp d/g copy',
      'df -h .',
      'ls -la',
      `get s ${here}/back`,
      'rm h',
      'rm s',
      'put -p /etc/passwd d/passwd',
      'rm d/*',
      'rmdir d',
      'pwd',
    );
    expect(listing.stderr).toBe('');
    expect(listing.status).toBe(0);
    expect(listing.stdout).toMatch(/-rw------- +\S+ +\S+ +\S+ +7 .* h\n/);
    expect(listing.stdout).toMatch(/lrwxrwxrwx .* s\n/);
    expect(listing.stdout).toContain(`/${name}\n`);
    expect(await readFile(join(here, 'back'), 'utf8')).toBe('content');
    expect(await readdir(there)).toEqual(['copy']);
  });

  it('sftp: a batch ends at the first error; rename onto a name replaces it, mkdir does not', async () => {
    for (const file of ['a', 'b']) await writeFile(join(there, file), file);
    expect(await peer.sftp(`rename ${name}/a ${name}/b`)).toMatchObject({ status: 0, stderr: '' });
    expect(await readFile(join(there, 'b'), 'utf8')).toBe('a');
    const taken = await peer.sftp(`mkdir ${name}/b`, `rm ${name}/b`);
    expect(taken.status).toBe(1);
    expect(await readdir(there)).toEqual(['b']);
    expect(await peer.sftp(`rename ${name}/nope ${name}/x`)).toMatchObject({ status: 1 });
  });

  it('sftp: reput and reget go on where it broke off', async () => {
    await writeFile(join(here, 'f'), randomBytes(3 * MIB));
    const content = await readFile(join(here, 'f'));
    // What a session that broke off after 1 MiB leaves for alice.
    await writeFile(join(there, keptName('f', 'alice')), content.subarray(0, MIB));
    expect((await peer.sftp(`ls -l ${name}`)).stdout).toMatch(/ 1048576 .* f\n|1048576 .*\/f\n/);
    expect(await peer.sftp(`reput ${here}/f ${name}/f`)).toMatchObject({ status: 0, stderr: '' });
    expect(await sameContent(join(here, 'f'), join(there, 'f'))).toBe(true);
    expect(await readdir(there)).toEqual(['f']);
    const received = peer.events.findLast((event) => event.type === 'transfer-ended' && event.path === `/${name}/f`);
    expect(received).toMatchObject({ bytes: 2 * MIB });
    await writeFile(join(here, 'part'), content.subarray(0, 2 * MIB));
    expect(await peer.sftp(`reget ${name}/f ${here}/part`)).toMatchObject({ status: 0, stderr: '' });
    expect(await sameContent(join(here, 'part'), join(there, 'f'))).toBe(true);
    // Of a file that is there whole, more is put behind it.
    await writeFile(join(there, 'g'), content.subarray(0, MIB));
    expect(await peer.sftp(`reput ${here}/f ${name}/g`)).toMatchObject({ status: 0, stderr: '' });
    expect(await sameContent(join(here, 'f'), join(there, 'g'))).toBe(true);
  });
});
