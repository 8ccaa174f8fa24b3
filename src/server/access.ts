import type { AuthenticationType } from 'ssh2';
import {
  type Authenticated,
  type AuthenticationMethod,
  type AuthenticationQuestion,
  authenticate,
  type Factor,
  offeredFactors,
  type Source,
} from '../aaa/authentication.ts';
import { type AuthorizationMethod, authorize } from '../aaa/authorization.ts';
import { type AaaGroup, buildLists } from '../aaa/build-lists.ts';
import type { LocalUser } from '../aaa/local-user.ts';
import { LocalUsers } from '../aaa/local-users.ts';
import { LoginGuard, type LoginGuardOptions } from '../aaa/login-guard.ts';
import type { Outcome } from '../aaa/method-list.ts';
import type { MethodLists } from '../aaa/method-words.ts';
import type { Principal } from '../aaa/principal.ts';
import { noRights, type Rights, RightsList, type RightsRule } from '../aaa/rights.ts';

/** Who may log in, and what they may do then. */
export interface AccessOptions {
  /** The users of the method `local`. */
  readonly users?: readonly LocalUser[] | undefined;
  /** Method lists in words; without them `local` decides who may log in, and everybody who has may go on. */
  readonly aaa?: MethodLists | undefined;
  /** The groups that method lists may name. */
  readonly groups?: Readonly<Record<string, AaaGroup>> | undefined;
  /** Methods of one's own for logins, in order, instead of a list in words. */
  readonly authenticate?: AuthenticationMethod | readonly AuthenticationMethod[] | undefined;
  /** Methods of one's own for sessions (question `exec`, at login) and commands (question `command`), in order, instead of lists in words. */
  readonly authorize?: AuthorizationMethod | readonly AuthorizationMethod[] | undefined;
  /** What who may do with which path. Without it the privilege decides: 15 everything, 1 to 14 list and read, 0 nothing. */
  readonly rights?: readonly RightsRule[] | undefined;
  /** Against guessing: waiting times by source, which are on by default, and quiet mode. */
  readonly loginGuard?: LoginGuardOptions | undefined;
}

/** A user who is in, with what the user may do. */
export interface Admitted {
  readonly principal: Principal;
  readonly rights: Rights;
}

/** The answers to who may come in and what they may do, for all connections of a server. */
export class Access {
  readonly guard: LoginGuard;
  /** What clients are told that they may try: the same for every name. */
  readonly offered: readonly AuthenticationType[];
  readonly #authentication: readonly AuthenticationMethod[];
  readonly #exec: readonly AuthorizationMethod[] | undefined;
  readonly #commands: readonly AuthorizationMethod[] | undefined;
  readonly #rights: RightsList;

  private constructor(
    options: AccessOptions,
    lists: { authentication: readonly AuthenticationMethod[] } & Record<
      'exec' | 'commands',
      readonly AuthorizationMethod[] | undefined
    >,
  ) {
    this.guard = new LoginGuard(options.loginGuard);
    this.#rights = new RightsList(options.rights);
    this.#authentication = lists.authentication;
    this.#exec = lists.exec;
    this.#commands = lists.commands;
    this.offered = offeredFactors(lists.authentication).flatMap(toMethods);
  }

  /** @throws {TypeError} {RangeError} for options that make no sense */
  static async create(options: AccessOptions, warn: (text: string) => void): Promise<Access> {
    const { users, aaa = {}, groups = {}, authenticate: own, authorize: ownAuthorization } = options;
    if (own !== undefined && (users !== undefined || aaa.authentication !== undefined))
      throw new TypeError('authenticate takes the place of users and of aaa.authentication: give one of them');
    if (own === undefined && users === undefined && aaa.authentication === undefined)
      throw new TypeError('nobody could log in: give users, aaa or authenticate');
    if (ownAuthorization !== undefined && aaa.authorization !== undefined)
      throw new TypeError('authorize takes the place of aaa.authorization: give one of them');
    const local = await LocalUsers.create(users ?? [], warn);
    const built = buildLists(aaa, { local, groups: new Map(Object.entries(groups)), warn });
    const authorization = ownAuthorization === undefined ? undefined : [ownAuthorization].flat();
    return new Access(options, {
      authentication: own === undefined ? built.authentication : [own].flat(),
      exec: authorization ?? built.exec,
      commands: authorization ?? built.commands,
    });
  }

  /** Asks whether a credential is right. @throws `signal.reason` */
  async authenticate(question: AuthenticationQuestion, signal: AbortSignal): Promise<Outcome<Authenticated>> {
    return await authenticate(this.#authentication, question, signal);
  }

  /** What a user may do who has proven everything. Somebody without authorization is let in, and may do nothing: clients show what commands answer, and not why a login failed. @throws `signal.reason` */
  async admit(principal: Principal, source: Source, signal: AbortSignal): Promise<Admitted> {
    if (this.#exec === undefined) return { principal, rights: this.#rights.of(principal) };
    const outcome = await authorize(this.#exec, { kind: 'exec', principal, source }, signal);
    if (outcome.kind !== 'passed') return { principal: { ...principal, privilege: 0 }, rights: noRights };
    const admitted = { ...principal, privilege: outcome.value.privilege ?? principal.privilege };
    return { principal: admitted, rights: this.#rights.of(admitted) };
  }

  /** Whether a user may run a command. @throws `signal.reason` */
  async mayRun(
    principal: Principal,
    source: Source,
    command: string,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    if (this.#commands === undefined) return true;
    const question = { kind: 'command', principal, source, command, arguments: args } as const;
    return (await authorize(this.#commands, question, signal)).kind === 'passed';
  }
}

/** What SSH calls a factor. */
export function toMethods(factor: Factor): readonly AuthenticationType[] {
  return factor === 'publickey' ? ['publickey'] : ['password', 'keyboard-interactive'];
}
