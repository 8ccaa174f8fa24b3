import type { AuthContext, KeyboardAuthContext, PublicKeyAuthContext } from 'ssh2';
import type { AuthorizedKey } from './authorized-keys.ts';
import type { ServerLimits } from './limits.ts';
import type { UserTable } from './users.ts';

/** What became of one authentication request. */
type Verdict =
  | { readonly kind: 'accepted'; readonly key?: string }
  /** The key would do; now the client has to prove that it holds the private half. */
  | { readonly kind: 'key-welcome' }
  | { readonly kind: 'refused'; readonly reason: string; readonly counts: 'password' | 'publickey' | 'nothing' };

/** What a login tells its connection. */
export interface LoginObserver {
  accepted(user: string, method: string, key: string | undefined): void;
  refused(user: string, method: string, reason: string): void;
  /** The client has used up its tries. */
  exhausted(reason: string): void;
  /** Something that should not happen did: the connection cannot go on. */
  failed(error: unknown): void;
}

/** Hash algorithms that an RSA signature may use; a request without one means SHA-1. */
const rsaHashes: ReadonlySet<string | undefined> = new Set(['sha256', 'sha512']);

/** The login of one connection: checks what the client brings (RFC 4252, RFC 4256) and counts its tries. */
export class Login {
  readonly #users: UserTable;
  readonly #limits: ServerLimits;
  readonly #observer: LoginObserver;
  #requests = 0;
  #wrongPasswords = 0;
  #wrongKeys = 0;
  #over = false;
  /** What is being accepted. ssh2 ignores the verdict on a request that the client has given up in favour of another one. */
  #granting: { readonly user: string; readonly method: string; readonly key: string | undefined } | undefined;

  constructor(users: UserTable, limits: ServerLimits, observer: LoginObserver) {
    this.#users = users;
    this.#limits = limits;
    this.#observer = observer;
  }

  /** ssh2 has let the client in. */
  ready(): void {
    this.#over = true;
    if (this.#granting === undefined) this.#observer.failed(new Error('logged in without a verdict'));
    else this.#observer.accepted(this.#granting.user, this.#granting.method, this.#granting.key);
  }

  /** Handles a request. Never rejects. */
  async handle(context: AuthContext): Promise<void> {
    try {
      if (this.#over) return;
      if (++this.#requests > this.#limits.authenticationRequests)
        return this.#exhaust('too many authentication requests');
      this.#conclude(context, await this.#check(context));
    } catch (error) {
      // ssh2 throws where the client sends requests in an order that makes no sense.
      this.#over = true;
      this.#observer.failed(error);
    }
  }

  async #check(context: AuthContext): Promise<Verdict> {
    switch (context.method) {
      case 'none':
        return { kind: 'refused', reason: 'no credentials', counts: 'nothing' };
      case 'password':
        // A request to change the password comes as an object.
        return await this.#password(context.username, context.password);
      case 'keyboard-interactive':
        return await this.#prompt(context);
      case 'publickey':
        return this.#publicKey(context);
      case 'hostbased':
        return { kind: 'refused', reason: 'not offered', counts: 'publickey' };
      default:
        context satisfies never;
        return { kind: 'refused', reason: 'unknown method', counts: 'nothing' };
    }
  }

  async #password(user: string, password: unknown): Promise<Verdict> {
    if (!this.#users.methods.includes('password'))
      return { kind: 'refused', reason: 'not offered', counts: 'password' };
    if (this.#wrongPasswords >= this.#limits.passwordTries)
      return { kind: 'refused', reason: 'no tries left', counts: 'password' };
    const matches = typeof password === 'string' && (await this.#users.checkPassword(user, password));
    return matches
      ? { kind: 'accepted' }
      : { kind: 'refused', reason: 'unknown user or wrong password', counts: 'password' };
  }

  /** One question, for clients that ask people rather than send passwords. */
  async #prompt(context: KeyboardAuthContext): Promise<Verdict> {
    if (!this.#users.methods.includes('password'))
      return { kind: 'refused', reason: 'not offered', counts: 'password' };
    const answers = await new Promise<unknown>((resolve) => {
      context.prompt([{ prompt: 'Password: ', echo: false }], resolve as (answers: string[]) => void);
    });
    // ssh2 calls back with an error where the client went on to something else.
    return await this.#password(
      context.username,
      Array.isArray(answers) && answers.length === 1 ? answers[0] : undefined,
    );
  }

  #publicKey(context: PublicKeyAuthContext): Verdict {
    const { username, key, signature, blob, hashAlgo } = context;
    const refuse = (reason: string): Verdict => ({ kind: 'refused', reason, counts: 'publickey' });
    if (!Buffer.isBuffer(key.data)) return refuse('malformed request');
    const known = this.#users.findKey(username, key.data);
    if (known === undefined) return refuse('unknown user or key');
    if (known.key.type !== key.algo) return refuse('the algorithm does not fit the key');
    if (key.algo === 'ssh-rsa' && !rsaHashes.has(hashAlgo)) return refuse('signatures with SHA-1 are not accepted');
    if (signature === undefined) return { kind: 'key-welcome' };
    return verifies(known, blob, signature, hashAlgo)
      ? { kind: 'accepted', key: known.fingerprint }
      : refuse('the signature is wrong');
  }

  #conclude(context: AuthContext, verdict: Verdict): void {
    if (this.#over) return;
    switch (verdict.kind) {
      case 'key-welcome':
        context.accept();
        return;
      case 'accepted':
        this.#granting = { user: context.username, method: context.method, key: verdict.key };
        context.accept();
        this.#granting = undefined;
        return;
      case 'refused':
        this.#refuse(context, verdict);
        return;
      default:
        verdict satisfies never;
    }
  }

  #refuse(context: AuthContext, verdict: Extract<Verdict, { kind: 'refused' }>): void {
    if (context.method !== 'none') this.#observer.refused(context.username, context.method, verdict.reason);
    if (verdict.counts === 'password') this.#wrongPasswords++;
    if (verdict.counts === 'publickey') this.#wrongKeys++;
    context.reject([...this.#users.methods]);
    if (this.#wrongPasswords >= this.#limits.passwordTries) this.#exhaust('too many wrong passwords');
    else if (this.#wrongKeys >= this.#limits.publicKeyTries) this.#exhaust('too many keys that are not accepted');
  }

  #exhaust(reason: string): void {
    this.#over = true;
    this.#observer.exhausted(reason);
  }
}

/** Whether the signature over the request (RFC 4252 section 7) was made with the private half of the key. */
function verifies(
  known: AuthorizedKey,
  blob: Buffer | undefined,
  signature: Buffer,
  hash: string | undefined,
): boolean {
  // ParsedKey.verify() gives an Error for signatures it cannot read, which is true-ish.
  return blob !== undefined && (known.key.verify(blob, signature, hash) as unknown) === true;
}
