// Copies stay exact where connections are cut.
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeAll, same } from '../content.mjs';
import { measure, ProgramFailure } from '../measure.mjs';
import { judge } from '../statistics.mjs';
import { copyOf, directions, MEBIBYTE, overLink, usual } from './support.mjs';

/** One connection in a hundred, and every other one, so that cuts are tried at many places. A share of so few that none would be cut shows nothing. */
const SERIES = { whole: { 0.01: 400, 0.5: 60 }, quick: { 0.5: 8 } };
/** Where the cuts are at most, so that they are within what a copy moves. */
const WITHIN = MEBIBYTE;

async function copies(bench, peer, chance, count) {
  const file = bench.source.file('cut', 2 * WITHIN);
  const tree = bench.source.tree(500, 10);
  const link = { roundTripMs: 2, cut: { chance, within: WITHIN, seed: Math.round(chance * 1000) } };
  return await overLink(bench, bench.sshd, link, async (endpoint, proxy) => {
    const failures = [];
    for (let index = 0; index < count; index += 1) {
      const direction = directions[index % 2];
      const isTree = index % 4 > 1;
      const copy = copyOf(bench, isTree ? tree : file, direction, { tree: isTree });
      removeAll(copy.folder);
      mkdirSync(copy.folder);
      const [node, program, scp, ...words] = peer.command(copy, endpoint);
      try {
        await measure([node, program, scp, '--retry=10', ...words], bench.directory);
        if (!same(copy.source, join(copy.folder, basename(copy.source)), isTree))
          failures.push('the copy differs from its source');
      } catch (error) {
        if (!(error instanceof ProgramFailure)) throw error;
        failures.push(error.message);
      }
    }
    removeAll(join(bench.files, 'copies'));
    return { failures, ...(await proxy.stats()) };
  });
}

export const exact = {
  title: 'copies with --retry while connections are cut',
  async run(bench) {
    const [targets, notes, failures] = [[], [], []];
    for (const peer of usual(bench.peers).filter(({ ours }) => ours)) {
      for (const [share, count] of Object.entries(bench.quick ? SERIES.quick : SERIES.whole)) {
        const chance = Number(share);
        const result = await copies(bench, peer, chance, count);
        const what = `${peer.name}, ${chance * 100} % of the connections cut`;
        bench.say(`  ${what}: ${count} copies, ${result.connections} connections, ${result.cuts} cut`);
        notes.push(`${what}: ${count} copies by ${result.connections} connections, of which ${result.cuts} were cut.`);
        targets.push(judge(`${what}: connections cut`, result.cuts, { atLeast: 1 }));
        targets.push(judge(`${what}: copies that are not exact`, result.failures.length, { atMost: 0 }));
        failures.push(...result.failures.map((text) => `${what}: ${text}`));
      }
    }
    return { cases: [], targets, notes, failures };
  },
};
