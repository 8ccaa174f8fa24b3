import { timingSafeEqual } from 'node:crypto';
import { sourceOf } from './address.ts';
import type { Authenticated, AuthenticationMethod, AuthenticationQuestion, Factor } from './authentication.ts';
import type { AuthorizationMethod } from './authorization.ts';
import type { AuthorizedKey } from './authorized-keys.ts';
import { Chains } from './chains.ts';
import { type LocalUser, type PreparedUser, prepareUser } from './local-user.ts';
import type { Answer } from './method-list.ts';
import { PasswordChecker } from './password-checker.ts';

/** The method's name. */
const LOCAL = 'local';

/**
 * The method `local`: the server's own users. A name it does not know is an error, so that the next method is asked (as on Cisco IOS); a known user with a wrong credential, or one who is
 * disabled, is refused. All of these cost the same time.
 */
export class LocalUsers implements AuthenticationMethod {
  readonly name: string = LOCAL;
  /** What any user has: the same for every name. */
  readonly offers: readonly Factor[];
  readonly #users: ReadonlyMap<string, PreparedUser>;
  readonly #checker: PasswordChecker;
  /** Milliseconds since 1970. */
  readonly #now: () => number;

  private constructor(users: ReadonlyMap<string, PreparedUser>, checker: PasswordChecker, now: () => number) {
    this.#users = users;
    this.#checker = checker;
    this.#now = now;
    const all = [...users.values()];
    const offers: Factor[] = all.some(({ keys }) => keys.length > 0) ? ['publickey'] : [];
    if (all.some(({ password }) => password !== undefined)) offers.push('password');
    this.offers = offers;
  }

  /**
   * Prepares the table.
   *
   * @param warn told of authorized_keys lines that give no key, and of users who cannot get in
   * @throws {TypeError} {RangeError} for data that make no sense; see prepareUser(). A name given twice makes none.
   */
  static async create(
    users: readonly LocalUser[],
    warn: (text: string) => void,
    now: () => number = Date.now,
  ): Promise<LocalUsers> {
    const table = new Map<string, PreparedUser>();
    for (const user of users) {
      const prepared = await prepareUser(user, warn);
      if (table.has(user.name)) throw new TypeError(`user ${user.name}: given twice`);
      for (const factor of missing(prepared)) warn(`user ${user.name} needs a ${factor} to log in and has none`);
      table.set(user.name, prepared);
    }
    const hashes = [...table.values()].flatMap((user) => user.password ?? []);
    return new LocalUsers(table, await PasswordChecker.create(hashes), now);
  }

  /** How many users there are. */
  get size(): number {
    return this.#users.size;
  }

  async ask(
    question: AuthenticationQuestion,
    options: { readonly signal: AbortSignal },
  ): Promise<Answer<Authenticated>> {
    const user = this.#users.get(question.user);
    const { credential, proven } = question;
    const key = credential.kind === 'publickey' ? this.#findKey(user, question, credential.blob) : undefined;
    // Computed whatever comes of it: nothing below may depend on whether there is such a user.
    const isRight =
      credential.kind === 'publickey'
        ? key !== undefined
        : await this.#checker.check(credential.password, user?.password, {
            signal: options.signal,
            source: sourceOf(question.source.address),
            isBarred: question.isBarred,
          });
    // Not an error: a method behind this one must not be reached by making this one busy.
    if (isRight === 'busy') return { kind: 'refuse', reason: 'too many logins at a time', busy: true };
    if (user === undefined) return { kind: 'error', reason: 'unknown user' };
    if (user.disabled) return { kind: 'refuse', reason: 'the user is disabled' };
    const remaining = user.chains.after(proven, credential.kind);
    if (!isRight) return { kind: 'refuse', reason: credential.kind === 'password' ? 'wrong password' : 'unknown key' };
    if (remaining === undefined) return { kind: 'refuse', reason: `not by ${credential.kind} at this point` };
    const { name, privilege, groups } = user;
    return {
      kind: 'pass',
      value: { principal: { user: name, privilege, groups, method: LOCAL }, remaining, key: key?.fingerprint },
    };
  }

  /** The user's key with these public bytes that may be used now and from there, if there is one. */
  #findKey(
    user: PreparedUser | undefined,
    { source }: AuthenticationQuestion,
    blob: Uint8Array,
  ): AuthorizedKey | undefined {
    let found: AuthorizedKey | undefined;
    for (const key of user?.keys ?? []) {
      if (key.blob.length !== blob.length || !timingSafeEqual(key.blob, blob)) continue;
      const { from, expiresMs } = key.options;
      const isValid = (from?.allow(source.address) ?? true) && (expiresMs === undefined || this.#now() < expiresMs);
      if (isValid) found ??= key;
    }
    return found;
  }

  /** The method `local` of authorization: who is a user here may, with the privilege of the table. */
  get authorization(): AuthorizationMethod {
    return {
      name: LOCAL,
      ask: async ({ principal }) => {
        const user = this.#users.get(principal.user);
        if (user === undefined) return { kind: 'error', reason: 'unknown user' };
        if (user.disabled) return { kind: 'refuse', reason: 'the user is disabled' };
        return { kind: 'pass', value: { privilege: user.privilege } };
      },
    };
  }
}

/** What a user would have to prove and cannot: nobody can get in by such a chain. */
function missing({ chains, keys, password, disabled }: PreparedUser): readonly string[] {
  if (disabled) return [];
  const has: Readonly<Record<Factor, boolean>> = { publickey: keys.length > 0, password: password !== undefined };
  if (chains === Chains.either) return has.publickey || has.password ? [] : ['key or a password'];
  const words: Readonly<Record<Factor, string>> = { publickey: 'key', password: 'password' };
  return [...chains.factors].filter((factor) => !has[factor]).map((factor) => words[factor]);
}
