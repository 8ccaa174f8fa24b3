// What the plots are drawn from: one tree over links of many round-trip times, and trees of many sizes over one link.
import { against, copyOf, overLink } from './support.mjs';

const PLOTTED = ['scp', 'scp -O', 'rsync', 'sealift ssh', 'sealift builtin'];

function plotted(bench) {
  return bench.peers.filter(({ name }) => PLOTTED.includes(name));
}

async function upload(bench, roundTripMs, files, folders) {
  const copy = copyOf(bench, bench.source.tree(files, folders), 'up', { tree: true });
  return await overLink(bench, bench.sshd, { roundTripMs }, async (endpoint) => {
    const measured = await bench.runCase(`${files} files, ${roundTripMs} ms`, copy, against(endpoint, plotted(bench)), {
      rounds: Math.min(3, bench.rounds),
    });
    return { ...measured, roundTripMs, files };
  });
}

export const rtt = {
  title: 'time against round-trip time',
  async run(bench) {
    const cases = [];
    const files = bench.quick ? 20 : 300;
    for (const roundTripMs of bench.quick ? [0, 10, 50] : [0, 5, 10, 20, 50, 100, 200])
      cases.push(await upload(bench, roundTripMs, files, Math.ceil(files / 50)));
    return { cases, targets: [] };
  },
};

export const count = {
  title: 'time against the number of files',
  async run(bench) {
    const cases = [];
    for (const files of bench.quick ? [1, 10, 50] : [1, 3, 10, 30, 100, 300, 1000, 3000])
      cases.push(await upload(bench, 20, files, Math.ceil(files / 50)));
    return { cases, targets: [] };
  },
};
