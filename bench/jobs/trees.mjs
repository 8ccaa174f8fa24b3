// P3: a tree of small files over a long link. P5: a larger one over loopback.
import { judge } from '../statistics.mjs';
import { against, copyOf, directions, oursIn, overLink, timesAsFast } from './support.mjs';

/** What OpenSSH needs by itself may be long; the others are ended then. */
const PATIENCE_SECONDS = { scp: 1800, 'scp -O': 1800 };

/** The job of P3 and P10: how many files there are, and the link. */
export function farTree(bench) {
  const [files, folders] = bench.quick ? [100, 4] : [2000, 40];
  return {
    what: `${files} files of 2 KiB, 50 ms`,
    source: bench.source.tree(files, folders),
    link: { roundTripMs: 50 },
  };
}

async function trees(bench, { what, source, endpoint, targetsOf }) {
  const cases = [];
  const targets = [];
  for (const direction of directions) {
    const name = `${what}, ${direction}`;
    const measured = await bench.runCase(
      name,
      copyOf(bench, source, direction, { tree: true }),
      against(endpoint, bench.peers),
      { timeoutOf: (peer) => PATIENCE_SECONDS[peer] ?? bench.timeoutSeconds },
    );
    cases.push(measured);
    for (const one of oursIn(measured)) targets.push(...targetsOf(measured, one, `${direction}, ${one}`));
  }
  return { cases, targets };
}

export const p3 = {
  title: 'a tree of small files, 50 ms of round trip',
  async run(bench) {
    const { what, source, link } = farTree(bench);
    return await overLink(bench, bench.sshd, link, (endpoint) =>
      trees(bench, {
        what,
        source,
        endpoint,
        targetsOf: (measured, one, where) => [
          judge(`${where}: times scp -r`, timesAsFast(measured, one, 'scp'), { atLeast: 50 }),
          judge(`${where}: times rsync's time`, 1 / timesAsFast(measured, one, 'rsync'), { atMost: 1.3 }),
        ],
      }),
    );
  },
};

export const p5 = {
  title: 'many small files over loopback',
  async run(bench) {
    const [files, folders] = bench.quick ? [1000, 20] : [20_000, 400];
    return await trees(bench, {
      what: `${files} files of 2 KiB`,
      source: bench.source.tree(files, folders),
      endpoint: bench.direct,
      targetsOf: (measured, one, where) => [
        judge(`${where}: times scp -r`, timesAsFast(measured, one, 'scp'), { atLeast: 4 }),
        judge(`${where}: times rsync`, timesAsFast(measured, one, 'rsync'), { atLeast: 1 }),
      ],
    });
  },
};
