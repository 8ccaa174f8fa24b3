import { type SyslogFacility, syslogFacilities } from '../../aaa/accounting/syslog-message.ts';
import { parseNetwork } from '../../aaa/address.ts';
import { parsePasswordHash } from '../../aaa/password-hash.ts';
import { PathPattern } from '../../aaa/path-pattern.ts';
import { DEFAULT_PENALTIES } from '../../aaa/penalties.ts';
import { fileOperations } from '../../base/file-operation.ts';
import { printable } from '../../base/printable.ts';
import { type ListenAddress, readListenAddress } from '../listen-address.ts';
import type {
  AaaConfig,
  AccountingConfig,
  AlgorithmsConfig,
  LogConfig,
  MethodName,
  MetricsConfig,
  RightsRuleConfig,
  RootConfig,
  ServeConfig,
  ServicesConfig,
  SyslogServerConfig,
  UserConfig,
} from './config.ts';
import { limitsType } from './limits-schema.ts';
import {
  boolean,
  choice,
  duration,
  type Field,
  integer,
  list,
  object,
  optional,
  otherwise,
  required,
  section,
  size,
  type Type,
  text,
} from './schema-types.ts';
import { formatMilliseconds } from './units.ts';

const path: Type<string> = text('a path');
const address: Type<ListenAddress> = text('ADDRESS:PORT (IPv6: [ADDRESS]:PORT)', {
  examples: ['127.0.0.1:2222', '[::1]:2222'],
  read: readListenAddress,
});
const syslogServer: Type<SyslogServerConfig> = text('udp:// or tcp:// and ADDRESS:PORT', {
  examples: ['udp://192.0.2.9:514', 'tcp://[2001:db8::9]:601'],
  read: readSyslogServer,
});

function readSyslogServer(given: string): SyslogServerConfig | undefined {
  const [, protocol = 'udp', rest = ''] = /^(?:(udp|tcp):\/\/)?(.*)$/s.exec(given) ?? [];
  const address = readListenAddress(rest);
  if (address === undefined || address.port === 0) return undefined;
  return { host: address.address, port: address.port, protocol: protocol === 'tcp' ? 'tcp' : 'udp' };
}

const network: Type<string> = text('an address or a network', {
  examples: ['192.0.2.7', '10.0.0.0/8', '2001:db8::/32'],
  read: (given) => (typeof parseNetwork(given) === 'object' ? given : undefined),
});

/** A name of our own: users, groups, roots. */
function name(what: string, pattern: RegExp): Type<string> {
  return text(what, { maxLength: 64, read: (given) => (pattern.test(given) ? given : undefined) });
}

const userName: Type<string> = text('a name of printable characters', {
  maxLength: 64,
  examples: ['alice'],
  read: (given) => (given === printable(given) && !given.includes('\ufffd') ? given : undefined),
});
const word: Type<string> = name('a word of letters, digits, ., _ and -', /^[A-Za-z0-9_][A-Za-z0-9._-]*$/);

const root: Type<RootConfig> = object<RootConfig>({
  name: required(word, 'What the folder is called: users see it as /NAME where there are several.'),
  path: required(path, 'The folder on this machine. It must exist. Nothing outside it can be reached.'),
  prefix: optional(
    name('a word and a colon', /^[A-Za-z][A-Za-z0-9-]*:$/),
    'A prefix in the way of network devices, such as flash: (users write flash:image.bin for /NAME/image.bin).',
    'none',
  ),
  mode: otherwise(
    choice('read-write', 'read-only', 'drop'),
    'read-write',
    'drop takes new files and gives nothing back: no reading, no listing of content, no overwriting.',
  ),
  quota: optional(
    size(1),
    'What all files below may take together. An upload that would exceed it is refused.',
    'no quota',
  ),
  maxEntries: optional(
    integer(1, 1_000_000_000),
    'How many files, folders and links there may be below.',
    'any number',
  ),
  keepFree: optional(size(1), 'What uploads leave free on the disk.', 'nothing is kept free'),
  accept: otherwise(
    choice('anything', 'signed'),
    'anything',
    'signed: a file appears under its name only when it is a signed image that the keys vouch for. What is refused leaves nothing, and the client is told why.',
  ),
  keys: optional(path, 'The key storage whose keys vouch for images, with accept: signed.', 'none'),
  nvram: optional(path, 'Where that storage keeps its counters.', 'the storage itself'),
  product: optional(
    text('a name of printable characters', {
      maxLength: 256,
      read: (given) => (given !== '' && given === printable(given) ? given : undefined),
    }),
    'The product that images must be for, with accept: signed.',
    'any product',
  ),
  types: otherwise(
    list(choice('production', 'special', 'revocation', 'rommon.production', 'rommon.special'), 0, 5),
    [],
    'The types of images that are taken, with accept: signed. All of them unless given.',
  ),
});

const passwordHash: Type<string> = text('a hash as $scrypt$ln=15,r=8,p=1$SALT$HASH (sealift user hash makes one)', {
  secret: true,
  maxLength: 512,
  read: (given) => (isPasswordHash(given) ? given : undefined),
});

function isPasswordHash(given: string): boolean {
  try {
    parsePasswordHash(given);
    return true;
  } catch {
    return false;
  }
}

const user: Type<UserConfig> = object<UserConfig>({
  name: required(userName, 'The login name.'),
  privilege: otherwise(
    integer(0, 15),
    15,
    'The privilege level. Without rights below, 15 may do everything, 1 to 14 list and read, 0 nothing.',
  ),
  groups: otherwise(list(word, 0, 100), [], 'Groups, for rights.'),
  passwordHash: optional(
    passwordHash,
    'A password, hashed with scrypt, or by Cisco IOS as type 8 or 9.',
    'no password',
  ),
  authorizedKeys: otherwise(
    list(text('a line of authorized_keys', { maxLength: 16_384 }), 0, 1000),
    [],
    'Public keys, each a line in the format of authorized_keys, with from= and expiry-time= where wanted.',
  ),
  authorizedKeysFile: optional(path, 'A file of further public keys. It is read at the start and at each reload.'),
  require: otherwise(
    list(choice('publickey', 'password'), 0, 2),
    [],
    'Credentials that are needed together, in this order. Without it one of them is enough.',
  ),
  roots: otherwise(list(word, 0, 100), [], 'The roots that this user sees, by name. All of them unless given.'),
  home: optional(
    text('a path that begins with /', { read: (given) => (given.startsWith('/') ? given : undefined) }),
    'Where relative paths begin, as the user sees it.',
    '/',
  ),
  disabled: otherwise(boolean, false, 'Whether logins are refused.'),
});

function readPattern(given: string): string | undefined {
  try {
    return new PathPattern(given).text;
  } catch {
    return undefined;
  }
}

const rule: Type<RightsRuleConfig> = object<RightsRuleConfig>({
  users: otherwise(list(userName), [], 'The users it is for. With groups and privilege absent too: everybody.'),
  groups: otherwise(list(word), [], 'The groups it is for.'),
  privilege: optional(integer(0, 15), 'The privilege level that is needed at least.', 'any level'),
  paths: otherwise(
    list(text('a path or pattern that begins with /', { examples: ['/in', '/**/*.cfg'], read: readPattern }), 1, 100),
    ['/'],
    'Paths and all below them; * and ? stand for characters, ** for any number of folders.',
  ),
  allow: required(list(choice(...fileOperations)), 'What may be done there. An empty list forbids everything.'),
});

const methods: Type<readonly MethodName[]> = list(
  text<MethodName>('a method: local, none, if-authenticated, group tacacs+ or group radius', {
    examples: ['local'],
    read: (given) =>
      ['local', 'none', 'if-authenticated', 'group tacacs+', 'group radius'].includes(given)
        ? (given as MethodName)
        : undefined,
  }),
  1,
  4,
);

function seconds(name: 'firstSeconds' | 'maxSeconds' | 'forgetSeconds', doc: string): Field<number> {
  return otherwise(duration(1000), formatMilliseconds(DEFAULT_PENALTIES[name] * 1000), doc);
}

const aaa: Type<AaaConfig> = object<AaaConfig>({
  authentication: section(
    object<AaaConfig['authentication']>({
      login: otherwise(methods, ['local'], 'Who is asked whether a login is good, in order.'),
    }),
    'Who somebody is.',
  ),
  authorization: section(
    object<AaaConfig['authorization']>({
      exec: optional(
        methods,
        'Who is asked whether somebody may do anything, and for the privilege level.',
        'nobody is asked',
      ),
      commands: optional(methods, 'Who is asked whether a command may run.', 'nobody is asked'),
    }),
    'What somebody may do.',
  ),
  accounting: section(
    object<AaaConfig['accounting']>({
      exec: otherwise(methods, ['local'], 'Who is told of sessions.'),
      commands: otherwise(methods, ['local'], 'Who is told of transfers.'),
    }),
    'Who is told. local is the file of the section accounting.',
  ),
  blockFor: section(
    object<AaaConfig['blockFor']>({
      time: otherwise(
        duration(0, 65_535_000),
        '0 s',
        'How long the server accepts no login after too many failures. 0 s: never.',
      ),
      attempts: otherwise(integer(1, 65_535), 10, 'How many failures are too many.'),
      within: otherwise(duration(1000, 65_535_000), '60 s', 'The time in which they are counted.'),
    }),
    'A quiet mode after failed logins.',
  ),
  penalties: section(
    object<AaaConfig['penalties']>({
      enabled: otherwise(boolean, true, 'Whether there are any.'),
      free: otherwise(integer(0, 1000), DEFAULT_PENALTIES.free, 'How many failures are free.'),
      first: seconds('firstSeconds', 'The first waiting time; each further failure doubles it.'),
      longest: seconds('maxSeconds', 'The longest waiting time.'),
      forget: seconds('forgetSeconds', 'After this time without a failure a source is forgotten.'),
    }),
    'Waiting times for sources whose logins fail.',
  ),
  exempt: otherwise(list(network), [], 'Networks that neither block-for nor penalties apply to.'),
});

const algorithms: Type<AlgorithmsConfig> = object<AlgorithmsConfig>({
  profile: otherwise(choice('default'), 'default', 'What is offered to everybody.'),
  legacy: section(
    object<AlgorithmsConfig['legacy']>({
      from: otherwise(
        list(network, 0, 1000),
        [],
        'Networks whose clients may also use diffie-hellman-group14-sha1, ssh-rsa, aes-cbc and hmac-sha1. Each use is logged as a warning.',
      ),
    }),
    'Old algorithms, for devices that have no others.',
  ),
});

const log: Type<LogConfig> = object<LogConfig>({
  level: otherwise(choice('error', 'warn', 'info', 'debug'), 'info', 'What is logged: this and what is worse.'),
  format: otherwise(choice('auto', 'json', 'text'), 'auto', 'auto is text on a terminal and JSON elsewhere.'),
  file: optional(path, 'Where the log goes. It is opened again at each reload.', 'standard error'),
});

const accounting: Type<AccountingConfig> = object<AccountingConfig>({
  file: optional(path, 'Start and stop records, a line of JSON each.', 'accounting.jsonl in the state folder'),
  syslog: otherwise(
    list(syslogServer, 0, 16),
    [],
    'Syslog servers (RFC 5424) that are told too. By UDP what is lost is lost; by TCP what a server cannot take waits on disk until it can.',
  ),
  facility: otherwise(
    choice(...(Object.keys(syslogFacilities) as SyslogFacility[])),
    'local7',
    'The facility of what syslog servers are told.',
  ),
});

const metrics: Type<MetricsConfig> = object<MetricsConfig>({
  listen: optional(address, 'Where /metrics, /healthz and /readyz are served by HTTP.', 'no metrics'),
  public: otherwise(boolean, false, 'Whether that address may be one that other machines reach.'),
});

const services: Type<ServicesConfig> = object<ServicesConfig>({
  scp: otherwise(
    boolean,
    true,
    'The SCP protocol (scp -O, pscp -scp, network devices). Where it is off, clients are told: Administratively disabled.',
  ),
  sftp: otherwise(boolean, true, 'SFTP. Where it is off, sealift scp goes on with the SCP protocol.'),
});

/** A configuration file. */
export const configType: Type<ServeConfig> = object<ServeConfig>({
  state: optional(
    path,
    'The folder of host keys and the control socket; only its owner may use it.',
    'sealift in XDG_STATE_HOME, or ~/.local/state/sealift',
  ),
  listen: otherwise(
    list(address, 1, 64),
    ['127.0.0.1:2222'],
    'Where to listen. Ignored where systemd hands over sockets.',
  ),
  hostKeys: otherwise(
    list(path, 0, 8),
    [],
    'Files of private host keys in the format of OpenSSH. Without any, ed25519 and RSA keys are made in the state folder.',
  ),
  banner: optional(text('a text'), 'Shown before the login.', 'none'),
  bannerFile: optional(path, 'A file with that text.'),
  services: section(services, 'What is offered.'),
  durable: otherwise(boolean, true, 'Whether an upload is on stable storage before it is confirmed.'),
  roots: required(list(root, 1, 64), 'The folders that users see.'),
  users: otherwise(list(user), [], 'Who may log in.'),
  usersFile: optional(
    path,
    'A file of further users, as sealift user keeps it. It is read at the start and at each reload.',
  ),
  rights: otherwise(list(rule), [], 'What users may do, and where: the first rule that fits decides.'),
  aaa: section(aaa, 'Authentication, authorization and accounting.'),
  limits: section(limitsType, 'Bounds.'),
  algorithms: section(algorithms, 'What connections are protected with.'),
  log: section(log, 'The log.'),
  accounting: section(accounting, 'Accounting.'),
  metrics: section(metrics, 'Figures for Prometheus, and health.'),
  workers: otherwise(integer(1, 64), 1, 'Processes that share the port. A change needs a restart.'),
  grace: otherwise(duration(0, 3_600_000), '30 s', 'How long transfers may go on when the server is stopped.'),
});
