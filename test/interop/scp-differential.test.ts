import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allCases } from '../support/differential/all-cases.ts';
import {
  type Case,
  expectedStatus,
  expectsNoChange,
  matchesVariant,
  namedFor,
  runsBuiltin,
  type Variant,
} from '../support/differential/case.ts';
import { differences, differencesAsMarkdown } from '../support/differential/differences.ts';
import { judge, type Result } from '../support/differential/judge.ts';
import { type Ground, startGround } from '../support/differential/sandbox.ts';
import { compareSnapshots } from '../support/differential/snapshot.ts';
import { runsEverything } from '../support/large.ts';
import { describePeer, findPeer, type Peer } from '../support/peers.ts';

/** The table tells how this version behaves; others differ in what it was written about. */
const REFERENCE_VERSION = 'OpenSSH_9.2';

const isRoot = process.getuid?.() === 0;

function reference(): Peer {
  const ssh = findPeer('ssh');
  const version = ssh === undefined ? '' : spawnSync(ssh, ['-V'], { encoding: 'utf8' }).stderr;
  return { name: `scp of ${REFERENCE_VERSION}`, command: version.startsWith(REFERENCE_VERSION) ? 'scp' : '/absent' };
}

function titleOf(of: Case, variant: Variant): string {
  return `${variant}: ${of.name}`;
}

/** What is wrong with the case itself: the reference did not do what the case is about. */
function checkReference(of: Case, variant: Variant, before: Result, after: Result): string[] {
  const wrong: string[] = [];
  const status = expectedStatus(of, variant);
  if (after.status !== status) wrong.push(`scp ended with ${after.status}, not ${status}: ${after.stderr}`);
  const changes = compareSnapshots(before.tree, after.tree);
  if (expectsNoChange(of, variant)) wrong.push(...changes.map((line) => `scp changed: ${line}`));
  else if (changes.length === 0) wrong.push(`scp changed nothing: ${after.stderr}`);
  return wrong;
}

/** What the reference did, with the status that it mostly has. */
function inOneWay(result: Result, of: Case, variant: Variant): Result {
  return result.status === of.orStatus ? { ...result, status: expectedStatus(of, variant) } : result;
}

/** Runs one case in one variant with all programs, and tells what is wrong. */
function compare(ground: Ground, of: Case, variant: Variant): Promise<string[]> {
  return ground.hold(of, variant, async (run) => {
    const before = await run();
    const hangs = of.hangs !== undefined && matchesVariant(variant, of.hangs.in);
    const expected = hangs ? { ...before, status: of.hangs.status } : inOneWay(await run('reference'), of, variant);
    const wrong = hangs ? [] : checkReference(of, variant, before, expected);
    if (wrong.length > 0) return wrong;
    const named = namedFor(of, variant);
    wrong.push(...judge(expected, await run('ours'), named));
    if (!runsBuiltin(of, variant)) return wrong;
    const builtin = judge(expected, await run('ours with the built-in transport'), named);
    return [...wrong, ...builtin.map((line) => `with the built-in transport: ${line}`)];
  });
}

describePeer(
  ['sshd', 'ssh', 'ssh-keygen', 'sftp-server', reference()],
  `sealift scp beside scp of ${REFERENCE_VERSION}`,
  () => {
    let ground: Ground;
    beforeAll(async () => {
      ground = await startGround();
    });
    afterAll(async () => {
      await ground[Symbol.asyncDispose]();
    });

    for (const [index, of] of allCases.entries()) {
      const isLeftOut = isRoot ? of.notAsRoot === true : of.onlyAsRoot === true;
      for (const [turn, variant] of of.runs.entries()) {
        // Every case runs in every second of its variants, those of its neighbour in the others.
        if (!runsEverything && (index + turn + (turn >> 1)) % 2 === 1) continue;
        it.skipIf(isLeftOut).concurrent(titleOf(of, variant), async () => {
          expect(await compare(ground, of, variant)).toEqual([]);
        });
      }
    }

    it('has cases whose names and variants are each there once', () => {
      const titles = allCases.flatMap((of) => of.runs.map((variant) => titleOf(of, variant)));
      expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
    });

    it('has a case for each difference, and each is named where it can occur', () => {
      const named = allCases.flatMap((of) => of.runs.flatMap((variant) => namedFor(of, variant)));
      const used = new Set(named.map(({ id }) => id));
      expect(Object.keys(differences).filter((id) => !used.has(id as never))).toEqual([]);
      const differs = allCases.flatMap((of) => of.differs ?? []);
      const idle = differs.filter((one) => !named.includes(one) && (isRoot || one.onlyAsRoot !== true));
      expect(idle).toEqual([]);
    });

    it('can write its differences as a table, for docs/protocols/', () => {
      const table = differencesAsMarkdown();
      if (process.env['SHOW_DIFFERENCES'] === '1') console.log(table);
      expect(table.split('\n').length).toBe(Object.keys(differences).length + 2);
    });
  },
);
