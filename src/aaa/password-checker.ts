import { timingSafeEqual } from 'node:crypto';
import { Slots } from '../base/slots.ts';
import {
  derive,
  type HashScheme,
  hashPassword,
  NEW_HASH_SCHEME,
  type PasswordHash,
  schemeKey,
} from './password-hash.ts';

/** Longer passwords are refused: hashing them is work that anybody could ask for. Bytes. */
export const MAX_PASSWORD_BYTES = 1024;

/** How many checks run at a time: each takes a thread that files need too, and much memory. */
const CONCURRENT = 2;

/** How many wait for their turn; further ones are refused. */
const WAITING = 200;

/** How many of one source wait, so that nobody takes all the places. */
export const WAITING_PER_SOURCE = 50;

/** How many kinds of hashes one table may hold: a check computes one of each. */
export const MAX_SCHEMES = 4;

export interface CheckOptions {
  /** Whoever has left does not wait, and does not keep others waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Where the question comes from, as sourceOf() says it. Without it the bound of a source does not hold. */
  readonly source?: string | undefined;
  /** Asked when the turn has come: whether the answer would not count any more. */
  readonly isBarred?: (() => boolean) | undefined;
}

/**
 * Checks passwords, a few at a time. Every check computes one hash of each scheme that any user has, in the same order, so that neither an unknown name nor a user whose hash is cheap can be told by the time
 * it takes.
 */
export class PasswordChecker {
  /** One per scheme, which no password matches. */
  readonly #dummies: readonly PasswordHash[];
  readonly #slots = new Slots(CONCURRENT);
  /** How many wait of each source. */
  readonly #waiting = new Map<string, number>();

  private constructor(dummies: readonly PasswordHash[]) {
    this.#dummies = dummies;
  }

  /**
   * @param hashes all that may have to be checked
   * @throws {RangeError} where they are of more kinds than {@link MAX_SCHEMES}
   */
  static async create(hashes: readonly PasswordHash[]): Promise<PasswordChecker> {
    const schemes = new Map<string, HashScheme>();
    for (const { scheme } of hashes) schemes.set(schemeKey(scheme), scheme);
    if (schemes.size > MAX_SCHEMES)
      throw new RangeError(`the password hashes are of ${schemes.size} kinds, more than ${MAX_SCHEMES}: set some anew`);
    if (schemes.size === 0) schemes.set('', NEW_HASH_SCHEME);
    const dummies = [...schemes.values()].map((scheme) => hashPassword('no password matches this', scheme));
    return new PasswordChecker(await Promise.all(dummies));
  }

  /**
   * Whether the password belongs to the hash; false for no hash, at the same cost. `busy` where too many wait, or nothing was computed because the answer would not count.
   *
   * @throws `signal.reason` where the signal is aborted before the check has begun.
   */
  async check(
    password: string,
    hash: PasswordHash | undefined,
    { signal, source, isBarred }: CheckOptions = {},
  ): Promise<boolean | 'busy'> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
    const ofSource = source === undefined ? 0 : (this.#waiting.get(source) ?? 0);
    if (this.#slots.waiting >= WAITING || ofSource >= WAITING_PER_SOURCE) return 'busy';
    const release = await this.#wait(source, signal);
    try {
      // Others may have failed from there while this one waited: guessing on is not worth the work.
      if (isBarred?.() === true) return 'busy';
      return await this.#compute(password, hash);
    } finally {
      release();
    }
  }

  async #wait(source: string | undefined, signal: AbortSignal | undefined): Promise<() => void> {
    if (source === undefined) return await this.#slots.take(signal);
    this.#waiting.set(source, (this.#waiting.get(source) ?? 0) + 1);
    try {
      return await this.#slots.take(signal);
    } finally {
      const left = (this.#waiting.get(source) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(source);
      else this.#waiting.set(source, left);
    }
  }

  async #compute(password: string, hash: PasswordHash | undefined): Promise<boolean> {
    let matches = false;
    const key = hash === undefined ? undefined : schemeKey(hash.scheme);
    for (const dummy of this.#dummies) {
      const isOwn = hash !== undefined && schemeKey(dummy.scheme) === key;
      const against = isOwn ? hash : dummy;
      const derived = await derive(password, against.scheme, against.salt, against.hash.length);
      const equal = timingSafeEqual(derived, against.hash);
      matches ||= equal && isOwn;
    }
    return matches;
  }
}
