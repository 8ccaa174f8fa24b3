import { join } from 'node:path';
import { makeEndpoint } from '../endpoint.mjs';
import { startProxy } from '../proxy/start-proxy.mjs';
import { median } from '../statistics.mjs';

export const MEBIBYTE = 1024 * 1024;
/** Both directions of every copy. */
export const directions = ['up', 'down'];

/** A copy of `source`, which stands beside the folder that takes the copies. */
export function copyOf(bench, source, direction, more = {}) {
  return { direction, source, folder: join(bench.files, 'copies'), tree: false, ...more };
}

/** The peers in front of one endpoint. */
export function against(endpoint, peers) {
  return peers.map((peer) => ({ name: peer.name, peer, endpoint }));
}

/** Everybody but the legacy protocol of ours, which has rows only where it says something. */
export function usual(peers) {
  return peers.filter(({ isLegacy }) => isLegacy !== true);
}

/** The median of a program's seconds in a case; NaN where it did not run, and where it was ended. */
export function secondsOf(measured, program) {
  const row = measured.rows.find((one) => one.program === program);
  return row === undefined || row.timedOut ? Number.NaN : median(row.seconds);
}

/** How many times as fast as another one a program was. */
export function timesAsFast(measured, program, other) {
  return secondsOf(measured, other) / secondsOf(measured, program);
}

/** The names of ours in a case. */
export function oursIn(measured) {
  return measured.rows.filter(({ ours, program }) => ours && !program.endsWith('-O')).map(({ program }) => program);
}

/** Works with an endpoint behind a delay proxy, and tells what the proxy saw. */
export async function overLink(bench, server, link, work) {
  const proxy = await startProxy({ targetPort: server.port, ...link });
  try {
    return await work(makeEndpoint(bench.directory, server, bench.identity, proxy.port), proxy);
  } finally {
    await proxy.stop();
  }
}
