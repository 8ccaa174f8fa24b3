import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { FileError } from '../../base/errors.ts';
import { Journal } from './journal.ts';
import { JsonLinesLog, type SyncPolicy } from './json-lines-log.ts';
import { describeProcess } from './process-name.ts';
import type { AccountingRecord } from './record.ts';
import { recoverAccounting } from './recovery.ts';
import { Spool } from './spool.ts';
import { targetName } from './spool-name.ts';
import { freeSpools } from './spool-recovery.ts';
import { SYSLOG_PORT, Syslog, type SyslogTarget } from './syslog.ts';

/** Where a server's records go, as plain data. */
export interface AccountingOptions {
  /** The file of the records, made with mode 0600. The mode of one that is there is kept: a group may be let in to read it. */
  readonly log: string;
  /** A folder for what is open now, what waits for syslog servers, and nothing else, made with mode 0700. Several processes of one server share it, and the log. */
  readonly journals: string;
  /** Default `second`. */
  readonly sync?: SyncPolicy | undefined;
  readonly syslog?: readonly SyslogTarget[] | undefined;
}

/** What else is needed of the process. */
export interface AccountingHost {
  readonly pid: number;
  readonly hostname: string;
  /** Told what is wrong; must not throw. */
  readonly warn: (text: string) => void;
  /** For a process that recovers and does not serve: what it has for syslog servers by TCP is left in the folder for whoever opens next. Default false. */
  readonly onlyRecovers?: boolean | undefined;
}

/** Keeps the records of one process: journal, log, syslog. */
export class Accounting implements Disposable {
  readonly #options: AccountingOptions;
  readonly #log: JsonLinesLog;
  readonly #journal: Journal;
  readonly #syslog: readonly Syslog[];
  readonly #owner: string;
  readonly #warn: (text: string) => void;

  private constructor(options: AccountingOptions, host: AccountingHost, log: JsonLinesLog) {
    const { pid, hostname, warn, onlyRecovers = false } = host;
    this.#options = options;
    this.#warn = warn;
    this.#log = log;
    // One process may have several servers.
    this.#owner = `${describeProcess(pid)}_${randomBytes(3).toString('hex')}`;
    const { journals: directory } = options;
    this.#journal = new Journal(directory, this.#owner, warn);
    this.#syslog = (options.syslog ?? []).map((target) => {
      const spool = new Spool({ directory, target: nameOf(target), owner: this.#owner, warn });
      return new Syslog(target, { pid, hostname, warn, spool, sends: !onlyRecovers });
    });
  }

  /**
   * Opens everything, and begins to send what {@link recover} of another process, or the end of one, has left for syslog servers. In the first process of a server call {@link recover} before.
   *
   * @throws {FileError}
   */
  static open(options: AccountingOptions, host: AccountingHost): Accounting {
    makeFolder(options.journals);
    const log = new JsonLinesLog(options.log, { sync: options.sync, warn: host.warn });
    try {
      return new Accounting(options, host, log);
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /**
   * Writes the stop records that killed processes of this server owe, and takes over what they had for syslog servers. For the first process, before it starts others.
   *
   * @returns how many stop records there were
   * @throws {FileError}
   */
  async recover(): Promise<number> {
    const { journals, syslog = [] } = this.#options;
    const targets = syslog.filter(({ protocol }) => protocol === 'tcp').map(nameOf);
    freeSpools({ directory: journals, own: this.#owner, targets, warn: this.#warn });
    // What is older is sent before the stops.
    for (const one of this.#syslog) one.adopt();
    return await recoverAccounting({
      directory: this.#options.journals,
      log: this.#options.log,
      own: this.#journal.path,
      write: (record) => this.#write(record),
      flush: () => this.#log.flush(),
      warn: this.#warn,
    });
  }

  /** Keeps a record: what `account` of a server's options wants. Never throws. */
  readonly account = (record: AccountingRecord): void => {
    if (record.record === 'start') this.#journal.begin(record);
    this.#write(record);
    if (record.record === 'stop') this.#journal.end(record);
  };

  #write(record: AccountingRecord): boolean {
    for (const syslog of this.#syslog) syslog.write(record);
    return this.#log.write(record);
  }

  /** What waits on the disk for syslog servers (bytes), and how many messages to them were lost. */
  get syslogFigures(): { readonly spooledBytes: number; readonly lost: number } {
    const sum = (of: (syslog: Syslog) => number): number => this.#syslog.reduce((all, one) => all + of(one), 0);
    return { spooledBytes: sum((one) => one.spooledBytes), lost: sum((one) => one.lost) };
  }

  /** Opens the log by its name anew, after it was renamed (SIGHUP, logrotate). @throws {FileError}; the old file goes on being written then. */
  reopen(): void {
    this.#log.reopen();
  }

  /** Call it when the last session has ended. Syslog servers have up to 2 s more, which is not waited for. */
  close(): void {
    this.#journal.close();
    this.#log.close();
    for (const syslog of this.#syslog) syslog.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function nameOf({ host, port = SYSLOG_PORT }: SyslogTarget): string {
  return targetName(host, port);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw FileError.from(cause, path, 'mkdir');
  }
}
