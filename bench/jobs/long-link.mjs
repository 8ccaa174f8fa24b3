// P4: one large file over a link of 1 Gbit/s and 100 ms.
import { judge } from '../statistics.mjs';
import { against, copyOf, directions, MEBIBYTE, oursIn, overLink, secondsOf, usual } from './support.mjs';

/** The job of P4 and P10: the file, the link, and what one more byte takes. */
export function longLink(bench) {
  const mebibytes = bench.quick ? 64 : 256;
  const bytes = mebibytes * MEBIBYTE;
  return {
    bytes,
    what: `${mebibytes} MiB, 100 ms, 1 Gbit/s`,
    source: bench.source.file('long-link', bytes),
    byte: bench.source.file('byte', 1),
    link: { roundTripMs: 100, bytesPerSecond: 125_000_000 },
  };
}

/**
 * The share of the link that a program used while it copied: the time of a copy of one byte, which is the login, is taken off. A login takes some ten round trips,
 * a second here, half of what the file itself needs.
 */
export function shareOfLink(whole, set, program, { bytes, link }) {
  return bytes / link.bytesPerSecond / (secondsOf(whole, program) - secondsOf(set, program));
}

export const p4 = {
  title: 'one large file, 100 ms of round trip, 1 Gbit/s',
  async run(bench) {
    const job = longLink(bench);
    return await overLink(bench, bench.sshd, job.link, async (endpoint) => {
      const cases = [];
      const targets = [];
      const notes = [
        'The share of the link is that of the copy: the time of a copy of one byte over the same link is taken off.',
      ];
      for (const direction of directions) {
        const contenders = against(endpoint, usual(bench.peers));
        const whole = await bench.runCase(
          `${job.what}, ${direction}`,
          copyOf(bench, job.source, direction),
          contenders,
          {
            bytes: job.bytes,
          },
        );
        const login = await bench.runCase(
          `1 byte, 100 ms, ${direction}`,
          copyOf(bench, job.byte, direction),
          contenders,
        );
        cases.push(whole, login);
        for (const { program, timedOut } of whole.rows) {
          if (timedOut) continue;
          const entire = (job.bytes / job.link.bytesPerSecond / secondsOf(whole, program)) * 100;
          const share = shareOfLink(whole, login, program, job) * 100;
          notes.push(
            `${direction}, ${program}: ${share.toFixed(0)} % of the link; ${entire.toFixed(0)} % with the login.`,
          );
        }
        for (const one of oursIn(whole))
          targets.push(
            judge(
              `${direction}, ${one}: share of the link`,
              shareOfLink(whole, login, one, job) * 100,
              { atLeast: 85 },
              '%',
            ),
          );
      }
      return { cases, targets, notes };
    });
  },
};
