import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OVERLAP_BYTES } from '../../src/copy/overlap.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** How often each direction is cut; SEALIFT_CUTS=200 for a long look. */
const CUTS = Number(process.env['SEALIFT_CUTS'] ?? 12);

/** What a connection costs besides the content: key exchange, login, requests. Bytes; measured at about 8 KiB. */
const CONNECTION_BYTES = 24 * 1024;

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'sealift scp --resume', () => {
  let sshd: RunningSshd;
  let client: ClientFiles;
  let proxy: CuttingProxy;
  beforeAll(async () => {
    sshd = await startSshd();
    client = await sshd.client();
    proxy = await startCuttingProxy(sshd.port);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await sshd.stop();
  });

  const scp = (transport: string, args: readonly string[]) =>
    runSealift([
      'scp',
      '-p',
      '--resume',
      `--transport=${transport}`,
      '-F',
      client.configFile,
      '-o',
      `Port=${proxy.port}`,
      '-o',
      `HostKeyAlias=[${sshd.host}]:${sshd.port}`,
      ...args,
    ]);

  /** What an earlier attempt left in a folder. */
  const left = async (folder: string): Promise<number> => {
    const [name] = (await readdir(folder)).filter((entry) => entry.endsWith('.sealift-part'));
    return name === undefined ? 0 : (await stat(join(folder, name))).size;
  };

  describe.each([
    ['ssh', 'up'],
    ['ssh', 'down'],
    ['builtin', 'up'],
    ['builtin', 'down'],
  ] as const)('by the transport %s, %s', (transport, direction) => {
    it(`survives ${CUTS} cuts at random places, sends nothing twice but the overlap, and gives the same file`, {
      timeout: 60_000 + CUTS * 2000,
    }, async () => {
      const dir = await tempDirectory();
      const content = randomBytes(CUTS * 300_000);
      await writeFile(join(dir, 'f'), content);
      await mkdir(join(dir, 'to'));
      await writeFile(join(dir, 'to', 'f'), 'old content');
      const args =
        direction === 'up' ? [join(dir, 'f'), `server:${dir}/to/f`] : [`server:${dir}/f`, join(dir, 'to', 'f')];
      let before = 0;
      let attempts = 0;
      for (; attempts < CUTS; attempts++) {
        proxy.cutAfter = Math.floor(CONNECTION_BYTES + OVERLAP_BYTES + Math.random() * 600_000);
        const { status, stderr } = await scp(transport, args);
        if (status === 0) break;
        expect(status, stderr).toBe(255);
        expect(await readFile(join(dir, 'to', 'f'), 'utf8')).toBe('old content');
        const now = await left(join(dir, 'to'));
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
      expect(before).toBeGreaterThan(0);
      proxy.cutAfter = Number.POSITIVE_INFINITY;
      expect(await scp(transport, args)).toEqual({ status: 0, stdout: '', stderr: '' });
      // The last connection brings what was missing, and the overlap.
      if (attempts === CUTS)
        expect(proxy.passed).toBeLessThan((content.length - before) * 1.02 + OVERLAP_BYTES + CONNECTION_BYTES);
      expect((await readFile(join(dir, 'to', 'f'))).equals(content)).toBe(true);
      expect(await readdir(join(dir, 'to'))).toEqual(['f']);
    });
  });

  it.each(['up', 'down'] as const)(
    'takes nothing of what another source or another file left, %s',
    async (direction) => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'to'));
      const args =
        direction === 'up' ? [join(dir, 'f'), `server:${dir}/to/f`] : [`server:${dir}/f`, join(dir, 'to', 'f')];
      await writeFile(join(dir, 'f'), randomBytes(2_000_000));
      await utimes(join(dir, 'f'), 1_700_000_000, 1_700_000_000);
      proxy.cutAfter = 700_000;
      expect((await scp('builtin', args)).status).toBe(255);
      const [part] = await readdir(join(dir, 'to'));
      expect(part).toMatch(/^\.f\.[0-9a-f]{12}\.sealift-part$/);
      // The same size and time, but other content: only the overlap can tell.
      const other = randomBytes(2_000_000);
      await writeFile(join(dir, 'f'), other);
      await utimes(join(dir, 'f'), 1_700_000_000, 1_700_000_000);
      proxy.cutAfter = Number.POSITIVE_INFINITY;
      expect((await scp('builtin', args)).stderr).toBe('');
      expect((await readFile(join(dir, 'to', 'f'))).equals(other)).toBe(true);
      expect(await readdir(join(dir, 'to'))).toEqual(['f']);
    },
  );

  it('goes on by itself with --retry, over a new connection', { timeout: 60_000 }, async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'tree'));
    for (let i = 0; i < 40; i++) await writeFile(join(dir, 'tree', `f${i}`), randomBytes(40_000));
    // Cut somewhere in the middle, then let live.
    proxy.cutAfter = 800_000;
    const before = proxy.connections;
    const copy = scp('builtin', ['--retry', '2', '-r', `server:${dir}/tree`, join(dir, 'back')]);
    await until(async () => proxy.connections > before && proxy.passed > 100_000, copy);
    proxy.cutAfter = Number.POSITIVE_INFINITY;
    const { status, stderr } = await copy;
    expect(stderr).toMatch(/lost connection while .*; trying again in 1 s \(1 of 2\)\n$/);
    expect(status).toBe(0);
    for (let i = 0; i < 40; i++) {
      const [there, here] = await Promise.all(['tree', 'back'].map((folder) => readFile(join(dir, folder, `f${i}`))));
      expect(there?.equals(here as Buffer)).toBe(true);
    }
  });
});
