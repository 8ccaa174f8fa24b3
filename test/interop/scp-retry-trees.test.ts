import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

const FILES = 30;
const FILE_BYTES = 40_000;

const settings = [
  ['-O', [], ['-O']],
  ['a server without SFTP', ['Subsystem sftp-none /bin/false'], []],
] as const;

describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp'], 'a tree by the SCP protocol with --retry', () => {
  describe.each(settings)('with %s', (_, config, flags) => {
    let sshd: RunningSshd;
    let client: ClientFiles;
    let proxy: CuttingProxy;
    beforeAll(async () => {
      sshd = await startSshd({ config });
      client = await sshd.client();
      proxy = await startCuttingProxy(sshd.port);
    });
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await sshd?.stop();
    });

    const scp = (args: readonly string[]) =>
      runSealift([
        'scp',
        ...flags,
        '--transport=builtin',
        '-F',
        client.configFile,
        '-o',
        `Port=${proxy.port}`,
        '-o',
        `HostKeyAlias=[${sshd.host}]:${sshd.port}`,
        ...args,
      ]);

    /** A copy whose first connection is cut in the middle. */
    async function cutOnce(args: readonly string[]) {
      proxy.cutAfter = 600_000;
      const before = proxy.connections;
      const copy = scp(['--retry', '2', '-r', ...args]);
      await until(async () => proxy.connections > before && proxy.passed > 100_000, copy);
      proxy.cutAfter = Number.POSITIVE_INFINITY;
      return await copy;
    }

    async function sameFiles(one: string, other: string): Promise<void> {
      const names = (await readdir(one)).sort();
      expect((await readdir(other)).sort()).toEqual(names);
      expect(names).toHaveLength(FILES);
      for (const name of names) {
        const [here, there] = await Promise.all([readFile(join(one, name)), readFile(join(other, name))]);
        expect(here.equals(there)).toBe(true);
      }
    }

    it.each([
      ['up', 'a new name', false],
      ['up', 'a directory that is there', true],
      ['down', 'a new name', false],
      ['down', 'a directory that is there', true],
    ] as const)('goes %s to %s in the second attempt too', { timeout: 60_000 }, async (way, __, isThere) => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'tree'));
      for (let i = 0; i < FILES; i++) await writeFile(join(dir, 'tree', `f${i}`), randomBytes(FILE_BYTES));
      // With -O the shell there reads the path.
      const to = join(dir, flags.length > 0 ? 'target' : "the 'target'");
      if (isThere) await mkdir(to);
      const operands = way === 'up' ? [join(dir, 'tree'), `server:${to}`] : [`server:${join(dir, 'tree')}`, to];
      const { status, stderr } = await cutOnce(operands);
      expect(stderr).toMatch(/lost connection.*; trying again in 1 s \(1 of 2\)\n/);
      expect(status).toBe(0);
      await sameFiles(join(dir, 'tree'), isThere ? join(to, 'tree') : to);
    });

    it('between two places of the host lands in the same place', { timeout: 60_000 }, async () => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'tree'));
      for (let i = 0; i < FILES; i++) await writeFile(join(dir, 'tree', `f${i}`), randomBytes(FILE_BYTES));
      const { status } = await cutOnce([`server:${dir}/tree`, `server:${dir}/to`]);
      expect(status).toBe(0);
      await sameFiles(join(dir, 'tree'), join(dir, 'to'));
    });
  });
});
