import { readFileSync } from 'node:fs';
import { getopt, type ParsedOption, UsageError } from '../getopt.ts';
import { applyBeyondOption, BEYOND, type BeyondOptions, noBeyondOptions, sftpOnly } from './beyond.ts';

/** The letters of OpenSSH's scp, with those that are gone (`1`, `2`, `M`) so that they get their own answers; `j` is ours. */
const LETTERS = '12346ABCTdfOpqRrstvD:F:J:M:P:S:c:i:j:l:o:X:';

/** Long options are ours: scp has none. */
const LONG = {
  transport: 'value',
  'preserve-special': 'flag',
  'raw-path': 'flag',
  progress: 'value',
  ...BEYOND,
  help: 'flag',
  version: 'flag',
} as const;

/** A mistake that OpenSSH's scp answers with exit status 255. */
export class FatalOptionError extends Error {
  override readonly name = 'FatalOptionError';
}

/** `--progress`: a meter as scp has it, a meter in any case, events for a program, nothing. */
export type ProgressForm = 'auto' | 'bar' | 'json' | 'none';

/** What the command line of scp asks for. */
export interface ScpOptions {
  readonly role: 'client' | 'sink' | 'source';
  readonly operands: readonly string[];
  readonly recursive: boolean;
  readonly preserve: boolean;
  readonly preserveSpecial: boolean;
  /** `-d`: set by the other side's scp when it sends several sources. */
  readonly targetIsDirectory: boolean;
  /** Paths go to the shell of a host as they are, where the SCP protocol is used without `-O`. */
  readonly rawPath: boolean;
  readonly quiet: boolean;
  /** How many `-v` */
  readonly verbosity: number;
  readonly batchMode: boolean;
  /** false: `-T` */
  readonly strictNames: boolean;
  readonly protocol: 'scp' | 'sftp' | 'default';
  readonly throughLocal: 'default' | 'local' | 'remote';
  readonly port?: number;
  readonly bytesPerSecond?: number;
  readonly sshProgram?: string;
  /** `-D`: a program that speaks SFTP itself, in place of ssh. */
  readonly sftpProgram?: string;
  /** `-X nrequests=`: SFTP requests under way. */
  readonly sftpRequests?: number;
  /** `-X buffer=`: bytes of one SFTP read or write. */
  readonly sftpBufferBytes?: number;
  readonly transport: 'auto' | 'ssh' | 'builtin';
  readonly progress: ProgressForm;
  /** Option words for ssh, in the order they were given. */
  readonly sshArgs: readonly string[];
  readonly beyond: Readonly<BeyondOptions>;
  readonly help: boolean;
  readonly version: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads the command line of scp.
 *
 * @throws {UsageError} for what scp answers with its usage text. {FatalOptionError} for a bad value.
 */
export function parseScpOptions(args: readonly string[]): ScpOptions {
  const { options, operands } = getopt(args, LETTERS, LONG);
  const sshArgs: string[] = [];
  const beyond = noBeyondOptions();
  const result: Mutable<ScpOptions> = {
    role: 'client',
    operands,
    recursive: false,
    preserve: false,
    preserveSpecial: false,
    targetIsDirectory: false,
    rawPath: false,
    quiet: false,
    verbosity: 0,
    batchMode: false,
    strictNames: true,
    protocol: 'default',
    throughLocal: 'default',
    transport: 'auto',
    progress: 'auto',
    sshArgs,
    beyond,
    help: false,
    version: false,
  };
  for (const option of options) {
    if (!applyBeyondOption(option.name, option.value ?? '', beyond)) applyOption(option, result, sshArgs);
  }
  checkTogether(result);
  return result;
}

/** Options that need a protocol which others forbid. */
function checkTogether({ protocol, throughLocal, beyond, role }: ScpOptions): void {
  if (role !== 'client') return;
  if (beyond.signature && throughLocal === 'remote')
    throw new UsageError('--verify=signature: not with -R, where the other host copies by itself');
  const [first] = sftpOnly(beyond);
  if (first === undefined) return;
  if (protocol === 'scp') throw new UsageError(`${first}: not with -O, whose protocol cannot do it`);
  if (throughLocal === 'remote') throw new UsageError(`${first}: not with -R, where the other host copies by itself`);
}

function applyOption(option: ParsedOption, result: Mutable<ScpOptions>, sshArgs: string[]): void {
  const { name, value = '' } = option;
  switch (name) {
    case '1':
      throw new FatalOptionError('SSH protocol version 1 is not supported by anyone any more');
    case '2':
      return;
    case 'M':
      throw new UsageError('unknown option -- M');
    case '3':
      result.throughLocal = 'local';
      return;
    case 'R':
      result.throughLocal = 'remote';
      return;
    case 'O':
      result.protocol = 'scp';
      return;
    case 's':
      result.protocol = 'sftp';
      return;
    case 'T':
      result.strictNames = false;
      return;
    case 'd':
      result.targetIsDirectory = true;
      return;
    case 'f':
      result.role = 'source';
      return;
    case 't':
      result.role = 'sink';
      return;
    case 'p':
      result.preserve = true;
      return;
    case 'r':
      result.recursive = true;
      return;
    case 'P':
      result.port = parsePort(value);
      return;
    case 'S':
      result.sshProgram = value;
      return;
    case 'l':
      result.bytesPerSecond = parseLimit(value);
      return;
    case 'X':
      applySftpOption(value, result);
      return;
    case 'D':
      result.sftpProgram = value;
      return;
    default:
      applySshOption(name, value, result, sshArgs);
  }
}

/** Options that go on to ssh, and the long ones. */
function applySshOption(name: string, value: string, result: Mutable<ScpOptions>, sshArgs: string[]): void {
  switch (name) {
    case '4':
    case '6':
    case 'A':
    case 'C':
      sshArgs.push(`-${name}`);
      return;
    case 'B':
      result.batchMode = true;
      sshArgs.push('-oBatchmode=yes');
      return;
    case 'q':
      result.quiet = true;
      sshArgs.push('-q');
      return;
    case 'v':
      result.verbosity++;
      sshArgs.push('-v');
      return;
    case 'c':
    case 'F':
    case 'i':
    case 'J':
    case 'o':
      sshArgs.push(`-${name}`, value);
      return;
    case 'transport':
      result.transport = parseTransport(value);
      return;
    case 'progress':
      result.progress = parseProgress(value);
      return;
    case 'preserve-special':
      result.preserveSpecial = true;
      return;
    case 'raw-path':
      result.rawPath = true;
      return;
    case 'help':
      result.help = true;
      return;
    case 'version':
      result.version = true;
      return;
    default:
      throw new UsageError(`unknown option -- ${name}`);
  }
}

function parseTransport(value: string): 'auto' | 'ssh' | 'builtin' {
  if (value === 'auto' || value === 'ssh' || value === 'builtin') return value;
  throw new UsageError(`--transport=${value}: must be auto, ssh or builtin`);
}

function parseProgress(value: string): ProgressForm {
  if (value === 'auto' || value === 'bar' || value === 'json' || value === 'none') return value;
  throw new UsageError(`--progress=${value}: must be auto, bar, json or none`);
}

function parsePort(value: string): number {
  const port = /^[0-9]+$/.test(value) ? Number(value) : (servicePort(value) ?? 0);
  if (port < 1 || port > 65535)
    throw new FatalOptionError(`bad port "${value}": use a number from 1 to 65535 or a service name`);
  return port;
}

/** The TCP port of a service by its name (services(5)). */
function servicePort(name: string): number | undefined {
  let services: string;
  try {
    services = readFileSync('/etc/services', 'utf8');
  } catch {
    return undefined;
  }
  for (const line of services.split('\n')) {
    const [service, port, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (port?.endsWith('/tcp') && (service === name || aliases.includes(name))) return Number.parseInt(port, 10);
  }
  return undefined;
}

/** `-l`: Kbit/s, of 1,024 bits. */
function parseLimit(value: string): number {
  const kilobits = /^[0-9]+$/.test(value) ? Number(value) : 0;
  if (kilobits < 1 || kilobits > 104_857_600) throw new UsageError(`-l ${value}: must be 1 to 104857600 Kbit/s`);
  return (kilobits * 1024) / 8;
}

/** `-X` tunes the SFTP protocol. */
function applySftpOption(value: string, result: Mutable<ScpOptions>): void {
  const match = /^(nrequests|buffer)=([0-9]+)([kK]?)$/.exec(value);
  const number = match === null ? 0 : Number(match[2]) * (match[3] && match[1] === 'buffer' ? 1024 : 1);
  if (number < 1 || number > 262_144)
    throw new FatalOptionError(`-X ${value}: must be nrequests=1..262144 or buffer=1..262144`);
  if (match?.[1] === 'buffer') result.sftpBufferBytes = number;
  else result.sftpRequests = number;
}
