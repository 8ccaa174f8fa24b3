import type { PasswordHash } from './password-hash.ts';

/** The alphabet of Cisco's base64, in the order of the values 0 to 63. */
const ciscoAlphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const standardAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** What every device XORs passwords of type 7 with. */
const type7Key = 'dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87';

/** Decodes the base64 that stands in hashes of IOS. */
function decodeCiscoBase64(text: string): Buffer {
  const standard = Array.from(text, (character) => standardAlphabet[ciscoAlphabet.indexOf(character)]);
  return Buffer.from(standard.join(''), 'base64');
}

/**
 * Reads a hash of IOS: type 8 is PBKDF2 with HMAC-SHA-256 and 20,000 rounds, type 9 is scrypt with N = 16,384, r = 1, p = 1. The salt is used as the 14 characters that it is written with.
 *
 * @returns undefined where the text is neither
 */
export function parseCiscoHash(text: string): PasswordHash | undefined {
  const parts = /^\$([89])\$([./0-9A-Za-z]{14})\$([./0-9A-Za-z]{43})$/.exec(text);
  if (parts === null) return undefined;
  return {
    scheme: parts[1] === '8' ? { name: 'pbkdf2-sha256', iterations: 20_000 } : { name: 'scrypt', ln: 14, r: 1, p: 1 },
    salt: Buffer.from(parts[2] ?? '', 'latin1'),
    hash: decodeCiscoBase64(parts[3] ?? ''),
  };
}

/**
 * Decodes a password of type 7, which is hidden and not protected: two digits say where in a known key its XOR begins.
 *
 * @throws {RangeError} where it is none
 */
export function decodeType7(text: string): string {
  const parts = /^(\d\d)((?:[0-9A-Fa-f]{2}){1,128})$/.exec(text);
  const start = Number(parts?.[1]);
  if (parts === null || start >= type7Key.length) throw new RangeError('not a password of type 7');
  const hidden = Buffer.from(parts[2] ?? '', 'hex');
  const clear = hidden.map((byte, at) => byte ^ type7Key.charCodeAt((start + at) % type7Key.length));
  return Buffer.from(clear).toString('utf8');
}

/** A user as a line of an IOS configuration has it. */
export interface CiscoUser {
  readonly name: string;
  readonly privilege: number | undefined;
  /** Exactly one of the two. */
  readonly passwordHash?: string;
  /** In clear text: types 0 and 7. */
  readonly password?: string;
  /** The type of the password: 0, 7, 8 or 9. */
  readonly type: number;
}

/**
 * Reads a line `username NAME [privilege N] password|secret [TYPE] VALUE` of an IOS configuration.
 *
 * @returns undefined for any other line
 * @throws {RangeError} for a password that cannot be taken over: types 4, 5 and 6. Texts hold no secret.
 */
export function parseCiscoUser(line: string): CiscoUser | undefined {
  const parts =
    /^\s*username\s+(\S+)((?:\s+privilege\s+\d+|\s+algorithm-type\s+\S+)*)\s+(?:password|secret)\s+(?:(\d)\s+)?(\S.*?)\s*$/.exec(
      line,
    );
  if (parts === null) return undefined;
  const [, name = '', options = '', type = '0', value = ''] = parts;
  const level = /privilege\s+(\d+)/.exec(options)?.[1];
  const privilege = level === undefined ? undefined : Number(level);
  if (privilege !== undefined && privilege > 15)
    throw new RangeError(`user ${name}: privilege ${privilege} is above 15`);
  const common = { name, privilege, type: Number(type) };
  switch (type) {
    case '0':
      return { ...common, password: value };
    case '7':
      return { ...common, password: decodeType7(value) };
    case '8':
    case '9':
      if (parseCiscoHash(value) === undefined || value[1] !== type)
        throw new RangeError(`user ${name}: not a hash of type ${type}`);
      return { ...common, passwordHash: value };
    default:
      throw new RangeError(`user ${name}: passwords of type ${type} cannot be taken over; set a new one`);
  }
}
