// Copies stay exact where connections are cut.
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeAll, same } from '../content.mjs';
import { measure, ProgramFailure } from '../measure.mjs';
import { judge } from '../statistics.mjs';
import { copyOf, directions, MEBIBYTE, overLink, usual } from './support.mjs';

/** One connection in a hundred, as the design has it, and every other one, so that cuts are tried at many places. */
const CHANCES = [0.01, 0.5];

async function copies(bench, peer, chance, count) {
  const file = bench.source.file('cut', 4 * MEBIBYTE);
  const tree = bench.source.tree(100, 4);
  const link = { roundTripMs: 2, cut: { chance, within: 4 * MEBIBYTE, seed: Math.round(chance * 1000) } };
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
      for (const chance of CHANCES) {
        const count = (chance < 0.1 ? 200 : 20) / (bench.quick ? 5 : 1);
        const result = await copies(bench, peer, chance, count);
        const what = `${peer.name}, ${chance * 100} % of the connections cut`;
        bench.say(`  ${what}: ${count} copies, ${result.connections} connections, ${result.cuts} cut`);
        notes.push(`${what}: ${count} copies by ${result.connections} connections, of which ${result.cuts} were cut.`);
        targets.push(judge(`${what}: copies that are not exact`, result.failures.length, { atMost: 0 }));
        failures.push(...result.failures.map((text) => `${what}: ${text}`));
      }
    }
    return { cases: [], targets, notes, failures };
  },
};
