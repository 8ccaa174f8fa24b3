// P7: peak memory, which must not grow with the size or the number of files.
import { removeAll, requireRoom } from '../content.mjs';
import { judge } from '../statistics.mjs';
import { against, copyOf, directions, MEBIBYTE, oursIn } from './support.mjs';

const AT_MOST_MIB = 120;

export const p7 = {
  title: 'peak memory',
  async run(bench) {
    const size = (bench.quick ? 512 : 8192) * MEBIBYTE;
    const [files, folders] = bench.quick ? [4000, 80] : [200_000, 400];
    requireRoom(bench.directory, size + 2 * files * 4096 + 1024 * MEBIBYTE, 'P7');
    const contenders = against(
      bench.direct,
      bench.peers.filter(({ ours, isLegacy }) => ours && !isLegacy),
    );
    const [cases, targets, notes] = [[], [], []];
    const work = [
      {
        what: `a sparse file of ${size / MEBIBYTE} MiB`,
        make: (share) => bench.source.sparse(size * share),
        tree: false,
      },
      { what: `${files} files`, make: (share) => bench.source.tree(files * share, folders * share), tree: true },
    ];
    for (const { what, make, tree } of work) {
      const made = new Set();
      for (const direction of directions) {
        const run = async (share) => {
          const source = make(share);
          made.add(source);
          const name = share === 1 ? `${what} ${direction}` : `${share * 100} % of ${what} ${direction}`;
          return await bench.runCase(name, copyOf(bench, source, direction, { tree }), contenders, {
            rounds: 1,
            sumTree: true,
          });
        };
        const [part, whole] = [await run(0.25), await run(1)];
        cases.push(part, whole);
        for (const one of oursIn(whole)) {
          const [before, after] = [part, whole].map(({ rows }) => rows.find(({ program }) => program === one)?.peakMiB);
          targets.push(judge(`${what} ${direction}, ${one}`, after, { atMost: AT_MOST_MIB }, 'MiB'));
          if (before === undefined || after === undefined) continue;
          notes.push(
            `${what} ${direction}, ${one}: ${before.toFixed(0)} MiB for a quarter of it, ${after.toFixed(0)} MiB for all.`,
          );
        }
      }
      for (const path of made) removeAll(path);
    }
    return { cases, targets, notes };
  },
};
