import { createHash, randomFillSync } from 'node:crypto';
import { decodeName, encodeName } from '../base/byte-name.ts';
import { MAX_NAME_BYTES } from '../base/peer-name.ts';

/** A name beside the target: `.name.<key><suffix>`. A name that is too long for that is cut, and told from others by a hash. The key is random where nobody else is to use it. */
export function besideName(name: string, key: string, suffix: string): string {
  const bytes = encodeName(name);
  const room = MAX_NAME_BYTES - `..${key}${suffix}`.length;
  if (bytes.length <= room) return `.${name}.${key}${suffix}`;
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  return `.${decodeName(bytes.subarray(0, room - digest.length - 1))}.${digest}.${key}${suffix}`;
}

const TOKEN_BYTES = 6;

/** Random bytes for the next tokens: asking for them together is what makes them cheap. */
const pool: Buffer = Buffer.alloc(128 * TOKEN_BYTES);
let used: number = pool.length;

/** A key that nobody else uses, and nobody guesses: 12 hexadecimal digits. */
export function freshToken(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const token = pool.toString('hex', used, used + TOKEN_BYTES);
  used += TOKEN_BYTES;
  return token;
}
