import { type KeyOptions, readKeyOptions } from './key-options.ts';
import { checkPublicKey, keyFingerprint, keyTypes } from './public-key.ts';

/** A public key that lets its owner in. */
export interface AuthorizedKey {
  /** `ssh-ed25519` and so on. */
  readonly type: string;
  /** The public key as it stands in requests (RFC 4253 section 6.6). */
  readonly blob: Buffer;
  /** `SHA256:…` */
  readonly fingerprint: string;
  readonly options: KeyOptions;
}

/** A line of an authorized_keys file that gives no key. */
export interface RejectedLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** Longer lines are not read, in characters. */
export const MAX_KEY_LINE: number = 32 * 1024;

/**
 * Reads lines in the format of authorized_keys (sshd(8)). A line whose options cannot all be honoured is rejected: to ignore `command=` or `principals=` would give more
 * than its author allowed. Any text gives a result.
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
    try {
      keys.push(parseLine(line));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      rejected.push({ line: index + 1, reason: error.message });
    }
  }
  return { keys, rejected };
}

/** @throws {RangeError} why there is no key */
function parseLine(line: string): AuthorizedKey {
  if (line.length > MAX_KEY_LINE) throw new RangeError('the line is too long');
  const read = isKeyType(line) ? { options: {}, rest: line } : readKeyOptions(line);
  if (read === undefined) throw new RangeError('neither a key nor a list of options');
  const [type = '', base64 = ''] = read.rest.split(/[ \t]+/);
  if (!keyTypes.has(type)) throw new RangeError(`key type ${type.slice(0, 60)} is not supported`);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new RangeError('the key is not base64');
  const blob = Buffer.from(base64, 'base64');
  checkPublicKey(type, blob);
  return { type, blob, fingerprint: keyFingerprint(blob), options: read.options };
}

function isKeyType(line: string): boolean {
  return /^(?:ssh-|ecdsa-sha2-|sk-)[^ \t]*[ \t]+AAAA/.test(line);
}
