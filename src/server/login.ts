import ssh2, {
  type AuthContext,
  type AuthenticationType,
  type KeyboardAuthContext,
  type PublicKeyAuthContext,
} from 'ssh2';
import type { Authenticated, Credential, Factor, Source } from '../aaa/authentication.ts';
import { type Access, type Admitted, toMethods } from './access.ts';
import type { ServerLimits } from './limits.ts';

/** A login that is done. */
export interface AcceptedLogin extends Admitted {
  /** What was proven, in order, by the names of SSH: `publickey,password`. */
  readonly method: string;
  /** The fingerprint of the key, where one was used. */
  readonly key: string | undefined;
}

/** What became of one authentication request. */
type Verdict =
  | { readonly kind: 'accepted'; readonly login: AcceptedLogin }
  /** Right, and not enough. */
  | { readonly kind: 'partial'; readonly proof: Proof; readonly remaining: readonly Factor[] }
  /** The key would do; now the client has to prove that it holds the private half. */
  | { readonly kind: 'key-welcome' }
  | { readonly kind: 'refused'; readonly reason: string; readonly counts: Factor | 'busy' | 'nothing' }
  /** Nobody may log in from there now. */
  | { readonly kind: 'barred'; readonly reason: string };

/** What somebody has proven so far. */
interface Proof {
  readonly user: string;
  readonly factors: readonly Factor[];
  /** By the names of SSH. */
  readonly methods: readonly string[];
  readonly key: string | undefined;
}

/** What a login tells its connection. */
export interface LoginObserver {
  accepted(login: AcceptedLogin): void;
  /** One factor of several was right. */
  partly(user: string, method: string): void;
  refused(user: string, method: string, reason: string): void;
  /** The client has used up its tries. */
  exhausted(reason: string): void;
  /** Something that should not happen did: the connection cannot go on. */
  failed(error: unknown): void;
  warning(text: string): void;
}

export interface LoginOptions {
  readonly access: Access;
  readonly limits: ServerLimits;
  readonly source: Source;
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal;
  readonly observer: LoginObserver;
}

/** Hash algorithms that an RSA signature may use; a request without one means SHA-1. */
const rsaHashes: ReadonlySet<string | undefined> = new Set(['sha256', 'sha512']);

/** Names longer than this are nobody's, in characters. */
const MAX_USER = 256;

/** The login of one connection: checks what the client brings (RFC 4252, RFC 4256) and counts its tries. */
export class Login {
  readonly #options: LoginOptions;
  #requests = 0;
  #wrongPasswords = 0;
  #wrongKeys = 0;
  #over = false;
  #hasLoggedIn = false;
  /** For the same user only: who changes the name begins anew (RFC 4252 section 5). */
  #proof: Proof | undefined;
  /** What is being accepted. ssh2 ignores the verdict on a request that the client has given up in favour of another one. */
  #granting: AcceptedLogin | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** ssh2 has let the client in. */
  ready(): void {
    const { observer, access, source } = this.#options;
    this.#over = true;
    if (this.#granting === undefined) {
      observer.failed(new Error('logged in without a verdict'));
      return;
    }
    this.#hasLoggedIn = true;
    access.guard.succeeded(source.address);
    observer.accepted(this.#granting);
  }

  /** The connection is gone. Keys that were offered in vain count once: agents offer many, and one may be right. */
  ended(): void {
    this.#over = true;
    if (!this.#hasLoggedIn && this.#wrongKeys > 0 && this.#wrongPasswords === 0) this.#countFailure();
  }

  /** Handles a request. Never rejects. */
  async handle(context: AuthContext): Promise<void> {
    const { limits, gone, observer } = this.#options;
    try {
      if (this.#over) return;
      if (++this.#requests > limits.authenticationRequests) return this.#exhaust('too many authentication requests');
      const barred = context.method === 'none' ? undefined : this.#barred();
      this.#conclude(context, barred ?? (await this.#check(context)));
    } catch (error) {
      this.#over = true;
      // ssh2 throws where the client sends requests in an order that makes no sense.
      if (!gone.aborted) observer.failed(error);
    }
  }

  #barred(): Verdict | undefined {
    const { access, source } = this.#options;
    const reason = access.guard.refusal(source.address);
    return reason === undefined ? undefined : { kind: 'barred', reason };
  }

  async #check(context: AuthContext): Promise<Verdict> {
    if (this.#proof?.user !== context.username) this.#proof = undefined;
    switch (context.method) {
      case 'none':
        return { kind: 'refused', reason: 'no credentials', counts: 'nothing' };
      case 'password':
        // A request to change the password comes as an object.
        return await this.#password(context, context.password);
      case 'keyboard-interactive':
        return await this.#prompt(context);
      case 'publickey':
        return await this.#publicKey(context);
      case 'hostbased':
        return { kind: 'refused', reason: 'not offered', counts: 'publickey' };
      default:
        context satisfies never;
        return { kind: 'refused', reason: 'unknown method', counts: 'nothing' };
    }
  }

  async #password(context: AuthContext, password: unknown): Promise<Verdict> {
    if (!this.#offers('password')) return { kind: 'refused', reason: 'not offered', counts: 'password' };
    if (this.#wrongPasswords >= this.#options.limits.passwordTries)
      return { kind: 'refused', reason: 'no tries left', counts: 'password' };
    const answer = typeof password === 'string' ? await this.#ask(context, { kind: 'password', password }) : undefined;
    // Others may have failed from there while this one waited for its turn: then the right password tells them nothing.
    const barred = this.#barred();
    if (barred !== undefined) return barred;
    if (answer === 'busy') return { kind: 'refused', reason: 'too many logins at a time', counts: 'busy' };
    if (answer === undefined) return { kind: 'refused', reason: 'unknown user or wrong password', counts: 'password' };
    return await this.#proven(context, 'password', answer);
  }

  /** One question, for clients that ask people rather than send passwords. */
  async #prompt(context: KeyboardAuthContext): Promise<Verdict> {
    if (!this.#offers('password')) return { kind: 'refused', reason: 'not offered', counts: 'password' };
    const answers = await new Promise<unknown>((resolve) => {
      context.prompt([{ prompt: 'Password: ', echo: false }], resolve as (answers: string[]) => void);
    });
    // ssh2 calls back with an error where the client went on to something else.
    return await this.#password(context, Array.isArray(answers) && answers.length === 1 ? answers[0] : undefined);
  }

  async #publicKey(context: PublicKeyAuthContext): Promise<Verdict> {
    const { key, signature, blob, hashAlgo } = context;
    const refuse = (reason: string): Verdict => ({ kind: 'refused', reason, counts: 'publickey' });
    if (!this.#offers('publickey')) return refuse('not offered');
    if (!Buffer.isBuffer(key.data)) return refuse('malformed request');
    // ssh2 may reuse the memory of the request.
    const publicKey = Buffer.from(key.data);
    const answer = await this.#ask(context, { kind: 'publickey', blob: publicKey });
    if (answer === undefined || answer === 'busy') return refuse('unknown user or key');
    const type = blobType(publicKey);
    if (type !== key.algo) return refuse('the algorithm does not fit the key');
    if (type === 'ssh-rsa' && !rsaHashes.has(hashAlgo)) return refuse('signatures with SHA-1 are not accepted');
    if (signature === undefined) return { kind: 'key-welcome' };
    if (!verifies(type, publicKey, blob, signature, hashAlgo)) return refuse('the signature is wrong');
    return await this.#proven(context, 'publickey', answer);
  }

  #offers(factor: Factor): boolean {
    return toMethods(factor).some((method) => this.#options.access.offered.includes(method));
  }

  /** What the methods say of a credential; undefined where they do not let it pass, for whatever reason. @throws when the connection is gone */
  async #ask({ username }: AuthContext, credential: Credential): Promise<Authenticated | 'busy' | undefined> {
    const { access, source, gone } = this.#options;
    if (username.length > MAX_USER) return undefined;
    const question = {
      user: username,
      source,
      credential,
      proven: this.#proof?.factors ?? [],
      isBarred: () => this.#barred() !== undefined,
    };
    const outcome = await access.authenticate(question, gone);
    if (outcome.kind === 'refused' && outcome.busy) return 'busy';
    return outcome.kind === 'passed' ? outcome.value : undefined;
  }

  async #proven(context: AuthContext, factor: Factor, { principal, remaining, key }: Authenticated): Promise<Verdict> {
    const { access, source, gone } = this.#options;
    const proof: Proof = {
      user: context.username,
      factors: [...(this.#proof?.factors ?? []), factor],
      methods: [...(this.#proof?.methods ?? []), context.method],
      key: key ?? this.#proof?.key,
    };
    if (remaining.length > 0) return { kind: 'partial', proof, remaining };
    const admitted = await access.admit(principal, source, gone);
    return { kind: 'accepted', login: { ...admitted, method: proof.methods.join(','), key: proof.key } };
  }

  #conclude(context: AuthContext, verdict: Verdict): void {
    if (this.#over) return;
    const { observer } = this.#options;
    switch (verdict.kind) {
      case 'key-welcome':
        context.accept();
        return;
      case 'accepted':
        this.#granting = verdict.login;
        context.accept();
        this.#granting = undefined;
        return;
      case 'partial':
        this.#proof = verdict.proof;
        observer.partly(context.username, context.method);
        context.reject(verdict.remaining.flatMap<AuthenticationType>(toMethods), true);
        return;
      case 'refused':
        this.#refuse(context, verdict);
        return;
      case 'barred':
        observer.refused(context.username, context.method, verdict.reason);
        context.reject([]);
        this.#exhaust(verdict.reason);
        return;
      default:
        verdict satisfies never;
    }
  }

  #refuse(context: AuthContext, verdict: Extract<Verdict, { kind: 'refused' }>): void {
    const { access, limits, observer } = this.#options;
    if (context.method !== 'none') observer.refused(context.username, context.method, verdict.reason);
    if (verdict.counts === 'password') {
      this.#wrongPasswords++;
      this.#countFailure();
    }
    // The tries of the connection are used up by it, and nothing is held against the source.
    if (verdict.counts === 'busy') this.#wrongPasswords++;
    if (verdict.counts === 'publickey') this.#wrongKeys++;
    context.reject([...access.offered]);
    if (this.#wrongPasswords >= limits.passwordTries) this.#exhaust('too many wrong passwords');
    else if (this.#wrongKeys >= limits.publicKeyTries) this.#exhaust('too many keys that are not accepted');
  }

  #countFailure(): void {
    const { access, source, observer } = this.#options;
    const warning = access.guard.failed(source.address);
    if (warning !== undefined) observer.warning(warning);
  }

  #exhaust(reason: string): void {
    this.#over = true;
    this.#options.observer.exhausted(reason);
  }
}

/** The type name at the front of a public key blob that a method has accepted. */
function blobType(blob: Buffer): string {
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0);
  return blob.toString('latin1', 4, 4 + Math.min(length, 64));
}

/** Whether the signature over the request (RFC 4252 section 7) was made with the private half of the key. */
function verifies(
  type: string,
  publicKey: Buffer,
  signed: Buffer | undefined,
  signature: Buffer,
  hash: string | undefined,
): boolean {
  const key = ssh2.utils.parseKey(`${type} ${publicKey.toString('base64')}`);
  if (key instanceof Error || signed === undefined || key.type !== type) return false;
  // ParsedKey.verify() gives an Error for signatures it cannot read, which is true-ish.
  return (key.verify(signed, signature, hash) as unknown) === true;
}
