// P8: our server takes a file from OpenSSH's scp. P10: our client and our server together.
import { join } from 'node:path';
import { makeEndpoint } from '../endpoint.mjs';
import { startSealift } from '../sealift-server.mjs';
import { judge } from '../statistics.mjs';
import { longLink, shareOfLink } from './long-link.mjs';
import { copyOf, directions, MEBIBYTE, overLink, secondsOf, timesAsFast, usual } from './support.mjs';
import { farTree } from './trees.mjs';

async function withSealift(bench, options, work) {
  const name = `server-${bench.jobId}-${options.durable === false ? 'fast' : 'durable'}`;
  const profile = ['--cpu-prof', `--cpu-prof-dir=${bench.profiles}`, `--cpu-prof-name=${name}.cpuprofile`];
  const nodeOptions = bench.profiles === undefined ? [] : profile;
  const folder = join(bench.directory, `${name}-${Date.now()}`);
  const server = await startSealift(folder, bench.identity, { root: bench.files, nodeOptions, ...options });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

export const p8 = {
  title: "our server takes a file from OpenSSH's scp, beside sshd",
  async run(bench) {
    const mebibytes = bench.quick ? 128 : 1024;
    const bytes = mebibytes * MEBIBYTE;
    const copy = copyOf(bench, bench.source.file('large', bytes), 'up');
    const peers = bench.peers.filter(({ name }) => name === 'scp' || name === 'scp -O');
    return await withSealift(bench, { durable: false }, (fast) =>
      withSealift(bench, {}, async (durable) => {
        const [cases, targets] = [[], []];
        for (const peer of peers) {
          const endpoints = [bench.sshd, fast, durable].map((one) =>
            makeEndpoint(bench.directory, one, bench.identity),
          );
          const contenders = endpoints.map((endpoint) => ({
            name: `${peer.name} to ${endpoint.server}`,
            peer,
            endpoint,
          }));
          const measured = await bench.runCase(`${mebibytes} MiB up by ${peer.name}`, copy, contenders, { bytes });
          cases.push(measured);
          const [base, own] = contenders.map(({ name }) => name);
          targets.push(judge(`${peer.name}: times sshd`, timesAsFast(measured, own, base), { atLeast: 1 }));
        }
        const notes = [
          'Judged with `durable: false`, since sshd does not wait for the disk either; the row without it has the default, which does.',
        ];
        return { cases, targets, notes };
      }),
    );
  },
};

/** Each of ours against both servers in turn. */
async function both(bench, fast, { link, name, copy, bytes }) {
  return await overLink(bench, bench.sshd, link, (toSshd) =>
    overLink(bench, fast, link, async (toOurs) => {
      const ours = usual(bench.peers).filter((peer) => peer.ours);
      const contenders = ours.flatMap((peer) =>
        [toSshd, toOurs].map((endpoint) => ({ name: to(peer, endpoint), peer, endpoint })),
      );
      return await bench.runCase(name, copy, contenders, { bytes });
    }),
  );
}

const to = ({ name }, { server }) => `${name} to ${server}`;

export const p10 = {
  title: 'our client to our server, beside sshd',
  async run(bench) {
    return await withSealift(bench, { durable: false }, async (fast) => {
      const [cases, targets, notes] = [[], [], []];
      const ours = usual(bench.peers).filter((peer) => peer.ours);
      const names = ours.map((peer) => [peer.name, to(peer, { server: 'sshd' }), to(peer, { server: fast.name })]);
      const [tree, file] = [farTree(bench), longLink(bench)];
      for (const direction of directions) {
        const name = `${tree.what}, ${direction}`;
        const copy = copyOf(bench, tree.source, direction, { tree: true });
        const measured = await both(bench, fast, { link: tree.link, name, copy });
        cases.push(measured);
        for (const [one, sshd, own] of names)
          targets.push(judge(`${name}, ${one}: times sshd`, timesAsFast(measured, own, sshd), { atLeast: 1 }));
      }
      for (const direction of directions) {
        const name = `${file.what}, ${direction}`;
        const whole = await both(bench, fast, {
          link: file.link,
          name,
          copy: copyOf(bench, file.source, direction),
          bytes: file.bytes,
        });
        const login = await both(bench, fast, {
          link: file.link,
          name: `1 byte, 100 ms, ${direction}`,
          copy: copyOf(bench, file.byte, direction),
        });
        cases.push(whole, login);
        for (const [one, sshd, own] of names) {
          targets.push(
            judge(`${name}, ${one}: times sshd`, secondsOf(whole, sshd) / secondsOf(whole, own), { atLeast: 1 }),
          );
          const shares = [sshd, own].map(
            (who) => `${who} ${(shareOfLink(whole, login, who, file) * 100).toFixed(0)} %`,
          );
          notes.push(`${direction}: share of the link without the login: ${shares.join(', ')}.`);
        }
      }
      return { cases, targets, notes };
    });
  },
};
