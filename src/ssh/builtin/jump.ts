import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { parseSshArguments } from '../config/arguments.ts';
import type { SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';

/** How many hosts a connection may be led through. */
export const MAX_JUMPS = 8;

function parseHop(text: string, host: string): SshTarget {
  const match = /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:@]+))(?::(\d{1,5}))?\/?$/s.exec(text);
  const hop = match?.[2] ?? match?.[3];
  if (hop === undefined) {
    throw new ConnectionError(printable(host), 'resolve', `bad ProxyJump ${printable(text)}`, { code: 'ERR_CONFIG' });
  }
  return checkTarget({
    host: hop,
    ...(match?.[1] !== undefined && { user: match[1] }),
    ...(match?.[4] !== undefined && { port: Number(match[4]) }),
  });
}

/**
 * Reads `[user@]host[:port]`, `ssh://…` or a comma list of them: the hosts in the order they are passed through.
 *
 * @throws {ConnectionError} `ERR_CONFIG`, `EINVAL`; `ERR_LIMIT` beyond {@link MAX_JUMPS}
 */
export function parseProxyJump(text: string, host: string): SshTarget[] {
  const hops = text.split(',').map((hop) => parseHop(hop.trim(), host));
  if (hops.length > MAX_JUMPS) {
    throw new ConnectionError(printable(host), 'resolve', `more than ${MAX_JUMPS} jump hosts`, { code: 'ERR_LIMIT' });
  }
  return hops;
}

/** The option words that hold for a jump host too: OpenSSH passes on `-F` and `-v` only. */
export function hopArguments(args: readonly string[]): string[] {
  const { configFile } = parseSshArguments(args);
  return configFile === undefined ? [] : ['-F', configFile];
}
