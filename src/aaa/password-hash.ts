import { pbkdf2, randomBytes, scrypt } from 'node:crypto';
import { parseCiscoHash } from './cisco-password.ts';

/** How a hash is computed from a password, and what it costs. */
export type HashScheme =
  /** RFC 7914. */
  | {
      readonly name: 'scrypt';
      /** The binary logarithm of the cost N. */
      readonly ln: number;
      readonly r: number;
      readonly p: number;
    }
  /** RFC 8018 section 5.2, with HMAC-SHA-256. */
  | { readonly name: 'pbkdf2-sha256'; readonly iterations: number };

/** A password as it is kept. */
export interface PasswordHash {
  readonly scheme: HashScheme;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** What new hashes are made with: 32 MiB of memory and some 60 ms on a machine of today. */
export const NEW_HASH_SCHEME: HashScheme = { name: 'scrypt', ln: 15, r: 8, p: 1 };

/** What a hash from a file may ask of the machine, in bytes. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;

/** Computes a hash. */
export function derive(password: string, scheme: HashScheme, salt: Buffer, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer): void => (error === null ? resolve(key) : reject(error));
    switch (scheme.name) {
      case 'scrypt':
        scrypt(
          password,
          salt,
          length,
          { N: 2 ** scheme.ln, r: scheme.r, p: scheme.p, maxmem: 2 * MAX_MEMORY_BYTES },
          done,
        );
        break;
      case 'pbkdf2-sha256':
        pbkdf2(password, salt, scheme.iterations, length, 'sha256', done);
        break;
      default:
        scheme satisfies never;
    }
  });
}

/** Hashes a password, by default with {@link NEW_HASH_SCHEME} and a salt of its own. */
export async function hashPassword(password: string, scheme: HashScheme = NEW_HASH_SCHEME): Promise<PasswordHash> {
  const salt = randomBytes(16);
  return { scheme, salt, hash: await derive(password, scheme, salt, 32) };
}

/** The PHC string of a hash of scrypt: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, base64 without padding. @throws {TypeError} for another scheme: such hashes are read and not written. */
export function formatPasswordHash({ scheme, salt, hash }: PasswordHash): string {
  if (scheme.name !== 'scrypt') throw new TypeError(`a hash of ${scheme.name} is not written`);
  const encode = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=${scheme.ln},r=${scheme.r},p=${scheme.p}$${encode(salt)}$${encode(hash)}`;
}

/** A string that says how a scheme is computed: two hashes that cost the same have the same. */
export function schemeKey(scheme: HashScheme): string {
  return scheme.name === 'scrypt'
    ? `scrypt ln=${scheme.ln} r=${scheme.r} p=${scheme.p}`
    : `pbkdf2-sha256 ${scheme.iterations}`;
}

/**
 * Reads a hash: a PHC string of scrypt, or one of Cisco IOS of type 8 (`$8$…`) or 9 (`$9$…`).
 *
 * @throws {RangeError} where it is none of them, or asks for more memory than a server should give (256 MiB). The text does not hold the hash.
 */
export function parsePasswordHash(text: string): PasswordHash {
  const cisco = parseCiscoHash(text);
  if (cisco !== undefined) return cisco;
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(
    text,
  );
  if (parts === null)
    throw new RangeError('not a password hash of the form $scrypt$ln=15,r=8,p=1$SALT$HASH (or $8$… and $9$… of IOS)');
  const [ln, r, p] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (ln < 10 || r < 1 || p < 1 || p > 16 || 128 * 2 ** ln * r > MAX_MEMORY_BYTES) {
    throw new RangeError('password hash: the cost is outside what is accepted (ln 10 or more, p 1 to 16, 256 MiB)');
  }
  return {
    scheme: { name: 'scrypt', ln, r, p },
    salt: Buffer.from(parts[4] ?? '', 'base64'),
    hash: Buffer.from(parts[5] ?? '', 'base64'),
  };
}
