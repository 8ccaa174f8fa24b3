// P1 and P2: one large file over loopback. P6: one small file, the whole process.
import { barePipe } from '../peers.mjs';
import { judge } from '../statistics.mjs';
import { against, copyOf, directions, MEBIBYTE, oursIn, timesAsFast, usual } from './support.mjs';

const CIPHER = 'aes128-gcm@openssh.com';

async function large(bench, peers, atLeast, more = {}) {
  const mebibytes = bench.quick ? 128 : 1024;
  const bytes = mebibytes * MEBIBYTE;
  const source = bench.source.file('large', bytes);
  const cases = [];
  const targets = [];
  for (const direction of directions) {
    const name = `${mebibytes} MiB ${direction}`;
    const copy = copyOf(bench, source, direction, more);
    const measured = await runLarge(bench, name, copy, peers, bytes);
    cases.push(measured);
    for (const one of oursIn(measured))
      targets.push(judge(`${name}, ${one}: times scp`, timesAsFast(measured, one, 'scp'), { atLeast }));
  }
  return { cases, targets };
}

function runLarge(bench, name, copy, peers, bytes) {
  return bench.runCase(name, copy, against(bench.direct, peers), { bytes });
}

export const p1 = {
  title: 'one large file over loopback, everybody with defaults',
  run: (bench) => large(bench, bench.peers, 1.5),
};

export const p2 = {
  title: `one large file over loopback, everybody with ${CIPHER}`,
  run: (bench) =>
    large(bench, [...usual(bench.peers).filter((peer) => peer.choosesCipher !== false), barePipe], 1, {
      cipher: CIPHER,
    }),
};

export const p6 = {
  title: 'one small file over loopback, the whole process',
  async run(bench) {
    const source = bench.source.file('small', 2048);
    const copy = copyOf(bench, source, 'up');
    // A third of a second is mostly noise: it takes many of them.
    const measured = await bench.runCase('2 KiB up', copy, against(bench.direct, usual(bench.peers)), {
      rounds: bench.rounds * 8,
    });
    const targets = oursIn(measured).map((one) =>
      judge(`${one}: times scp's time`, 1 / timesAsFast(measured, one, 'scp'), { atMost: 1 }),
    );
    return { cases: [measured], targets };
  },
};
