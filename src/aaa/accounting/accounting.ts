import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { FileError } from '../../base/errors.ts';
import { Journal } from './journal.ts';
import { JsonLinesLog, type SyncPolicy } from './json-lines-log.ts';
import { describeProcess } from './process-name.ts';
import type { AccountingRecord } from './record.ts';
import { recoverAccounting } from './recovery.ts';
import { Syslog, type SyslogTarget } from './syslog.ts';

/** Where a server's records go, as plain data. */
export interface AccountingOptions {
  /** The file of the records, made with mode 0600. The mode of one that is there is kept: a group may be let in to read it. */
  readonly log: string;
  /** A folder for what is open now and nothing else, made with mode 0700. Several processes of one server share it, and the log. */
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
}

/** Keeps the records of one process: journal, log, syslog. */
export class Accounting implements Disposable {
  readonly #options: AccountingOptions;
  readonly #log: JsonLinesLog;
  readonly #journal: Journal;
  readonly #syslog: readonly Syslog[];
  readonly #warn: (text: string) => void;

  private constructor(options: AccountingOptions, host: AccountingHost, log: JsonLinesLog, journal: Journal) {
    this.#options = options;
    this.#warn = host.warn;
    this.#log = log;
    this.#journal = journal;
    this.#syslog = (options.syslog ?? []).map((target) => new Syslog(target, host));
  }

  /**
   * Opens everything. In the first process of a server call {@link recover} before.
   *
   * @throws {FileError}
   */
  static open(options: AccountingOptions, host: AccountingHost): Accounting {
    makeFolder(options.journals);
    const log = new JsonLinesLog(options.log, { sync: options.sync, warn: host.warn });
    try {
      // One process may have several servers.
      const owner = `${describeProcess(host.pid)}_${randomBytes(3).toString('hex')}`;
      return new Accounting(options, host, log, new Journal(options.journals, owner, host.warn));
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /**
   * Writes the stop records that killed processes of this server owe. For the first process, before it starts others.
   *
   * @returns how many there were
   * @throws {FileError}
   */
  async recover(): Promise<number> {
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

  /** Opens the log by its name anew, after it was renamed (SIGHUP, logrotate). @throws {FileError}; the old file goes on being written then. */
  reopen(): void {
    this.#log.reopen();
  }

  /** Call it when the last session has ended. */
  close(): void {
    this.#journal.close();
    this.#log.close();
    for (const syslog of this.#syslog) syslog.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw FileError.from(cause, path, 'mkdir');
  }
}
