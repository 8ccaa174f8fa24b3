import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../connection.ts';
import type { StrictHostKeyChecking } from '../host-key-check.ts';
import { checkHost, checkUser } from '../names.ts';
import type { SshEnvironment } from '../options.ts';
import { expandHome, expandTokens, type Tokens } from './tokens.ts';
import { type ConfigValues, firstWord } from './values.ts';

/** Everything the built-in transport takes from ssh_config for one host. */
export interface HostConfig {
  /** The host as the user wrote it. */
  readonly alias: string;
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** 0 is both. */
  readonly addressFamily: 0 | 4 | 6;
  readonly bindAddress: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  /** 0 is off. */
  readonly serverAliveIntervalMs: number;
  readonly serverAliveCountMax: number;
  /** Lists as the user wrote them, with `+`, `-` or `^` in front. */
  readonly ciphers: string | undefined;
  readonly macs: string | undefined;
  readonly kexAlgorithms: string | undefined;
  readonly hostKeyAlgorithms: string | undefined;
  readonly caSignatureAlgorithms: string | undefined;
  readonly compression: boolean;
  readonly identityFiles: readonly string[];
  /** False where the files are the usual ones, which may well be missing. */
  readonly identityFilesNamed: boolean;
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly identityAgent: string | undefined;
  /** Methods to try, in this order. */
  readonly authentications: readonly string[];
  readonly passwordPrompts: number;
  readonly batchMode: boolean;
  readonly strictHostKeyChecking: StrictHostKeyChecking;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly revokedHostKeys: string | undefined;
  readonly hashKnownHosts: boolean;
  readonly checkHostIp: boolean;
  readonly hostKeyAlias: string | undefined;
  readonly proxyJump: string | undefined;
  /** With its tokens still in it. */
  readonly proxyCommand: string | undefined;
  readonly tokens: Tokens;
}

const defaultIdentities: readonly string[] = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];
const defaultAuthentications: readonly string[] = ['publickey', 'keyboard-interactive', 'password'];

/** Reads single values of one host and refuses what they must not be. */
function reader(values: ConfigValues, host: string) {
  const refuse = (keyword: string, value: string): never => {
    throw new ConnectionError(printable(host), 'resolve', `${keyword}: bad value ${printable(value)}`, {
      code: 'ERR_CONFIG',
    });
  };
  const word = (keyword: string): string | undefined => firstWord(values, keyword.toLowerCase());
  return {
    refuse,
    word,
    /** `none` counts as absent. */
    name: (keyword: string): string | undefined =>
      word(keyword)?.toLowerCase() === 'none' ? undefined : word(keyword),
    flag(keyword: string, standard: boolean): boolean {
      const value = word(keyword)?.toLowerCase();
      if (value === undefined) return standard;
      if (value === 'yes' || value === 'true') return true;
      if (value === 'no' || value === 'false') return false;
      return refuse(keyword, value);
    },
    count(keyword: string, standard: number, least = 0, most = 2 ** 31 - 1): number {
      const value = word(keyword);
      if (value === undefined || value === 'none') return standard;
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
      return number >= least && number <= most ? number : refuse(keyword, value);
    },
    /** Seconds, or a time of sshd_config(5) such as `1m30s`, in milliseconds. */
    time(keyword: string, standardMs: number | undefined): number | undefined {
      const value = word(keyword)?.toLowerCase();
      if (value === undefined || value === 'none') return standardMs;
      const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
      if (!/^(?:\d{1,9}[smhdw]?)+$/.test(value)) refuse(keyword, value);
      let seconds = 0;
      for (const [, number, unit] of value.matchAll(/(\d+)([smhdw]?)/g))
        seconds += Number(number) * (units[unit ?? ''] ?? 1);
      return Math.min(seconds, 2 ** 31 / 1000 - 1) * 1000;
    },
  };
}
type Reader = ReturnType<typeof reader>;

function strictness(read: Reader): StrictHostKeyChecking {
  const value = read.word('StrictHostKeyChecking')?.toLowerCase() ?? 'ask';
  if (value === 'yes' || value === 'true') return 'yes';
  if (value === 'no' || value === 'false' || value === 'off') return 'no';
  if (value === 'ask' || value === 'accept-new') return value;
  return read.refuse('StrictHostKeyChecking', value);
}

function addressFamily(read: Reader): 0 | 4 | 6 {
  const value = read.word('AddressFamily')?.toLowerCase() ?? 'any';
  if (value === 'any') return 0;
  if (value === 'inet') return 4;
  return value === 'inet6' ? 6 : read.refuse('AddressFamily', value);
}

function authentications(read: Reader): string[] {
  const preferred = read.word('PreferredAuthentications')?.split(',') ?? defaultAuthentications;
  const allowed: Readonly<Record<string, boolean>> = {
    publickey: read.flag('PubkeyAuthentication', true),
    'keyboard-interactive': read.flag(
      'KbdInteractiveAuthentication',
      read.flag('ChallengeResponseAuthentication', true),
    ),
    password: read.flag('PasswordAuthentication', true),
  };
  return preferred.filter((method) => Object.hasOwn(allowed, method) && allowed[method] === true);
}

function agentSocket(read: Reader, path: (text: string) => string, environment: SshEnvironment): string | undefined {
  const value = read.word('IdentityAgent');
  if (value === undefined || value === 'SSH_AUTH_SOCK') return environment.agentSocket || undefined;
  if (value.toLowerCase() === 'none') return undefined;
  if (value.startsWith('$')) {
    const name = value.replace(/^\$\{?|\}$/g, '');
    return (name === 'SSH_AUTH_SOCK' ? environment.agentSocket : environment.variables?.[name]) || undefined;
  }
  return path(value);
}

/**
 * Makes sense of the values found for a host. The target's own user and port win over them.
 *
 * @throws {ConnectionError} `ERR_CONFIG` for a value that means nothing, `EINVAL` for a dangerous name
 */
export function hostConfig(target: SshTarget, values: ConfigValues, environment: SshEnvironment): HostConfig {
  const read = reader(values, target.host);
  const user = checkUser(target.user ?? read.word('User') ?? environment.user);
  const port = target.port ?? read.count('Port', 22, 1, 65535);
  const hostname = checkHost(
    expandTokens(read.word('HostName') ?? target.host, { h: target.host, n: target.host }, target.host),
  );
  const tokens: Tokens = {
    h: hostname,
    n: target.host,
    p: String(port),
    r: user,
    u: environment.user,
    d: environment.home,
    l: environment.hostname ?? 'localhost',
    L: (environment.hostname ?? 'localhost').split('.')[0] ?? '',
    ...(typeof process.getuid === 'function' && { i: String(process.getuid()) }),
    k: read.word('HostKeyAlias') ?? target.host,
    j: read.name('ProxyJump') ?? '',
  };
  const path = (text: string): string => expandTokens(expandHome(text, environment.home), tokens, target.host);
  const paths = (keyword: string, standard: readonly string[]): string[] =>
    (values.get(keyword)?.[0]?.words ?? standard).filter((word) => word.toLowerCase() !== 'none').map(path);
  const identities = values.get('identityfile')?.flatMap((value) => value.words.slice(0, 1));
  const revoked = read.name('RevokedHostKeys');
  return {
    alias: target.host,
    hostname,
    port,
    user,
    tokens,
    addressFamily: addressFamily(read),
    bindAddress: read.name('BindAddress'),
    connectTimeoutMs: read.time('ConnectTimeout', undefined),
    serverAliveIntervalMs: read.time('ServerAliveInterval', 0) ?? 0,
    serverAliveCountMax: read.count('ServerAliveCountMax', 3),
    ciphers: read.word('Ciphers'),
    macs: read.word('MACs'),
    kexAlgorithms: read.word('KexAlgorithms'),
    hostKeyAlgorithms: read.word('HostKeyAlgorithms'),
    caSignatureAlgorithms: read.word('CASignatureAlgorithms'),
    compression: read.flag('Compression', false),
    identityFiles: (identities ?? defaultIdentities).filter((name) => name.toLowerCase() !== 'none').map(path),
    identityFilesNamed: identities !== undefined,
    identitiesOnly: read.flag('IdentitiesOnly', false),
    identityAgent: agentSocket(read, path, environment),
    authentications: authentications(read),
    passwordPrompts: read.count('NumberOfPasswordPrompts', 3),
    batchMode: read.flag('BatchMode', false),
    strictHostKeyChecking: strictness(read),
    userKnownHostsFiles: paths('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
    globalKnownHostsFiles: paths('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
    revokedHostKeys: revoked === undefined ? undefined : path(revoked),
    hashKnownHosts: read.flag('HashKnownHosts', false),
    checkHostIp: read.flag('CheckHostIP', false),
    hostKeyAlias: read.word('HostKeyAlias'),
    proxyJump: read.name('ProxyJump'),
    proxyCommand: read.name('ProxyCommand') && values.get('proxycommand')?.[0]?.text,
  };
}
