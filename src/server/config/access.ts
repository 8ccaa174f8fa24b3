import type { LocalUser } from '../../aaa/local-user.ts';
import type { LoginGuardOptions } from '../../aaa/login-guard.ts';
import type { RightsRule } from '../../aaa/rights.ts';
import type { AccessOptions } from '../access.ts';
import type { AaaConfig, RightsRuleConfig, ServeConfig, UserConfig } from './config.ts';

/** Who may log in and what they may do, as a configuration says it. */
export function accessOptions(config: ServeConfig, users: readonly LocalUser[]): AccessOptions {
  const { authentication, authorization } = config.aaa;
  const { exec, commands } = authorization;
  return {
    users,
    aaa: {
      authentication: { login: { default: authentication.login } },
      authorization: {
        ...(exec === undefined ? {} : { exec: { default: exec } }),
        ...(commands === undefined ? {} : { commands: { default: commands } }),
      },
    },
    // No rules at all are not the same as rules that fit nobody.
    rights: config.rights.length === 0 ? undefined : config.rights.map(toRule),
    loginGuard: toGuard(config.aaa),
  };
}

/** @param keys lines in the format of authorized_keys, from wherever */
export function toLocalUser(user: UserConfig, keys: readonly string[]): LocalUser {
  const { name, privilege, groups, passwordHash, require, disabled } = user;
  const authenticationMethods = require.length === 0 ? undefined : [require.join(',')];
  return { name, privilege, groups, passwordHash, authorizedKeys: keys, authenticationMethods, disabled };
}

function toRule({ users, groups, privilege, paths, allow }: RightsRuleConfig): RightsRule {
  return {
    users: users.length === 0 ? undefined : users,
    groups: groups.length === 0 ? undefined : groups,
    minPrivilege: privilege,
    paths,
    allow,
  };
}

function toGuard({ blockFor, penalties, exempt }: AaaConfig): LoginGuardOptions {
  const { enabled, free, first, longest, forget } = penalties;
  const waits = { free, firstSeconds: first / 1000, maxSeconds: longest / 1000, forgetSeconds: forget / 1000 };
  const { time, attempts, within } = blockFor;
  const quiet = { blockForSeconds: Math.ceil(time / 1000), attempts, withinSeconds: Math.ceil(within / 1000) };
  return { penalties: enabled ? waits : false, quietMode: time === 0 ? undefined : quiet, exempt };
}
