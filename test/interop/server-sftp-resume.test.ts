import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PeerServer, startPeerServer } from '../server/peer-clients.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

/** How often each direction is cut; SEALIFT_CUTS=200 for a long look. */
const CUTS = Number(process.env['SEALIFT_CUTS'] ?? 8);

describePeer(['ssh', 'ssh-keygen'], 'sealift scp --resume against our own server', () => {
  let peer: PeerServer;
  let proxy: CuttingProxy;
  beforeAll(async () => {
    peer = await startPeerServer();
    proxy = await startCuttingProxy(peer.server.port);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  });

  it.each([
    ['ssh', 'up'],
    ['builtin', 'up'],
    ['builtin', 'down'],
  ] as const)(
    'by the transport %s, %s: goes on after each cut, and the old content is there until the end',
    {
      timeout: 60_000 + CUTS * 4000,
    },
    async (transport, direction) => {
      const here = await tempDirectory();
      const name = `${transport}-${direction}`;
      const there = join(peer.root, name);
      await mkdir(there);
      const content = randomBytes(CUTS * 300_000);
      const [from, to] = direction === 'up' ? [here, there] : [there, here];
      await writeFile(join(from, 'source'), content);
      await writeFile(join(to, 'f'), 'old content');
      const remote = `v4:${name}/`;
      const args = direction === 'up' ? [join(here, 'source'), `${remote}f`] : [`${remote}source`, join(here, 'f')];
      const scp = () => {
        const alias = `HostKeyAlias=[127.0.0.1]:${peer.server.port}`;
        const options = ['-p', '--resume', `--transport=${transport}`, '-F', peer.config];
        return runSealift(['scp', ...options, '-o', `Port=${proxy.port}`, '-o', alias, ...args]);
      };
      let moved = 0;
      for (let attempt = 0; attempt < CUTS; attempt++) {
        proxy.cutAfter = Math.floor(100_000 + Math.random() * 600_000);
        const { status, stderr } = await scp();
        moved += Math.min(proxy.passed, proxy.cutAfter);
        if (status === 0) break;
        expect(status, stderr).toBe(255);
        expect(await readFile(join(to, 'f'), 'utf8')).toBe('old content');
      }
      proxy.cutAfter = Number.POSITIVE_INFINITY;
      expect(await scp()).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await readFile(join(to, 'f'))).equals(content)).toBe(true);
      // What came before was not sent again: every attempt costs its overlap and its login, and what was under way.
      if (proxy.passed < content.length) expect(moved + proxy.passed).toBeLessThan(content.length * 2.3);
      expect((await readdir(to)).filter((entry) => entry !== 'source')).toEqual(['f']);
    },
  );
});
