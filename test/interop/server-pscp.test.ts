import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { PASSWORD, type PeerServer, sameContent, startPeerServer } from '../server/peer-clients.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['pscp', 'plink', 'ssh-keygen'], "PuTTY's pscp against our server", () => {
  let peer: PeerServer;
  let here: string;
  beforeAll(async () => {
    // New keys often enough to happen within a file.
    peer = await startPeerServer({ rekeyBytes: 8 * 1024 * 1024 });
  });
  afterAll(async () => {
    await peer[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    here = await tempDirectory('here');
  });

  async function putty(program: 'pscp' | 'plink', options: readonly string[], ...args: string[]): Promise<Outcome> {
    const env = { ...process.env, HOME: here };
    const port = String(peer.server.port);
    return await runProgram(
      needsPeer(program),
      ['-P', port, '-batch', '-hostkey', peer.fingerprint, ...options, ...args],
      { cwd: here, env },
    );
  }

  const pscp = (...args: string[]): Promise<Outcome> => putty('pscp', ['-scp', '-q', '-pw', PASSWORD], ...args);
  const remote = (path: string): string => `alice@127.0.0.1:${path}`;

  it('a file of 32 MiB goes up and comes down', async () => {
    await writeFile(join(here, 'big'), randomBytes(32 * 1024 * 1024));
    expect(await pscp(join(here, 'big'), remote('big'))).toMatchObject({ status: 0 });
    expect(await sameContent(join(here, 'big'), join(peer.root, 'big'))).toBe(true);
    expect(await pscp(remote('big'), join(here, 'back'))).toMatchObject({ status: 0 });
    expect(await sameContent(join(here, 'big'), join(here, 'back'))).toBe(true);
  });

  it('a tree goes up and comes down, with times', async () => {
    await mkdir(join(here, 'tree', 'inner'), { recursive: true });
    await mkdir(join(here, 'tree', 'empty'));
    await writeFile(join(here, 'tree', 'sp ace'), 'one');
    await writeFile(join(here, 'tree', 'inner', 'f'), 'two');
    expect(await pscp('-r', '-p', join(here, 'tree'), remote('.'))).toMatchObject({ status: 0 });
    expect((await readdir(join(peer.root, 'tree'))).sort()).toEqual(['empty', 'inner', 'sp ace']);
    await mkdir(join(here, 'down'));
    expect(await pscp('-r', '-p', remote('tree'), join(here, 'down'))).toMatchObject({ status: 0 });
    expect(await readFile(join(here, 'down', 'tree', 'inner', 'f'), 'utf8')).toBe('two');
  });

  it('by wildcard, with errors told', async () => {
    for (const name of ['w1.txt', 'w2.txt']) await writeFile(join(peer.root, name), name);
    await mkdir(join(here, 'down'));
    expect(await pscp('-unsafe', remote('w*.txt'), join(here, 'down'))).toMatchObject({ status: 0 });
    expect((await readdir(join(here, 'down'))).sort()).toEqual(['w1.txt', 'w2.txt']);
    const missing = await pscp(remote('missing'), join(here, 'down'));
    expect(missing.status).toBe(1);
    expect(missing.stdout + missing.stderr).toContain('No such file or directory');
  });

  it('without -scp it takes SFTP', async () => {
    await writeFile(join(here, 'f'), 'content');
    expect(await putty('pscp', ['-q', '-pw', PASSWORD], join(here, 'f'), remote('fallback'))).toMatchObject({
      status: 0,
    });
    expect(await readFile(join(peer.root, 'fallback'), 'utf8')).toBe('content');
  });

  it('a wrong password is refused', async () => {
    await writeFile(join(here, 'f'), 'content');
    const { status, stderr } = await putty('pscp', ['-scp', '-pw', 'wrong'], join(here, 'f'), remote('x'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/authentication|access denied|password/i);
  });

  it('plink gets no shell', async () => {
    const result = await putty('plink', ['-pw', PASSWORD], 'alice@127.0.0.1', 'id');
    expect(result).toMatchObject({ status: 127, stderr: expect.stringContaining('this server only does secure copy') });
  });
});
