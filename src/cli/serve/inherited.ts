import { fstatSync } from 'node:fs';
import type { ListenOn } from '../../server/listeners.ts';

/** The first descriptor that systemd hands over (sd_listen_fds(3)). */
const FIRST = 3;

/** More than anybody listens on. */
const MAX = 64;

/**
 * The sockets that whoever started this process has bound for it: `LISTEN_FDS` of them from descriptor 3 on, where `LISTEN_PID` is this process. The variables are removed, so that no other
 * program takes the descriptors for its own.
 *
 * @throws {TypeError} where the variables make no sense or a descriptor is no socket
 */
export function inheritedSockets(): readonly ListenOn[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = process.env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name];
  if (count === undefined || Number(pid) !== process.pid) return [];
  const sockets = Number(count);
  if (!Number.isSafeInteger(sockets) || sockets < 1 || sockets > MAX)
    throw new TypeError(`LISTEN_FDS=${JSON.stringify(count)}: expected a number of sockets from 1 to ${MAX}`);
  return Array.from({ length: sockets }, (_, index) => {
    const fd = FIRST + index;
    if (!isSocket(fd)) throw new TypeError(`LISTEN_FDS: descriptor ${fd} is no socket`);
    return { fd };
  });
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
