import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError } from '../../base/errors.ts';
import { JOURNAL_NAME, readJournal } from './journal.ts';
import { isProcessAlive } from './process-name.ts';
import type { AccountingRecord, StartRecord, StopRecord } from './record.ts';

/** A journal longer than this is no journal: it is some 1 MiB and what was open. Bytes. */
const MAX_JOURNAL_BYTES = 256 * 1024 * 1024;

/** How much of the end of the log is looked at for records that were written just before the end. Bytes. */
const TAIL_BYTES = 4 * 1024 * 1024;

export interface RecoveryOptions {
  /** Where the journals are. */
  readonly directory: string;
  /** The path of this process's own journal, which is not looked at. */
  readonly own: string;
  /** The log of the records. */
  readonly log: string;
  /** Takes a record. @returns whether it was written */
  readonly write: (record: AccountingRecord) => boolean;
  /** What was written is on stable storage when this returns. */
  readonly flush: () => void;
  readonly warn: (text: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Writes the stop records that killed processes owe, from their journals, and removes these. For the one process that starts the others, before it does. A stop that was written in the very moment of the end is not
 * written again, and a start that was not is made up for.
 *
 * @returns how many sessions and transfers had been interrupted
 * @throws {FileError} where the directory cannot be read
 */
export async function recoverAccounting(options: RecoveryOptions): Promise<number> {
  const { directory, log, own, write, flush, warn, now = Date.now } = options;
  const names = (await readdir(directory).catch(wrap(directory))).filter((name) => JOURNAL_NAME.test(name));
  const left = names.filter(
    (name) => join(directory, name) !== own && !isProcessAlive(name.slice('open-'.length, -'.journal'.length)),
  );
  if (left.length === 0) return 0;
  const tail = await readTail(log);
  let count = 0;
  for (const name of left) {
    const path = join(directory, name);
    const starts = await openStarts(path, warn);
    // What cannot be read is left for somebody to look at.
    if (starts === undefined) continue;
    const owed = starts.flatMap((start) => owedRecords(start, tail, new Date(now()).toISOString()));
    // Where the log takes nothing, the journal is left for the next start.
    if (!owed.every((record) => write(record))) continue;
    flush();
    await rm(path, { force: true }).catch(wrap(path));
    count += owed.filter(({ record }) => record === 'stop').length;
  }
  return count;
}

async function openStarts(path: string, warn: (text: string) => void): Promise<readonly StartRecord[] | undefined> {
  try {
    if ((await stat(path)).size > MAX_JOURNAL_BYTES) throw new FileError(path, 'read', 'EFBIG');
    const text = await readFile(path, 'utf8');
    // Transfers end before the session they belong to.
    return [...readJournal(text)].sort((a, b) => Number(a.kind === 'session') - Number(b.kind === 'session'));
  } catch (error) {
    warn(FileError.from(error, path, 'read').message);
    return undefined;
  }
}

/** What is missing of a start that the journal has as open. */
function owedRecords(start: StartRecord, tail: LogTail, time: string): readonly AccountingRecord[] {
  if (tail.stops.has(start.id)) return [];
  const stop: StopRecord = { ...start, record: 'stop', time, status: 'interrupted', error: 'server restart' };
  // The journal has a start a moment before the log does.
  const isMissing = !tail.starts.has(start.id) && tail.firstTime !== undefined && start.time > tail.firstTime;
  return isMissing ? [start, stop] : [stop];
}

interface LogTail {
  readonly starts: ReadonlySet<string>;
  readonly stops: ReadonlySet<string>;
  /** The time of the first record that was read: of what is older, nothing is known. */
  readonly firstTime: string | undefined;
}

async function readTail(path: string): Promise<LogTail> {
  const starts = new Set<string>();
  const stops = new Set<string>();
  let firstTime: string | undefined;
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return { starts, stops, firstTime };
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    for (const line of buffer.toString('utf8', 0, bytesRead).split('\n')) {
      const parts = /^\{"record":"(start|stop)".{0,40}?"time":"([^"]{1,40})","id":"([0-9a-f-]{1,64})"/.exec(line);
      if (parts === null) continue;
      firstTime ??= parts[2];
      (parts[1] === 'start' ? starts : stops).add(parts[3] ?? '');
    }
  } finally {
    await file.close();
  }
  return { starts, stops, firstTime };
}

function wrap(path: string): (cause: unknown) => never {
  return (cause) => {
    throw FileError.from(cause, path, 'open');
  };
}
