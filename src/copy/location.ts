import { stripTrailingSlashes } from '../files/path.ts';

/** Where an operand of scp points. */
export type Location = LocalLocation | RemoteLocation;

export interface LocalLocation {
  readonly kind: 'local';
  readonly path: string;
}

export interface RemoteLocation {
  readonly kind: 'remote';
  readonly host: string;
  readonly user?: string;
  /** Only a URI can name a port. */
  readonly port?: number;
  /** Never empty: `.` stands for the directory where the remote side starts. */
  readonly path: string;
}

/** An operand that cannot be used. The message names it. */
export class OperandError extends Error {
  override readonly name = 'OperandError';
}

/**
 * Reads an operand as OpenSSH's scp does: purely by its text. `scp://` URIs are remote; otherwise the first colon before any slash makes it remote, with brackets
 * around IPv6 addresses. `./a:b` and `:x` are local.
 *
 * @throws {OperandError} for an URI or host that cannot be used.
 */
export function parseLocation(operand: string): Location {
  if (operand.startsWith('scp://')) return parseUri(operand);
  const colon = findColon(operand);
  if (colon < 0) return { kind: 'local', path: operand };
  const where = operand.slice(0, colon);
  const at = where.lastIndexOf('@');
  const host = stripBrackets(where.slice(at + 1));
  if (host === '') throw new OperandError(`${operand}: no host before the colon`);
  return {
    kind: 'remote',
    host,
    ...(at > 0 ? { user: where.slice(0, at) } : {}),
    path: operand.slice(colon + 1) || '.',
  };
}

/** The colon between host and path, or -1 for a local operand. */
function findColon(operand: string): number {
  if (operand.startsWith(':')) return -1;
  let bracketed = operand.startsWith('[');
  for (let i = 0; i < operand.length; i++) {
    const next = operand[i + 1];
    switch (operand[i]) {
      case '@':
        if (next === '[') bracketed = true;
        break;
      case ']':
        if (bracketed && next === ':') return i + 1;
        break;
      case ':':
        if (!bracketed) return i;
        break;
      case '/':
        return -1;
    }
  }
  return -1;
}

function stripBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** `scp://[user[;parameters]@]host[:port][/path]`. The path is relative to where the remote side starts; `//` makes it absolute. */
function parseUri(uri: string): RemoteLocation {
  const invalid = (why: string): never => {
    throw new OperandError(`${withoutPassword(uri)}: invalid uri: ${why}`);
  };
  const rest = uri.slice('scp://'.length);
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '' : decodePart(rest.slice(slash + 1), invalid);
  const at = authority.lastIndexOf('@');
  // scp would hand both to ssh as one name, which ends up in lists of processes, messages, and logs of the server.
  if (at >= 0 && authority.slice(0, at).split(';')[0]?.includes(':') === true)
    invalid('a password in it helps nobody log in: leave it out (a colon in a user name is %3A)');
  const user = at < 0 ? undefined : decodePart(authority.slice(0, at).split(';')[0] ?? '', invalid);
  if (user === '') invalid('the user is empty');
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(authority.slice(at + 1)) ?? invalid('host and port');
  const host = parts[1] ?? parts[2] ?? '';
  if (!/^[A-Za-z0-9_.:%-]+$/.test(host) || host.startsWith('-'))
    invalid('the host is empty or has characters that no host has');
  const portText = parts[3];
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (!/^[0-9]+$/.test(portText ?? '') || port < 1 || port > 65535))
    invalid('the port is not 1 to 65535');
  return {
    kind: 'remote',
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    path: path || '.',
  };
}

/** A URI as messages may show it. What follows a colon counts as a password where an `@` comes after it, unless it is a port. */
function withoutPassword(uri: string): string {
  return uri.replace(/^(scp:\/\/[^/:@]*):(?![0-9]{1,5}\/).*@/s, '$1:***@');
}

/** Percent-decoding as OpenSSH does it: `+` is a space. */
function decodePart(text: string, invalid: (why: string) => never): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return invalid('a percent sign is not followed by two hexadecimal digits of UTF-8');
  }
  if (decoded.includes('\0')) invalid('%00 is not allowed');
  return decoded;
}

/**
 * Whether a user name may be handed to `ssh` and to what it runs. OpenSSH's okname(): no 8-bit characters, quotes, backquotes, spaces, `\` or `#`; here control characters and a
 * leading dash are refused too.
 */
export function isSafeUser(user: string): boolean {
  return user !== '' && !/[^\x21-\x7e]|["'`\\#]/.test(user) && !user.startsWith('-');
}

/** How messages name a location. */
export function describeLocation(location: Location): string {
  if (location.kind === 'local') return location.path;
  const host = location.host.includes(':') ? `[${location.host}]` : location.host;
  return `${location.user === undefined ? '' : `${location.user}@`}${host}:${location.path}`;
}

/** True where the path asks for what is inside a directory rather than for the directory: its last component is `.` or `..`. */
export function meansContents(path: string): boolean {
  return /(?:^|\/)\.\.?$/.test(stripTrailingSlashes(path));
}
