import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { PASSWORD, type PeerServer, sameContent, startPeerServer } from '../server/peer-clients.ts';
import { pythonScript } from '../support/peer-python.ts';
import { describePeer, itPeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['python3', 'ssh-keygen'], "Python's SSH libraries against our server", () => {
  let peer: PeerServer;
  let here: string;
  beforeEach(async () => {
    peer = await startPeerServer();
    here = await tempDirectory('here');
    await writeFile(join(here, 'big'), randomBytes(20 * 1024 * 1024 + 1));
    for (const name of ['a', 'b c']) await writeFile(join(here, name), name);
    await mkdir(join(here, 'tree', 'inner', 'empty'), { recursive: true });
    await writeFile(join(here, 'tree', 'naïve 日本'), 'one', { mode: 0o640 });
    await writeFile(join(here, 'tree', 'inner', 'f'), randomBytes(100_000), { mode: 0o600 });
    for (const name of ['tree/naïve 日本', 'tree/inner/f', 'tree/inner/empty', 'tree/inner', 'tree'])
      await utimes(join(here, name), 1_500_000_000, 1_400_000_000);
  });
  afterEach(async () => {
    await peer?.[Symbol.asyncDispose]();
  });

  async function run(script: string): Promise<Outcome> {
    const { address, port } = peer.server.addresses[0] as { address: string; port: number };
    expect(address).toBe('127.0.0.1');
    const known = await readFile(join(peer.local, '..', 'known_hosts'), 'utf8');
    const key = /^\[127\.0\.0\.1\]:\d+ (ssh-ed25519 \S+)$/m.exec(known)?.[1] as string;
    return await runProgram(
      needsPeer('python3'),
      ['-W', 'ignore', pythonScript(script), String(port), 'alice', PASSWORD, key, here],
      { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', HOME: here } },
    );
  }

  itPeer(
    ['python3-paramiko', 'python3-scp'],
    'python3-scp: files, a tree with times, from memory, errors',
    async () => {
      const { status, stderr } = await run('peer-python-scp-client');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(await sameContent(join(here, 'big'), join(peer.root, 'big'))).toBe(true);
      expect((await compareTrees(join(here, 'tree'), join(peer.root, 'tree'))).differences).toEqual([]);
      expect((await stat(join(peer.root, 'memory'))).mode & 0o777).toBe(0o600);
      expect((await stat(join(peer.root, 'empty'))).size).toBe(0);
      expect((await compareTrees(join(peer.root, 'tree'), join(here, 'back', 'tree'))).differences).toEqual([]);
    },
  );

  // python3-scp's preserve_times relies on it: `scp -r -t` and T records.
  itPeer('scp', 'times that come without -p are set, as by the scp of OpenSSH', async () => {
    await expectTimes(needsPeer('scp'), []);
  });
  it('times that come without -p are set, by ours', async () => {
    await expectTimes(sealiftLauncher, ['scp']);
  });

  async function expectTimes(program: string, args: readonly string[]): Promise<void> {
    const records = 'T1400000000 0 1500000000 0\nC0644 1 f\nX\0';
    expect((await runProgram(program, [...args, '-t', here], { input: records })).status).toBe(0);
    expect((await stat(join(here, 'f'))).mtimeMs).toBe(1_400_000_000_000);
  }

  itPeer(['python3-asyncssh'], 'asyncssh: files, a tree with modes and times, errors', async () => {
    const { status, stderr } = await run('peer-asyncssh-client');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await sameContent(join(here, 'big'), join(peer.root, 'big-again'))).toBe(true);
    expect((await compareTrees(join(here, 'tree'), join(peer.root, 'tree'))).differences).toEqual([]);
    expect((await compareTrees(join(here, 'tree'), join(here, 'back', 'tree'))).differences).toEqual([]);
  });
});
