import { type AuthenticationMethod, noAuthentication } from './authentication.ts';
import { type AuthorizationMethod, grantEverything } from './authorization.ts';
import type { LocalUsers } from './local-users.ts';
import {
  type AaaService,
  type MethodLists,
  type MethodWord,
  methodListWarnings,
  type NamedMethodLists,
  readMethodList,
} from './method-words.ts';

/** A group of servers, by what it can do. Nothing makes one yet; see ServerGroup. */
export interface AaaGroup {
  readonly authentication?: AuthenticationMethod | undefined;
  readonly authorization?: AuthorizationMethod | undefined;
}

/** What the words of method lists stand for. */
export interface AaaParts {
  readonly local: LocalUsers;
  /** By name: `tacacs+`, `radius`, or a name of one's own. */
  readonly groups: ReadonlyMap<string, AaaGroup>;
  readonly warn: (text: string) => void;
}

/** The lists of one name. Where there is none of that name, `default` counts. */
export interface BuiltLists {
  readonly authentication: readonly AuthenticationMethod[];
  /** Undefined: nobody is asked, and everybody who has logged in may. */
  readonly exec: readonly AuthorizationMethod[] | undefined;
  readonly commands: readonly AuthorizationMethod[] | undefined;
}

/**
 * Turns method lists into methods.
 *
 * @param name which lists are used
 * @throws {RangeError} for a list that makes no sense, one that is not used too, and for a name that no list has
 */
export function buildLists(lists: MethodLists, parts: AaaParts, name = 'default'): BuiltLists {
  const { authentication, authorization, accounting } = lists;
  const login = pick(authentication?.login, 'authentication login', name, parts) ?? ['local'];
  const exec = pick(authorization?.exec, 'authorization exec', name, parts);
  const commands = pick(authorization?.commands, 'authorization commands', name, parts);
  pick(accounting?.exec, 'accounting exec', name, parts);
  pick(accounting?.commands, 'accounting commands', name, parts);
  return {
    authentication: login.flatMap((word) => authenticationMethod(word, parts) ?? []),
    exec: exec?.flatMap((word) => authorizationMethod(word, parts) ?? []),
    commands: commands?.flatMap((word) => authorizationMethod(word, parts) ?? []),
  };
}

function pick(
  named: NamedMethodLists | undefined,
  service: AaaService,
  name: string,
  { groups, warn }: AaaParts,
): readonly MethodWord[] | undefined {
  if (named === undefined) return undefined;
  const names = new Set(groups.keys());
  const read = new Map(Object.entries(named).map(([key, list]) => [key, readMethodList(list, service, names)]));
  for (const list of read.values()) for (const warning of methodListWarnings(list, service)) warn(warning);
  return read.get(name) ?? read.get('default');
}

function authenticationMethod(word: MethodWord, { local, groups }: AaaParts): AuthenticationMethod | undefined {
  if (word === 'local') return local;
  return word === 'none' ? noAuthentication : groups.get(groupOf(word))?.authentication;
}

function authorizationMethod(word: MethodWord, { local, groups }: AaaParts): AuthorizationMethod | undefined {
  if (word === 'local') return local.authorization;
  if (word === 'none' || word === 'if-authenticated') return grantEverything(word);
  return groups.get(groupOf(word))?.authorization;
}

function groupOf(word: MethodWord): string {
  return word.replace(/^group /, '');
}
