import { timingSafeEqual } from 'node:crypto';
import { printable } from '../base/printable.ts';
import { type AuthorizedKey, parseAuthorizedKeys } from './authorized-keys.ts';
import { hashPassword, type PasswordHash, PasswordVerifier, parsePasswordHash } from './password-hash.ts';
import type { AuthenticationType } from './ssh2-shapes.ts';

/** Somebody who may log in. */
export interface ServerUser {
  readonly name: string;
  /** In clear text; it is hashed at once and not kept. */
  readonly password?: string | undefined;
  /** A PHC string of scrypt, instead of `password`. */
  readonly passwordHash?: string | undefined;
  /** Lines in the format of authorized_keys. */
  readonly authorizedKeys?: readonly string[] | undefined;
}

interface Entry {
  readonly password: PasswordHash | undefined;
  readonly keys: readonly AuthorizedKey[];
}

/** The users of a server and the checks of what they bring. Unknown names cost the same time as known ones. */
export class UserTable {
  readonly #entries: ReadonlyMap<string, Entry>;
  /** Checked in place of the password that an unknown user does not have. */
  readonly #dummy: PasswordHash;
  readonly #verifier = new PasswordVerifier();
  /** What clients are told that they may try: the same for every name. */
  readonly methods: readonly AuthenticationType[];

  private constructor(entries: ReadonlyMap<string, Entry>, dummy: PasswordHash) {
    this.#entries = entries;
    this.#dummy = dummy;
    const all = [...entries.values()];
    const methods: AuthenticationType[] = all.some((entry) => entry.keys.length > 0) ? ['publickey'] : [];
    if (all.some((entry) => entry.password !== undefined)) methods.push('password', 'keyboard-interactive');
    this.methods = methods;
  }

  /**
   * Prepares the table.
   *
   * @param warn told of authorized_keys lines that give no key
   * @throws {TypeError} for a name that is empty, given twice or not printable, or for an empty password. {RangeError} for a malformed hash.
   */
  static async create(users: readonly ServerUser[], warn: (text: string) => void): Promise<UserTable> {
    const entries = new Map<string, Entry>();
    for (const user of users) {
      if (user.name === '' || user.name.includes('\ufffd') || printable(user.name) !== user.name) {
        throw new TypeError(`user ${JSON.stringify(user.name)}: a name is not empty and has printable characters only`);
      }
      if (entries.has(user.name)) throw new TypeError(`user ${user.name}: given twice`);
      if (user.password === '') throw new TypeError(`user ${user.name}: the password is empty`);
      const { keys, rejected } = parseAuthorizedKeys(user.authorizedKeys ?? []);
      for (const { line, reason } of rejected)
        warn(`authorized keys of ${user.name}, line ${line}: ${printable(reason)}`);
      entries.set(user.name, { keys, password: await passwordOf(user) });
    }
    const dearest = [...entries.values()].flatMap((entry) => entry.password ?? []).sort((a, b) => cost(b) - cost(a))[0];
    return new UserTable(entries, dearest ?? (await hashPassword('no password matches this')));
  }

  /** Whether the user has this password. */
  async checkPassword(name: string, password: string): Promise<boolean> {
    const hash = this.#entries.get(name)?.password;
    const matches = await this.#verifier.verify(password, hash ?? this.#dummy);
    return matches && hash !== undefined;
  }

  /** The user's key with these public bytes, if there is one. */
  findKey(name: string, blob: Uint8Array): AuthorizedKey | undefined {
    let found: AuthorizedKey | undefined;
    for (const key of this.#entries.get(name)?.keys ?? []) {
      if (key.blob.length === blob.length && timingSafeEqual(key.blob, blob)) found = key;
    }
    return found;
  }
}

async function passwordOf(user: ServerUser): Promise<PasswordHash | undefined> {
  if (user.passwordHash !== undefined) return parsePasswordHash(user.passwordHash);
  return user.password === undefined ? undefined : await hashPassword(user.password);
}

function cost({ ln, r, p }: PasswordHash): number {
  return 2 ** ln * r * p;
}
