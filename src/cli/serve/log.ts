import { open } from 'node:fs/promises';
import pino from 'pino';
import { FileError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { LogLevel, LogRecord } from '../../server/log-record.ts';

/** Where the log goes, and in which form. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  /** Undefined is standard error. */
  readonly file: string | undefined;
  /** Which of several processes writes. */
  readonly worker?: number | undefined;
}

/** What waits for a log that does not take it; more is dropped. Bytes. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** Of a log that is new. */
const MODE = 0o640;

type Destination = ReturnType<typeof pino.destination>;

/** The log of a server: JSON as pino writes it, or lines for people. */
export class ServerLog {
  readonly #destination: Destination;
  readonly #logger: pino.Logger;
  readonly #isText: boolean;
  readonly #file: string | undefined;

  private constructor(options: LogOptions, destination: Destination) {
    this.#destination = destination;
    this.#isText = options.format === 'text';
    this.#file = options.file;
    this.#logger = pino(
      {
        level: options.level,
        messageKey: 'message',
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        base: { pid: process.pid, ...(options.worker === undefined ? {} : { worker: options.worker }) },
      },
      destination,
    );
    // A full disk or a reader that has gone away must not end the server.
    destination.on('error', () => {});
  }

  /** @throws {FileError} where the file cannot be opened */
  static async open(options: LogOptions): Promise<ServerLog> {
    // What pino has begun to open, and could not, it fails to close when the process ends.
    if (options.file !== undefined) await tryToOpen(options.file);
    const destination = pino.destination({
      dest: options.file ?? 2,
      append: true,
      mode: MODE,
      sync: false,
      minLength: 0,
      maxLength: MAX_WAITING_BYTES,
    });
    if (options.file !== undefined) {
      await new Promise<void>((resolve, reject) => {
        destination.once('ready', resolve);
        destination.once('error', reject);
      });
    }
    return new ServerLog(options, destination);
  }

  set level(level: LogLevel) {
    this.#logger.level = level;
  }

  write({ level, message, fields }: LogRecord): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    if (this.#isText)
      this.#destination.write(`${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${message}\n`);
    else this.#logger[level](fields, message);
  }

  /** Something that is no event of a server. */
  note(level: LogLevel, message: string, fields: LogRecord['fields'] = {}): void {
    this.write({ level, message: printable(message), fields });
  }

  /** Opens the file again: somebody has moved it away. Where that fails the old one goes on being written, and says so. Never rejects. */
  async reopen(): Promise<void> {
    if (this.#file === undefined) return;
    try {
      await tryToOpen(this.#file);
      this.#destination.reopen();
    } catch (error) {
      this.note('error', `log: ${error instanceof Error ? error.message : String(error)}`, { event: 'warning' });
    }
  }

  /** Writes what waits, and closes the file. */
  close(): void {
    this.flush();
    if (this.#file !== undefined) this.#destination.end();
  }

  /** Writes what waits. */
  flush(): void {
    try {
      this.#destination.flushSync();
    } catch {
      // Not open yet, or gone: there is no other place to say it.
    }
  }
}

/** @throws {FileError} */
async function tryToOpen(path: string): Promise<void> {
  try {
    await (await open(path, 'a', MODE)).close();
  } catch (cause) {
    const { code, reason } = FileError.from(cause, path, 'open');
    throw new FileError(path, 'open', code, { cause, reason, cure: 'choose another log.file, or make its folder' });
  }
}
