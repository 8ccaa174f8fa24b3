import { printable } from '../base/printable.ts';
import type { AuthorizedKey } from './authorized-keys.ts';
import { parseAuthorizedKeys } from './authorized-keys.ts';
import { Chains } from './chains.ts';
import { checkName } from './names.ts';
import { hashPassword, type PasswordHash, parsePasswordHash } from './password-hash.ts';
import { isPrivilege, MOST_PRIVILEGE } from './principal.ts';

/** Somebody who may log in, as plain data. */
export interface LocalUser {
  readonly name: string;
  /** 0 to 15. Default 15: who is listed is meant to copy, and SCP of Cisco IOS asks for 15 too. */
  readonly privilege?: number | undefined;
  /** Names that rules may refer to. */
  readonly groups?: readonly string[] | undefined;
  /** In clear text; it is hashed at once and not kept. */
  readonly password?: string | undefined;
  /** Instead of `password`: a PHC string of scrypt, or a hash of Cisco IOS of type 8 or 9. */
  readonly passwordHash?: string | undefined;
  /** Lines in the format of authorized_keys. */
  readonly authorizedKeys?: readonly string[] | undefined;
  /** What has to be proven, as AuthenticationMethods of sshd: `publickey,password` is both, in this order; of several entries any one lets in. Default: a key or the password. */
  readonly authenticationMethods?: readonly string[] | undefined;
  /** Kept, and let in by nothing. */
  readonly disabled?: boolean | undefined;
}

/** A user whose data have been checked. */
export interface PreparedUser {
  readonly name: string;
  readonly privilege: number;
  readonly groups: readonly string[];
  readonly password: PasswordHash | undefined;
  readonly keys: readonly AuthorizedKey[];
  readonly chains: Chains;
  readonly disabled: boolean;
}

/**
 * Checks a user's data and hashes a clear password.
 *
 * @param warn told of authorized_keys lines that give no key
 * @throws {TypeError} for a name that is empty or not printable, an empty password, or a password beside a hash. {RangeError} for a malformed hash, privilege or list of methods.
 */
export async function prepareUser(user: LocalUser, warn: (text: string) => void): Promise<PreparedUser> {
  checkName(user.name, 'user');
  for (const group of user.groups ?? []) checkName(group, 'group');
  const privilege = user.privilege ?? MOST_PRIVILEGE;
  if (!isPrivilege(privilege)) throw new RangeError(`user ${user.name}: privilege ${String(privilege)} is not 0 to 15`);
  const { keys, rejected } = parseAuthorizedKeys(user.authorizedKeys ?? []);
  for (const { line, reason } of rejected) warn(`authorized keys of ${user.name}, line ${line}: ${printable(reason)}`);
  return {
    name: user.name,
    privilege,
    groups: [...(user.groups ?? [])],
    keys,
    password: await passwordOf(user),
    chains: chainsOf(user),
    disabled: user.disabled === true,
  };
}

function chainsOf({ name, authenticationMethods }: LocalUser): Chains {
  if (authenticationMethods === undefined) return Chains.either;
  try {
    return Chains.parse(authenticationMethods);
  } catch (error) {
    throw named(name, error);
  }
}

async function passwordOf(user: LocalUser): Promise<PasswordHash | undefined> {
  if (user.password === '') throw new TypeError(`user ${user.name}: the password is empty`);
  if (user.password !== undefined && user.passwordHash !== undefined)
    throw new TypeError(`user ${user.name}: a password and a hash; one is enough`);
  if (user.passwordHash === undefined)
    return user.password === undefined ? undefined : await hashPassword(user.password);
  try {
    return parsePasswordHash(user.passwordHash);
  } catch (error) {
    throw named(user.name, error);
  }
}

function named(name: string, error: unknown): RangeError {
  return new RangeError(`user ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
