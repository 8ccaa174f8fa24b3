import { type Answer, askMethods, type Method, type Outcome } from './method-list.ts';
import { isPrincipal, LEAST_PRIVILEGE, type Principal } from './principal.ts';

/** What somebody can prove to be who they say. keyboard-interactive with one question counts as a password. */
export type Factor = 'publickey' | 'password';

/** Where a connection comes from. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

/** What a client brings. */
export type Credential =
  | { readonly kind: 'password'; readonly password: string }
  /** The public key as it stands in the request (RFC 4253 section 6.6). Whoever asks checks the signature: a pass only says that this key would do. */
  | { readonly kind: 'publickey'; readonly blob: Uint8Array };

export interface AuthenticationQuestion {
  readonly user: string;
  readonly source: Source;
  readonly credential: Credential;
  /** What the same user has proven on this connection already, in order. */
  readonly proven: readonly Factor[];
  /** Whether nobody may log in from there any more, by now: then no answer counts. A method that makes questions wait asks before it does dear work. */
  readonly isBarred?: (() => boolean) | undefined;
}

/** A credential that is right. */
export interface Authenticated {
  readonly principal: Principal;
  /** What has to be proven besides: any one of these next. Empty: the user is in. */
  readonly remaining: readonly Factor[];
  /** The fingerprint of the key, where it was one. */
  readonly key?: string | undefined;
}

/** A method of `authentication login`. */
export interface AuthenticationMethod extends Method<AuthenticationQuestion, Authenticated> {
  /** What clients are offered because of it. Default: passwords. The same for every name: an offer must not tell who exists. */
  readonly offers?: readonly Factor[];
}

const factors: readonly unknown[] = ['publickey', 'password'] satisfies readonly Factor[];

function isAuthenticated(value: unknown): value is Authenticated {
  if (typeof value !== 'object' || value === null) return false;
  const { principal, remaining } = value as Partial<Record<keyof Authenticated, unknown>>;
  return isPrincipal(principal) && Array.isArray(remaining) && remaining.every((factor) => factors.includes(factor));
}

/** Asks the list of `authentication login`. Somebody else than the name that was asked for is never let in. @throws `signal.reason` */
export async function authenticate(
  methods: readonly AuthenticationMethod[],
  question: AuthenticationQuestion,
  signal: AbortSignal,
): Promise<Outcome<Authenticated>> {
  return await askMethods(methods, question, {
    signal,
    isValid: (value) => isAuthenticated(value) && value.principal.user === question.user,
  });
}

/** What a list offers to every client. */
export function offeredFactors(methods: readonly AuthenticationMethod[]): readonly Factor[] {
  const offered = new Set<Factor>(methods.flatMap((method): readonly Factor[] => method.offers ?? ['password']));
  return (['publickey', 'password'] as const).filter((factor) => offered.has(factor));
}

/** The method `none`: any password does. A key is no more than a name to it, so it does not judge keys. */
export const noAuthentication: AuthenticationMethod = {
  name: 'none',
  offers: ['password'],
  judges: ({ credential }) => credential.kind === 'password',
  ask: async ({ user }): Promise<Answer<Authenticated>> => ({
    kind: 'pass',
    value: { principal: { user, privilege: LEAST_PRIVILEGE, groups: [], method: 'none' }, remaining: [] },
  }),
};
