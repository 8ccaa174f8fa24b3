import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { FileError } from '../base/errors.ts';
import { localFileSystem } from '../files/local.ts';
import { thisProcess } from '../files/process-mark.ts';
import { type RootedFileSystem, rootedFileSystem } from '../files/rooted.ts';
import type { FileTransfer, SftpObserver, TransferSlot } from '../server/sftp/options.ts';
import { nobodyElse, systemPeople } from '../server/sftp/people.ts';
import { SessionFiles } from '../server/sftp/session-files.ts';
import { requestNames } from '../sftp/server/requests.ts';
import { serveSftp } from '../sftp/server/session.ts';
import { type ForcedFolder, serveForcedScp } from './forced-scp.ts';
import { getopt, UsageError } from './getopt.ts';
import { Reporter } from './report.ts';
import { abortOnSignals } from './signals.ts';

const help = `sealift sftp-server: SFTP on standard input and output, for the system's sshd

usage: sealift sftp-server [-ehR] [-d DIR] [-l LEVEL] [-P|-p REQUESTS] [-u UMASK] [--root DIR]
       sealift sftp-server -Q requests

  --root DIR  serve what is below this folder, as /, and nothing else
  -d DIR      begin there instead of in the home folder (%u: the login name, %h: the home folder)
  -R          read only
  -p REQUESTS only these requests are allowed, separated by commas
  -P REQUESTS these requests are refused
  -Q requests shows the names for -p and -P
  -u UMASK    the umask, in octal
  -e          report on standard error, which the client sees; without it nothing is reported
  -l LEVEL    how much: QUIET, FATAL, ERROR (the default), INFO (transfers), VERBOSE (other changes), DEBUG
  -f FACILITY taken and not used: there is no syslog here
  -h, --help

In sshd_config:

  Subsystem sftp /usr/local/bin/sealift sftp-server
or, for users who are to reach one folder only, by SFTP or with scp -O:
  Match Group drop
    ForceCommand /usr/local/bin/sealift sftp-server --root /srv/drop

Exit status: 0, 1 where the client broke the rules, 2 for a wrong command line.
`;

interface Options {
  readonly root: string | undefined;
  readonly start: string | undefined;
  readonly readOnly: boolean;
  /** Undefined: all. */
  readonly allowed: readonly string[] | undefined;
  readonly denied: readonly string[];
  readonly umask: number | undefined;
  readonly level: number;
}

/** The names of OpenSSH's levels, the quietest first. */
const levels: readonly string[] = ['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG', 'DEBUG1', 'DEBUG2', 'DEBUG3'];
const ERROR = levels.indexOf('ERROR');
const INFO = levels.indexOf('INFO');
const VERBOSE = levels.indexOf('VERBOSE');

/**
 * `sealift sftp-server`.
 *
 * @param args what follows the word `sftp-server`
 * @returns the exit status
 */
export async function sftpServerCommand(args: readonly string[]): Promise<number> {
  const reporter = new Reporter('sftp-server');
  let options: Options | string;
  try {
    options = readOptions(args);
  } catch (error) {
    reporter.error(error);
    reporter.note('see sealift sftp-server --help');
    return 2;
  }
  if (typeof options === 'string') {
    process.stdout.write(options);
    return 0;
  }
  const { signal, release } = abortOnSignals(0);
  const { level } = options;
  try {
    if (options.umask !== undefined) process.umask(options.umask);
    const { folder, files } = await openFiles(options, reporter);
    const scp = { signal, reporter: level >= INFO ? reporter : undefined };
    const status = await serveForcedScp(process.env['SSH_ORIGINAL_COMMAND'], folder, scp);
    if (status !== undefined) return status;
    await serveSftp({ input: process.stdin, output: process.stdout }, files, {
      gone: signal,
      permits: permitsOf(options),
    });
    return 0;
  } catch (error) {
    if (level >= ERROR) reporter.error(error);
    return 1;
  } finally {
    release();
    // A client that does not end its side would keep the process alive.
    process.stdin.destroy();
  }
}

/** A text where only that is wanted. @throws {UsageError} */
function readOptions(args: readonly string[]): Options | string {
  const { options, operands } = getopt(args, 'ehRd:f:l:P:p:Q:u:', { root: 'value', help: 'flag' });
  if (operands.length > 0) throw new UsageError(`${operands[0]}: there are no operands`);
  const has = (name: string): boolean => options.some((option) => option.name === name);
  const last = (name: string): string | undefined => options.findLast((option) => option.name === name)?.value;
  if (has('h') || has('help')) return help;
  const query = last('Q');
  if (query === 'requests') return `${requestNames.join('\n')}\n`;
  if (query !== undefined) throw new UsageError(`-Q ${query}: only "requests" can be asked for`);
  const umask = last('u');
  if (umask !== undefined && !/^[0-7]{1,4}$/.test(umask)) throw new UsageError(`-u ${umask}: not an octal number`);
  const level = levels.indexOf((last('l') ?? 'ERROR').toUpperCase());
  if (level < 0) throw new UsageError(`-l ${last('l')}: not one of ${levels.join(' ')}`);
  if (last('root') === '') throw new UsageError('--root: the name of the folder is empty');
  return {
    root: last('root'),
    start: last('d'),
    readOnly: has('R'),
    allowed: last('p')?.split(','),
    denied: last('P')?.split(',') ?? [],
    umask: umask === undefined ? undefined : Number.parseInt(umask, 8),
    level: has('e') ? level : 0,
  };
}

/** Undefined where all requests are allowed. */
function permitsOf({ allowed, denied }: Options): ((request: string) => boolean) | undefined {
  if (allowed === undefined && denied.length === 0) return undefined;
  return (request) => !denied.includes(request) && allowed?.includes(request) !== false;
}

/** The files of a session, and the folder that the SCP protocol may have too: it knows no requests that could be allowed one by one, and the whole machine is for `scp -t` itself. */
async function openFiles(options: Options, reporter: Reporter): Promise<Opened> {
  const { root, readOnly, level } = options;
  const user = loginName();
  const start = startOf(options.start, root, user);
  const below = root === undefined ? undefined : await rooted(root);
  const files = new SessionFiles({
    fileSystem: below ?? localFileSystem({ pin: true }),
    start,
    user,
    modeMask: 0o7777,
    owners: 'set',
    readOnly,
    durable: true,
    hashes: level >= INFO,
    // Homes are elsewhere than below a root.
    people: root === undefined ? systemPeople() : { ...systemPeople(), home: nobodyElse.home },
    observer: new Report(reporter, level),
    process: thisProcess,
  });
  const isWhole = permitsOf(options) === undefined;
  return { files, folder: below === undefined || !isWhole ? undefined : { fileSystem: below, start, readOnly } };
}

interface Opened {
  readonly files: SessionFiles;
  readonly folder: ForcedFolder | undefined;
}

async function rooted(root: string): Promise<RootedFileSystem> {
  const path = resolve(root);
  const stats = await stat(path).catch((cause: unknown) => {
    throw FileError.from(cause, path, 'open');
  });
  if (!stats.isDirectory()) throw new FileError(path, 'open', 'ENOTDIR');
  return rootedFileSystem(path);
}

/** Below a root paths begin at the root; on the whole machine where sshd has started us, which is the home folder. */
function startOf(start: string | undefined, root: string | undefined, user: string): string {
  const given = start?.replaceAll(/%[%hu]/g, (token) => (token === '%u' ? user : token === '%h' ? homedir() : '%'));
  if (given === undefined) return root === undefined ? process.cwd() : '/';
  if (isAbsolute(given)) return given;
  return root === undefined ? resolve(given) : `/${given}`;
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the user database.
    return String(process.getuid?.() ?? '');
  }
}

/** Says on standard error what is done. */
class Report implements SftpObserver {
  readonly #reporter: Reporter;
  readonly #level: number;

  constructor(reporter: Reporter, level: number) {
    this.#reporter = reporter;
    this.#level = level;
  }

  takeSlot(...[direction, path]: Parameters<SftpObserver['takeSlot']>): TransferSlot {
    return { start: () => this.#transfer(direction, path), release() {} };
  }

  #transfer(...[direction, path]: Parameters<SftpObserver['takeSlot']>): FileTransfer {
    let bytes = 0;
    return {
      moved: (count) => {
        bytes += count;
      },
      ended: (outcome, sha256) => {
        const hash = sha256 === undefined ? '' : `, SHA-256 ${sha256}`;
        if (this.#level >= INFO) this.#reporter.notice(`${direction} ${path}: ${outcome}, ${bytes} bytes${hash}`);
      },
    };
  }

  changed(...[operation, path, to]: Parameters<SftpObserver['changed']>): void {
    if (this.#level >= VERBOSE) this.#reporter.notice([operation, path, ...(to === undefined ? [] : [to])].join(' '));
  }

  failed(error: Error): void {
    if (this.#level >= ERROR) this.#reporter.error(error);
  }
}
