import { entryMatches, knownHostsName } from './match.ts';
import type { KnownHost } from './parse.ts';

/** Under which names a server is looked up. */
export interface KnownHostQuery {
  /** The name the user knows the server by, after HostName of ssh_config. */
  readonly host: string;
  readonly port: number;
  /** HostKeyAlias: looked up instead of host and port. */
  readonly alias?: string | undefined;
  /** The address connected to; only where CheckHostIP asks for it. */
  readonly address?: string | undefined;
}

/** What known_hosts says about a key that a server presented. */
export type HostKeyVerdict =
  | { readonly kind: 'match'; readonly entry: KnownHost }
  /** Other keys are known for the host. `sameType` is false where they are all of another type. */
  | { readonly kind: 'changed'; readonly entry: KnownHost; readonly sameType: boolean }
  /** Nothing is known. `authority` is set where only a certificate authority is known for the host. */
  | { readonly kind: 'unknown'; readonly authority: KnownHost | undefined }
  | { readonly kind: 'revoked'; readonly entry: KnownHost };

/** The name a server has in known_hosts. */
export function queryName(query: KnownHostQuery): string {
  return query.alias === undefined ? knownHostsName(query.host, query.port) : query.alias.toLowerCase();
}

function aboutName(entries: readonly KnownHost[], name: string): KnownHost[] {
  return entries.filter((entry) => entryMatches(entry, name));
}

/** The types of the keys known for a server, in the order of the files. */
export function knownKeyTypes(entries: readonly KnownHost[], query: KnownHostQuery): string[] {
  const plain = query.alias === undefined ? aboutName(entries, knownHostsName(query.host)) : [];
  const own = aboutName(entries, queryName(query));
  return [...new Set([...own, ...plain].filter((entry) => entry.marker === 'none').map((entry) => entry.type))];
}

/** The entry that revokes a key under any of the names of a server. */
export function findRevoked(entries: readonly KnownHost[], query: KnownHostQuery, key: Buffer): KnownHost | undefined {
  const { host, port, alias, address } = query;
  const names = [queryName(query)];
  if (alias === undefined) names.push(knownHostsName(host));
  if (alias === undefined && address !== undefined) names.push(knownHostsName(address, port));
  const revoking = entries.filter((entry) => entry.marker === 'revoked' && entry.key.equals(key));
  return revoking.find((entry) => names.some((name) => entryMatches(entry, name)));
}

/**
 * The authorities whose certificates are accepted for a server. As for plain keys, entries for the host without its port
 * count where there is none with it. Addresses are no names here: OpenSSH does not look them up for certificates.
 */
export function findAuthorities(entries: readonly KnownHost[], query: KnownHostQuery): KnownHost[] {
  const authorities = entries.filter((entry) => entry.marker === 'authority');
  const own = aboutName(authorities, queryName(query));
  if (own.length > 0 || query.alias !== undefined || query.port === 22) return own;
  return aboutName(authorities, knownHostsName(query.host));
}

function judge(
  entries: readonly KnownHost[],
  key: Buffer,
  type: string,
  offered: (type: string) => boolean,
): HostKeyVerdict {
  const revoked = entries.find((entry) => entry.marker === 'revoked' && entry.key.equals(key));
  if (revoked !== undefined) return { kind: 'revoked', entry: revoked };
  const plain = entries.filter((entry) => entry.marker === 'none');
  const match = plain.find((entry) => entry.key.equals(key));
  if (match !== undefined) return { kind: 'match', entry: match };
  const sameType = plain.find((entry) => entry.type === type);
  if (sameType !== undefined) return { kind: 'changed', entry: sameType, sameType: true };
  const otherType = plain.find((entry) => offered(entry.type));
  if (otherType !== undefined) return { kind: 'changed', entry: otherType, sameType: false };
  return { kind: 'unknown', authority: entries.find((entry) => entry.marker === 'authority') };
}

/**
 * Judges a key that a server presented.
 *
 * A host that is known only by keys of another type counts as changed, not as unknown: known types are offered first, so
 * an honest server would have shown one of them (CVE-2026-9547). Types that were not `offered`, because the
 * configuration forbids them or nobody here speaks them, do not count, since the server had no chance to show them.
 *
 * A key of a certificate authority never matches a plain key. As in OpenSSH, an entry for the host without its port
 * confirms a key for another port, but never makes it changed.
 */
export function lookUpHostKey(
  entries: readonly KnownHost[],
  query: KnownHostQuery,
  key: Buffer,
  type: string,
  offered: (type: string) => boolean = () => true,
): HostKeyVerdict {
  const verdict = judge(aboutName(entries, queryName(query)), key, type, offered);
  if (verdict.kind === 'unknown' && query.alias === undefined && query.port !== 22) {
    const withoutPort = judge(aboutName(entries, knownHostsName(query.host)), key, type, offered);
    if (withoutPort.kind === 'match' || withoutPort.kind === 'revoked') return withoutPort;
  }
  if (query.address === undefined || query.alias !== undefined || verdict.kind === 'revoked') return verdict;
  const byAddress = judge(aboutName(entries, knownHostsName(query.address, query.port)), key, type, offered);
  return byAddress.kind === 'changed' || byAddress.kind === 'revoked' ? byAddress : verdict;
}
