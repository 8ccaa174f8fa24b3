import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** A password hash of scrypt (RFC 7914), as PHC strings write it: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, base64 without padding. */
export interface PasswordHash {
  /** The binary logarithm of the cost N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** 32 MiB of memory and some 60 ms on a machine of today. */
const LN = 15;
const R = 8;
const P = 1;

/** What a hash from a file may ask of the machine, in bytes. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;

/** Longer passwords are refused: hashing them is work that anybody could ask for. Bytes. */
export const MAX_PASSWORD_BYTES = 1024;

function derive(password: string, { ln, r, p, salt, hash }: PasswordHash): Promise<Buffer> {
  const options = { N: 2 ** ln, r, p, maxmem: 2 * MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** Hashes a password. */
export async function hashPassword(password: string): Promise<PasswordHash> {
  const empty = { ln: LN, r: R, p: P, salt: randomBytes(16), hash: Buffer.alloc(32) };
  return { ...empty, hash: await derive(password, empty) };
}

/** The PHC string of a hash. */
export function formatPasswordHash({ ln, r, p, salt, hash }: PasswordHash): string {
  const encode = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=${ln},r=${r},p=${p}$${encode(salt)}$${encode(hash)}`;
}

/**
 * Reads a PHC string.
 *
 * @throws {RangeError} where it is not one of scrypt, or asks for more memory than a server should give (256 MiB).
 */
export function parsePasswordHash(text: string): PasswordHash {
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(
    text,
  );
  if (parts === null) throw new RangeError('not a password hash of the form $scrypt$ln=15,r=8,p=1$SALT$HASH');
  const [ln, r, p] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (ln < 10 || r < 1 || p < 1 || p > 16 || 128 * 2 ** ln * r > MAX_MEMORY_BYTES) {
    throw new RangeError('password hash: the cost is outside what is accepted (ln 10 or more, p 1 to 16, 256 MiB)');
  }
  return { ln, r, p, salt: Buffer.from(parts[4] ?? '', 'base64'), hash: Buffer.from(parts[5] ?? '', 'base64') };
}

/** How many hashes are computed at a time: each takes a thread that files need too, and much memory. */
const CONCURRENT = 2;

/** How many wait for their turn; further ones are refused. */
const WAITING = 200;

/** Verifies passwords, a few at a time. */
export class PasswordVerifier {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Whether the password belongs to the hash. Takes the same time for right and wrong ones. False where too many wait. */
  async verify(password: string, hash: PasswordHash): Promise<boolean> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES || this.#waiting.length >= WAITING) return false;
    if (this.#running >= CONCURRENT) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return timingSafeEqual(await derive(password, hash), hash.hash);
    } finally {
      // The place goes straight to the next in line, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
