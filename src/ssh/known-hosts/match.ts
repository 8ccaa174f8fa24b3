import { createHmac, timingSafeEqual } from 'node:crypto';
import { matchPatternList } from '../../base/patterns.ts';
import type { KnownHost } from './parse.ts';

const DEFAULT_PORT = 22;
/** HMAC-SHA1 */
const HASH_BYTES = 20;

/** The name under which a host and port stand in known_hosts: `host`, or `[host]:port` for a port other than 22. */
export function knownHostsName(host: string, port: number = DEFAULT_PORT): string {
  const name = host.toLowerCase();
  return port === DEFAULT_PORT ? name : `[${name}]:${port}`;
}

/** `|1|salt|HMAC-SHA1(salt, name)`, as `ssh-keygen -H` writes names. */
export function hashName(name: string, salt: Buffer): string {
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

function matchesHash(names: string, name: string): boolean {
  const [, version, salt, hash, ...rest] = names.split('|');
  if (version !== '1' || salt === undefined || hash === undefined || rest.length > 0) return false;
  const expected = Buffer.from(hash, 'base64');
  const saltBytes = Buffer.from(salt, 'base64');
  if (expected.length !== HASH_BYTES || saltBytes.length !== HASH_BYTES) return false;
  return timingSafeEqual(createHmac('sha1', saltBytes).update(name).digest(), expected);
}

/** Whether an entry is about `name`, which is the result of {@link knownHostsName}. */
export function entryMatches(entry: Pick<KnownHost, 'names'>, name: string): boolean {
  if (entry.names.startsWith('|')) return matchesHash(entry.names, name);
  return matchPatternList(name, entry.names.toLowerCase().split(','));
}
