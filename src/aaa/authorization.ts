import type { Source } from './authentication.ts';
import { type Answer, askMethods, type Method, type Outcome } from './method-list.ts';
import { isPrivilege, type Principal } from './principal.ts';

export type AuthorizationQuestion =
  /** May this user have a session at all, and with which privilege? (authorization exec) */
  | { readonly kind: 'exec'; readonly principal: Principal; readonly source: Source }
  /** May this user run this? (authorization commands) `scp` with its arguments, or `sftp` without. */
  | {
      readonly kind: 'command';
      readonly principal: Principal;
      readonly source: Source;
      readonly command: string;
      readonly arguments: readonly string[];
    };

/** What an authorization grants. */
export interface Grant {
  /** The privilege to go on with, where the method sets one. */
  readonly privilege?: number | undefined;
}

/** A method of `authorization exec` or `authorization commands`. */
export type AuthorizationMethod = Method<AuthorizationQuestion, Grant>;

/** Asks a list of authorization. @throws `signal.reason` */
export async function authorize(
  methods: readonly AuthorizationMethod[],
  question: AuthorizationQuestion,
  signal: AbortSignal,
): Promise<Outcome<Grant>> {
  return await askMethods(methods, question, { signal, isValid: isGrant });
}

function isGrant(value: unknown): value is Grant {
  if (typeof value !== 'object' || value === null) return false;
  const { privilege } = value as { privilege?: unknown };
  return privilege === undefined || isPrivilege(privilege);
}

/** The methods `none` and `if-authenticated`: who has logged in may. */
export function grantEverything(name: 'none' | 'if-authenticated'): AuthorizationMethod {
  return { name, ask: async (): Promise<Answer<Grant>> => ({ kind: 'pass', value: {} }) };
}
