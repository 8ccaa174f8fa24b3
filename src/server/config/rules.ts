import { isLoopback } from '../listen-address.ts';
import type { MethodName, RightsRuleConfig, RootConfig, ServeConfig, UserConfig } from './config.ts';
import { nearest } from './nearest.ts';
import type { ReportProblem } from './parse.ts';

/** What a type alone cannot say: names that must be known or different, keys that exclude each other, what is not there yet. */
export function checkRules(config: ServeConfig, report: ReportProblem): void {
  const roots = config.roots.map(({ name }) => name);
  unique(roots, (index) => report(`roots[${index}].name`, 'another root has this name'));
  unique(
    config.roots.map(({ prefix }) => prefix?.toLowerCase()),
    (index) => report(`roots[${index}].prefix`, 'another root has this prefix'),
  );
  for (const [index, root] of config.roots.entries()) checkAccept(root, `roots[${index}]`, report);
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
  for (const [index, rule] of config.rights.entries()) checkRule(rule, config, `rights[${index}]`, report);
}

function checkAccept(
  { accept, keys, nvram, product, types, mode }: RootConfig,
  key: string,
  report: ReportProblem,
): void {
  if (accept === 'signed') {
    if (keys === undefined) report(`${key}.accept`, 'needs keys: the key storage whose keys vouch for images');
    if (mode === 'read-only') report(`${key}.accept`, 'has no meaning where nothing can be written; leave it out');
    return;
  }
  const without = 'means something only with accept: signed';
  if (keys !== undefined) report(`${key}.keys`, without);
  if (nvram !== undefined) report(`${key}.nvram`, without);
  if (product !== undefined) report(`${key}.product`, without);
  if (types.length > 0) report(`${key}.types`, without);
}

function checkUsers(users: readonly UserConfig[], report: ReportProblem): void {
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
function checkRootNames(user: UserConfig, roots: readonly string[], key: string, report: ReportProblem): void {
  for (const [index, name] of user.roots.entries()) {
    if (roots.includes(name)) continue;
    const close = nearest(name, roots);
    const hint = close === undefined ? `known: ${roots.join(', ')}` : `did you mean ${close}?`;
    report(`${key}.roots[${index}]`, `no root has the name ${JSON.stringify(name)}; ${hint}`);
  }
}

/** A rule for somebody who is not there is a name written wrong, and gives nothing or too much. Users of a file may come and go. */
function checkRule(rule: RightsRuleConfig, config: ServeConfig, key: string, report: ReportProblem): void {
  const names = config.users.map(({ name }) => name);
  for (const [index, name] of rule.users.entries()) {
    if (config.usersFile !== undefined || names.includes(name)) continue;
    const close = nearest(name, names);
    const hint = close === undefined ? '' : `; did you mean ${close}?`;
    report(`${key}.users[${index}]`, `there is no user ${JSON.stringify(name)}${hint}`);
  }
}

function checkMethods({ aaa }: ServeConfig, report: ReportProblem): void {
  const lists: readonly [string, readonly MethodName[]][] = [
    ['aaa.authentication.login', aaa.authentication.login],
    ['aaa.authorization.exec', aaa.authorization.exec ?? []],
    ['aaa.authorization.commands', aaa.authorization.commands ?? []],
    ['aaa.accounting.exec', aaa.accounting.exec],
    ['aaa.accounting.commands', aaa.accounting.commands],
  ];
  for (const [key, methods] of lists) {
    unique(methods, (index) => report(`${key}[${index}]`, 'is in the list already'));
    for (const [index, method] of methods.entries())
      if (method.startsWith('group ')) report(`${key}[${index}]`, `"${method}" is not available yet; use local`);
  }
  checkOrder(lists, report);
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

/** Nothing behind a method that always decides is ever asked; and the words that a service does not have. */
function checkOrder(lists: readonly (readonly [string, readonly MethodName[]])[], report: ReportProblem): void {
  for (const [key, methods] of lists) {
    for (const [index, method] of methods.entries()) {
      const isSure = method === 'none' || method === 'if-authenticated';
      if (isSure && index < methods.length - 1)
        report(`${key}[${index}]`, `nothing behind "${method}" is ever asked; put it last`);
      if (method === 'if-authenticated' && !key.startsWith('aaa.authorization'))
        report(`${key}[${index}]`, '"if-authenticated" is for authorization');
      if (key.startsWith('aaa.accounting') && method === 'none')
        report(`${key}[${index}]`, '"none" is not available yet; records are always kept');
    }
  }
}
