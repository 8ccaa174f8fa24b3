import { createPublicKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { fingerprint } from '../ssh/known-hosts/fingerprint.ts';
import type { ParsedKey } from './ssh2-shapes.ts';

/** A public key that lets its owner in. */
export interface AuthorizedKey {
  readonly key: ParsedKey;
  /** The public key as it stands in requests (RFC 4253 section 6.6). */
  readonly blob: Buffer;
  /** `SHA256:…` */
  readonly fingerprint: string;
}

/** A line of an authorized_keys file that gives no key. */
export interface RejectedLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** Types that can verify a signature without SHA-1. */
const types: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
]);

/** Shorter RSA keys can be broken. Bits. */
const SMALLEST_RSA_BITS = 2048;

/** Options that take away what this server does not give anyway. Every other option would have to be obeyed, and is not. */
const harmless: ReadonlySet<string> = new Set([
  'restrict',
  'no-agent-forwarding',
  'no-port-forwarding',
  'no-pty',
  'no-user-rc',
  'no-x11-forwarding',
]);

/**
 * Reads lines in the format of authorized_keys (sshd(8)). A line whose options cannot all be honoured is rejected: to ignore `from=` or `command=` would give more
 * than its author allowed.
 */
export function parseAuthorizedKeys(lines: readonly string[]): {
  readonly keys: AuthorizedKey[];
  readonly rejected: RejectedLine[];
} {
  const keys: AuthorizedKey[] = [];
  const rejected: RejectedLine[] = [];
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const result = parseLine(line);
    if (typeof result === 'string') rejected.push({ line: index + 1, reason: result });
    else keys.push(result);
  }
  return { keys, rejected };
}

/** The key, or why there is none. */
function parseLine(line: string): AuthorizedKey | string {
  let rest = line;
  if (!isKeyType(line)) {
    const options = splitOptions(line);
    if (options === undefined) return 'neither a key nor a list of options';
    const unknown = options.names.find((name) => !harmless.has(name));
    if (unknown !== undefined) return `option ${unknown.slice(0, 40)} is not supported, so the key is not accepted`;
    rest = options.rest;
  }
  const [type = '', base64 = ''] = rest.split(/[ \t]+/);
  if (!types.has(type)) return `key type ${type.slice(0, 60)} is not supported`;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return 'the key is not base64';
  const key = ssh2.utils.parseKey(`${type} ${base64}`);
  if (key instanceof Error) return 'the key is malformed';
  const bits = type === 'ssh-rsa' ? rsaBits(key) : undefined;
  if (bits !== undefined && bits < SMALLEST_RSA_BITS)
    return `an RSA key of ${bits} bits is too short (${SMALLEST_RSA_BITS} at least)`;
  const blob = key.getPublicSSH();
  return { key, blob, fingerprint: fingerprint(blob) };
}

function rsaBits(key: ParsedKey): number {
  return createPublicKey(key.getPublicPEM()).asymmetricKeyDetails?.modulusLength ?? 0;
}

function isKeyType(line: string): boolean {
  return /^(?:ssh-|ecdsa-sha2-|sk-)[^ \t]*[ \t]+AAAA/.test(line);
}

/** The options at the front of a line: names in lower case, values may be quoted and hold blanks. */
function splitOptions(line: string): { names: string[]; rest: string } | undefined {
  const names: string[] = [];
  let at = 0;
  for (;;) {
    const option = /^([A-Za-z0-9-]+)(?:=(?:"(?:[^"\\]|\\.)*"|[^ \t,"]*))?/.exec(line.slice(at));
    if (option === null) return undefined;
    names.push((option[1] ?? '').toLowerCase());
    at += option[0].length;
    if (line[at] !== ',') break;
    at++;
  }
  return /[ \t]/.test(line[at] ?? '') ? { names, rest: line.slice(at).trim() } : undefined;
}
