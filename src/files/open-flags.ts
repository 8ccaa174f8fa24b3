import { existsSync } from 'node:fs';

/** Linux's O_PATH (fcntl.h), which node:fs does not name: a handle that needs no read permission. The value is the same on all its platforms that Node supports. */
export const O_PATH = 0o10000000;

let pinning: boolean | undefined;

/** Whether what is open can be reached by its descriptor, so that no rename or link on the way to it matters (openat(2) by way of /proc). */
export function canPin(): boolean {
  pinning ??= process.platform === 'linux' && existsSync('/proc/self/fd');
  return pinning;
}
