import { ConnectionError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { SshTarget } from './connection.ts';

/** RFC 1035 allows 253; a longer alias in ssh_config is nobody's. */
const MAX_HOST_LENGTH = 1025;
const MAX_USER_LENGTH = 1024;

const hostShellCharacters = /['`"$\\;&<>|(){}\s\p{Cc}]/u;
const userShellCharacters = /['`";&<>|(){}\p{Cc}]/u;

function refuse(name: string, what: string): never {
  throw new ConnectionError(printable(name) || '(empty)', 'resolve', `${what} contains invalid characters`, {
    code: 'EINVAL',
  });
}

/**
 * Lets a host name through that cannot be mistaken for an option or reach a shell (a ProxyCommand holds it): the rules
 * of OpenSSH's ssh, which exist because of CVE-2023-51385.
 *
 * @throws {ConnectionError} `EINVAL`
 */
export function checkHost(host: string): string {
  if (host === '' || host.length > MAX_HOST_LENGTH || host.startsWith('-') || hostShellCharacters.test(host)) {
    refuse(host, 'hostname');
  }
  return host;
}

/**
 * Lets a remote user name through: no leading dash, no control or shell characters, no dash after white space, no
 * backslash at the end. The rules of OpenSSH's ssh, 10.1 and later.
 *
 * @throws {ConnectionError} `EINVAL`
 */
export function checkUser(user: string): string {
  const bad =
    user === '' ||
    user.length > MAX_USER_LENGTH ||
    user.startsWith('-') ||
    user.endsWith('\\') ||
    userShellCharacters.test(user) ||
    /\s-/.test(user);
  if (bad) refuse(user, 'remote username');
  return user;
}

/** Checks all parts of a target. @throws {ConnectionError} `EINVAL` */
export function checkTarget(target: SshTarget): SshTarget {
  checkHost(target.host);
  if (target.user !== undefined) checkUser(target.user);
  if (target.port !== undefined && !(Number.isInteger(target.port) && target.port >= 1 && target.port <= 65535)) {
    throw new ConnectionError(printable(target.host), 'resolve', 'port must be 1 to 65535', { code: 'EINVAL' });
  }
  return target;
}
