import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { startCuttingProxy } from './cutting-proxy.ts';
import type { PeerServer } from './peer-server.ts';
import { type Outcome, type RunOptions, runSealift } from './sealift.ts';
import { tempDirectory } from './temp.ts';

const MIB = 1024 * 1024;
/** Kept low: each peer gets this, twice. */
const TREE = { smallFiles: 45, bigFileBytes: 300_000, depth: 5 };

/** A copy that worked and said nothing. */
export const silent: Outcome = { status: 0, stdout: '', stderr: '' };

/** A way to reach a server. */
export type Transport = 'ssh' | 'builtin';

/** What is particular about a peer. */
export interface CopyTraits {
  /** What a copy says that went well. Default: nothing. */
  readonly notice?: string | RegExp;
  /** Differences of a tree that are the peer's own doing; each with its reason where it is used. */
  readonly treeDifferences?: (way: 'up' | 'down') => readonly RegExp[];
  /** Names in the tree that the peer cannot carry, below `odd names`: left out of it. */
  readonly withoutNames?: RegExp;
  /** Only the SCP protocol: what needs SFTP is refused, with this text. */
  readonly refusal?: string;
}

/** Runs our scp against a server of {@link startPeerServer}. */
export function scpAt(
  server: () => Pick<PeerServer, 'configFile'>,
  options: readonly string[],
): (args: readonly string[], run?: RunOptions) => Promise<Outcome> {
  return (args, run) => runSealift(['scp', ...options, '-F', server().configFile, ...args], run);
}

/** What every server must do for our scp: a tree with odd names, modes and times; a large file; and with SFTP `--verify` and `--resume`; each both ways. */
export function describeCopies(
  title: string,
  server: () => PeerServer,
  options: readonly string[],
  traits: CopyTraits = {},
): void {
  const { notice = '' } = traits;
  const allowed = (way: 'up' | 'down'): readonly RegExp[] => traits.treeDifferences?.(way) ?? [];

  describe.each(['ssh', 'builtin'] as const)(`${title}, by the transport %s`, (transport) => {
    const scp = scpAt(server, [`--transport=${transport}`, ...options]);
    const expectWorked = ({ status, stdout, stderr }: Outcome): void => {
      if (typeof notice === 'string') expect({ status, stdout, stderr }).toEqual({ ...silent, stderr: notice });
      else expect({ status, stdout, stderr }).toEqual({ ...silent, stderr: expect.stringMatching(notice) as string });
    };

    it('copies a tree with odd names, modes and times both ways', async () => {
      const dir = await tempDirectory();
      await makeTree(join(dir, 'tree'), TREE);
      if (traits.withoutNames) await dropNames(join(dir, 'tree', 'odd names'), traits.withoutNames);
      for (const folder of ['there', 'back']) await mkdir(join(dir, folder));
      expectWorked(await scp(['-rp', join(dir, 'tree'), `server:${dir}/there`]));
      const up = await compareTrees(join(dir, 'tree'), join(dir, 'there', 'tree'));
      expect(besides(up.differences, allowed('up'))).toEqual([]);
      expectWorked(await scp(['-rp', `server:${dir}/there/tree`, join(dir, 'back')]));
      const down = await compareTrees(join(dir, 'tree'), join(dir, 'back', 'tree'));
      expect(besides(down.differences, allowed('down'))).toEqual([]);
      expect(down.files).toBeGreaterThan(60);
    });

    it('copies a file of 20 MiB both ways', async () => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), randomBytes(20 * MIB + 7));
      expectWorked(await scp([join(dir, 'f'), `server:${dir}/up`]));
      expectWorked(await scp([`server:${dir}/up`, join(dir, 'down')]));
      const content = await readFile(join(dir, 'f'));
      for (const name of ['up', 'down']) expect((await readFile(join(dir, name))).equals(content)).toBe(true);
    });

    it('says what is not there, and copies the rest', async () => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'to'));
      await writeFile(join(dir, 'good'), 'good');
      const result = await scp([`server:${dir}/missing`, `server:${dir}/good`, join(dir, 'to')]);
      expect(result.status).toBe(1);
      expect(result.stderr).toMatch(/missing/);
      expect(result.stderr).toMatch(/no such file/i);
      expect(await readdir(join(dir, 'to'))).toEqual(['good']);
    });

    const more = traits.refusal === undefined ? bySftp : refused;
    more({ scp, expectWorked, server, traits });
  });
}

interface Cases {
  readonly scp: ReturnType<typeof scpAt>;
  readonly expectWorked: (outcome: Outcome) => void;
  readonly server: () => PeerServer;
  readonly traits: CopyTraits;
}

function refused({ scp, traits }: Cases): void {
  it('refuses what the SCP protocol cannot do, without copying', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x');
    const { status, stderr } = await scp(['--verify', join(dir, 'f'), `server:${dir}/g`]);
    expect(status).not.toBe(0);
    expect(stderr).toContain(traits.refusal);
    expect(await readdir(dir)).toEqual(['f']);
  });
}

function bySftp({ scp, expectWorked, server }: Cases): void {
  it('copies with --verify both ways', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'd'));
    for (const size of [0, 1, 700, 300_001]) await writeFile(join(dir, 'd', `f ${size}`), randomBytes(size));
    expectWorked(await scp(['-r', '--verify', join(dir, 'd'), `server:${dir}/up`]));
    expectWorked(await scp(['-r', '--verify', `server:${dir}/up`, join(dir, 'down')]));
    for (const size of [0, 1, 700, 300_001]) {
      const [here, there, back] = await Promise.all(
        ['d', 'up', 'down'].map((folder) => readFile(join(dir, folder, `f ${size}`))),
      );
      expect([there?.equals(here as Buffer), back?.equals(here as Buffer)]).toEqual([true, true]);
    }
  });

  const resume = async (way: 'up' | 'down'): Promise<void> => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'to'));
    const content = randomBytes(4 * MIB);
    await writeFile(join(dir, 'f'), content);
    await utimes(join(dir, 'f'), 1_500_000_000, 1_500_000_001);
    await writeFile(join(dir, 'to', 'f'), 'old content');
    const proxy = await startCuttingProxy(server().port);
    try {
      const copy = () =>
        scp([
          '--resume',
          '-p',
          '-o',
          `Port=${proxy.port}`,
          ...(way === 'up' ? [join(dir, 'f'), `server:${dir}/to/f`] : [`server:${dir}/f`, join(dir, 'to', 'f')]),
        ]);
      proxy.cutAfter = 2.5 * MIB;
      expect((await copy()).status).toBe(255);
      expect(await readFile(join(dir, 'to', 'f'), 'utf8')).toBe('old content');
      const [part] = (await readdir(join(dir, 'to'))).filter((name) => name !== 'f');
      const left = (await stat(join(dir, 'to', part as string))).size;
      expect(left).toBeGreaterThan(MIB / 2);
      proxy.cutAfter = Number.POSITIVE_INFINITY;
      expectWorked(await copy());
      expect(proxy.passed).toBeLessThan(content.length - left + 0.5 * MIB);
      expect((await readFile(join(dir, 'to', 'f'))).equals(content)).toBe(true);
      expect((await stat(join(dir, 'to', 'f'))).mtimeMs).toBe(1_500_000_001_000);
      expect(await readdir(join(dir, 'to'))).toEqual(['f']);
    } finally {
      await proxy[Symbol.asyncDispose]();
    }
  };
  it('goes on with --resume after a cut, down', () => resume('down'));
  it('goes on with --resume after a cut, up', () => resume('up'));
}

/** With `-O` a scp of OpenSSH there stores the line feed of a name as `\\^J`, and the time of its folder is that of this change. */
export const LINE_FEEDS: readonly RegExp[] = [/^odd names\/new\\(012|\^J)line\.txt: is only in /];

/** What --verify and others say with `-O`, and where the server has no SFTP. */
export const NOT_WITH_SCP = 'not with -O, whose protocol cannot do it';
export const NO_SFTP_THERE = '--verify needs SFTP, which the server does not have';

/** What is left of a list of differences without those that were foreseen. */
export function besides(differences: readonly string[], foreseen: readonly RegExp[]): string[] {
  return differences.filter((line) => !foreseen.some((pattern) => pattern.test(line)));
}

/** Removes the entries of a folder whose names, as Latin-1, match. */
async function dropNames(folder: string, pattern: RegExp): Promise<void> {
  const { atimeMs, mtimeMs } = await stat(folder);
  for (const name of await readdir(folder, { encoding: 'buffer' })) {
    if (pattern.test(name.toString('latin1'))) await rm(Buffer.concat([Buffer.from(`${folder}/`), name]));
  }
  await utimes(folder, atimeMs / 1000, mtimeMs / 1000);
}
