import { isLoopback } from '../listen-address.ts';
import type { MethodName, ServeConfig, UserConfig } from './config.ts';
import { nearest } from './nearest.ts';
import { checkNotYet } from './not-yet.ts';
import type { ReportProblem } from './parse.ts';

/** What a type alone cannot say: names that must be known or different, keys that exclude each other, what is not there yet. */
export function checkRules(config: ServeConfig, report: ReportProblem): void {
  const roots = config.roots.map(({ name }) => name);
  unique(roots, (index) => report(`roots[${index}].name`, 'another root has this name'));
  unique(
    config.roots.map(({ prefix }) => prefix?.toLowerCase()),
    (index) => report(`roots[${index}].prefix`, 'another root has this prefix'),
  );
  if (config.banner !== undefined && config.bannerFile !== undefined)
    report('banner-file', 'excludes banner; give one of them');
  if (config.users.length === 0 && config.usersFile === undefined)
    report('users', 'nobody could log in; give users or users-file');
  checkUsers(config.users, report);
  for (const [index, user] of config.users.entries()) checkRootNames(user, roots, `users[${index}]`, report);
  const { listen, public: isPublic } = config.metrics;
  if (listen !== undefined && !isPublic && !isLoopback(listen.address))
    report(
      'metrics.listen',
      `${JSON.stringify(listen.address)} can be reached by other machines; use 127.0.0.1 or [::1], or set metrics.public: true`,
    );
  checkMethods(config, report);
  checkNotYet(config, report);
}

/** The rules of users, which are the same in a file of their own. */
export function checkUsers(users: readonly UserConfig[], report: ReportProblem): void {
  unique(
    users.map(({ name }) => name),
    (index) => report(`users[${index}].name`, 'another user has this name'),
  );
  for (const [index, user] of users.entries()) {
    const key = `users[${index}]`;
    const hasKeys = user.authorizedKeys.length > 0 || user.authorizedKeysFile !== undefined;
    const hasPassword = user.passwordHash !== undefined;
    if (!hasKeys && !hasPassword && !user.disabled)
      report(
        key,
        'has neither keys nor a password; give password-hash, authorized-keys or authorized-keys-file, or disabled: true',
      );
    if (user.require.includes('publickey') && !hasKeys)
      report(`${key}.require`, 'asks for a public key, and there is none');
    if (user.require.includes('password') && !hasPassword)
      report(`${key}.require`, 'asks for a password, and there is none');
  }
}

/** @param key of the user */
export function checkRootNames(user: UserConfig, roots: readonly string[], key: string, report: ReportProblem): void {
  for (const [index, name] of user.roots.entries()) {
    if (roots.includes(name)) continue;
    const close = nearest(name, roots);
    const hint = close === undefined ? `known: ${roots.join(', ')}` : `did you mean ${close}?`;
    report(`${key}.roots[${index}]`, `no root has the name ${JSON.stringify(name)}; ${hint}`);
  }
}

function checkMethods({ aaa }: ServeConfig, report: ReportProblem): void {
  const lists: readonly [string, readonly MethodName[]][] = [
    ['aaa.authentication.login', aaa.authentication.login],
    ['aaa.authorization.exec', aaa.authorization.exec],
    ['aaa.authorization.commands', aaa.authorization.commands],
    ['aaa.accounting.exec', aaa.accounting.exec],
    ['aaa.accounting.commands', aaa.accounting.commands],
  ];
  for (const [key, methods] of lists) {
    unique(methods, (index) => report(`${key}[${index}]`, 'is in the list already'));
    for (const [index, method] of methods.entries())
      if (method.startsWith('group ')) report(`${key}[${index}]`, `"${method}" is not available yet; use local`);
  }
  const none = aaa.authentication.login.indexOf('none');
  if (none >= 0)
    report(`aaa.authentication.login[${none}]`, '"none" would let everybody in; it is not allowed for logins');
}

function unique(values: readonly (string | undefined)[], twice: (index: number) => void): void {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    if (seen.has(value)) twice(index);
    seen.add(value);
  }
}
