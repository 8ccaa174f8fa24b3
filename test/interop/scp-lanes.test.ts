import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DelayingProxy, startDelayingProxy } from '../support/delaying-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;
/** Half of a round trip. */
const DELAY_MS = 15;
/** Of no round length, and of a multiple of what one WRITE carries. */
const SIZES = [24 * MIB + 12_345, 24 * MIB];

/** How many channels spoke SFTP, by what `-vvv` says. */
const sessionsIn = (trace: string): number => trace.split('-> SSH_FXP_INIT').length - 1;

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'a large file over a long way', () => {
  let sshd: RunningSshd;
  let few: RunningSshd;
  beforeAll(async () => {
    [sshd, few] = await Promise.all([startSshd(), startSshd({ config: ['MaxSessions 2'] })]);
  });
  afterAll(async () => {
    await Promise.all([sshd.stop(), few.stop()]);
  });

  const across = async (server: RunningSshd) => {
    const proxy = await startDelayingProxy(server.port, DELAY_MS);
    const client = await server.client();
    const scp = (args: readonly string[], onStart?: (pid: number) => void) =>
      runSealift(words(server, client, proxy, args), onStart && { onStart });
    return { proxy, scp, alias: client.alias, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
  };

  const words = (server: RunningSshd, client: ClientFiles, { port }: DelayingProxy, args: readonly string[]) => {
    const own = ['-F', client.configFile, '-o', `Port=${port}`, '-o', `HostKeyAlias=[${server.host}]:${server.port}`];
    return ['scp', '--transport=builtin', '-vvv', ...own, ...args];
  };

  it.each(SIZES)('of %i bytes goes up by several channels and is whole', async (size) => {
    await using line = await across(sshd);
    const here = await tempDirectory();
    const there = join(here, 'there');
    const content = randomBytes(size);
    await mkdir(there);
    await writeFile(join(here, 'large'), content);
    const before = Date.now();
    const { status, stderr } = await line.scp([join(here, 'large'), `${line.alias}:${there}/large`]);
    expect(status).toBe(0);
    expect(sessionsIn(stderr)).toBeGreaterThan(4);
    expect((await readFile(join(there, 'large'))).equals(content)).toBe(true);
    // The mark by which the channels knew the file is gone.
    const { mtimeMs, atimeMs } = await stat(join(there, 'large'));
    for (const time of [mtimeMs, atimeMs]) expect(time).toBeGreaterThan(before - 2_000);
    expect(mtimeMs).toBeLessThan(Date.now() + 2_000);
  });

  it.each(SIZES)('of %i bytes comes down by several channels and is whole', async (size) => {
    await using line = await across(sshd);
    const here = await tempDirectory();
    const content = randomBytes(size);
    await writeFile(join(here, 'large'), content);
    const { status, stderr } = await line.scp([`${line.alias}:${join(here, 'large')}`, join(here, 'copy')]);
    expect(status).toBe(0);
    expect(sessionsIn(stderr)).toBeGreaterThan(4);
    expect((await readFile(join(here, 'copy'))).equals(content)).toBe(true);
  });

  it('goes over a file that is there, and keeps its mode and number', async () => {
    await using line = await across(sshd);
    const here = await tempDirectory();
    const content = randomBytes(20 * MIB);
    await writeFile(join(here, 'large'), content);
    await writeFile(join(here, 'old'), randomBytes(30 * MIB), { mode: 0o640 });
    const { ino } = await stat(join(here, 'old'));
    const { status, stderr } = await line.scp(['-p', join(here, 'large'), `${line.alias}:${join(here, 'old')}`]);
    expect(status).toBe(0);
    expect(sessionsIn(stderr)).toBeGreaterThan(4);
    expect((await readFile(join(here, 'old'))).equals(content)).toBe(true);
    expect(await stat(join(here, 'old'))).toMatchObject({ ino });
    const times = await Promise.all(['large', 'old'].map(async (name) => (await stat(join(here, name))).mtimeMs));
    expect(Math.floor((times[1] as number) / 1000)).toBe(Math.floor((times[0] as number) / 1000));
  });

  it('takes what the server lets it have, and no message of what it refuses', async () => {
    await using line = await across(few);
    const here = await tempDirectory();
    const content = randomBytes(16 * MIB);
    await writeFile(join(here, 'large'), content);
    const up = await line.scp([join(here, 'large'), `${line.alias}:${join(here, 'copy')}`]);
    expect(up.status).toBe(0);
    expect(sessionsIn(up.stderr)).toBe(2);
    expect(up.stderr.split('\n').filter((text) => text.startsWith('sealift: '))).toEqual([]);
    expect((await readFile(join(here, 'copy'))).equals(content)).toBe(true);
  });

  it('uses one channel where nothing more would come of it: small files, and --limit', async () => {
    await using line = await across(sshd);
    const here = await tempDirectory();
    await writeFile(join(here, 'small'), randomBytes(4 * MIB));
    const small = await line.scp([join(here, 'small'), `${line.alias}:${join(here, 'copy')}`]);
    expect(sessionsIn(small.stderr)).toBe(1);
    await writeFile(join(here, 'large'), randomBytes(12 * MIB));
    const limited = await line.scp(['-l', '800000', join(here, 'large'), `${line.alias}:${join(here, 'copy')}`]);
    expect([limited.status, sessionsIn(limited.stderr)]).toEqual([0, 1]);
  });

  describe('that breaks off', () => {
    it.each([0.2, 0.5, 0.8, 0.97])('at %f of it on the way up never has its whole length', async (part) => {
      await using line = await across(sshd);
      const here = await tempDirectory();
      const size = 24 * MIB;
      await writeFile(join(here, 'large'), randomBytes(size));
      const target = join(here, 'copy');
      const copy = line.scp([join(here, 'large'), `${line.alias}:${target}`]);
      await until(async () => line.proxy.sent > part * size, copy);
      line.proxy.cut();
      const { status } = await copy;
      expect(status).not.toBe(0);
      const there = await stat(target).catch(() => undefined);
      expect(there?.size ?? 0).toBeLessThan(size);
    });

    it.each([0.3, 0.9])('at %f of it is completed by --retry', async (part) => {
      await using line = await across(sshd);
      const here = await tempDirectory();
      const content = randomBytes(20 * MIB);
      await writeFile(join(here, 'large'), content);
      const target = join(here, 'copy');
      const copy = line.scp(['--retry=3', join(here, 'large'), `${line.alias}:${target}`]);
      await until(async () => line.proxy.sent > part * content.length, copy);
      line.proxy.cut();
      expect((await copy).status).toBe(0);
      expect((await readFile(target)).equals(content)).toBe(true);
    });
  });

  it('is not mixed with another one that takes its name meanwhile', async () => {
    await using line = await across(sshd);
    const here = await tempDirectory();
    const mine = randomBytes(24 * MIB);
    const other = Buffer.alloc(24 * MIB, 'other');
    await writeFile(join(here, 'large'), mine);
    await writeFile(join(here, 'other'), other);
    const target = join(here, 'copy');
    const copy = line.scp([join(here, 'large'), `${line.alias}:${target}`]);
    // As soon as it is there it is replaced, before further channels can have opened it.
    await until(async () => (await stat(target).catch(() => undefined)) !== undefined, copy);
    await rename(join(here, 'other'), target);
    await copy;
    expect((await readFile(target)).equals(other)).toBe(true);
  });
});
