import { decodeName, encodeName } from '../base/byte-name.ts';
import { ProtocolError } from '../base/errors.ts';
import { MAX_FILE_BYTES, MAX_RECORD_BYTES, MODE_MASK } from './limits.ts';
import { decodeRecordName, encodeRecordName } from './vis.ts';

/*
 * The control records of the SCP protocol (BSD rcp; no RFC, OpenSSH's scp.c is the reference). Each is one line:
 *
 *   T<mtime seconds> <mtime microseconds> <atime seconds> <atime microseconds>
 *   C<mode, 4 octal digits> <size> <name>       a file; its bytes follow once the sink has answered
 *   D<mode, 4 octal digits> 0 <name>            enter a directory
 *   E                                           leave it
 */

/** Modification and access time of the entry that follows. Whole seconds and microseconds since 1970. */
export interface TimesRecord {
  readonly type: 'T';
  readonly mtimeSeconds: number;
  readonly mtimeMicros: number;
  readonly atimeSeconds: number;
  readonly atimeMicros: number;
}

/** A file: mode bits (0 to 07777), size in bytes, one path component. */
export interface FileRecord {
  readonly type: 'C';
  readonly mode: number;
  readonly size: number;
  readonly name: string;
}

/** A directory. The size is 0 and means nothing. */
export interface DirectoryRecord {
  readonly type: 'D';
  readonly mode: number;
  readonly size: number;
  readonly name: string;
}

export interface EndRecord {
  readonly type: 'E';
}

export type ControlRecord = TimesRecord | FileRecord | DirectoryRecord | EndRecord;

const fail = (reason: string): never => {
  throw new ProtocolError(`protocol error: ${reason}`);
};

/**
 * Parses one control record, without its line feed. Any bytes give a record or a ProtocolError with OpenSSH's words; the name is not checked here
 * (see base/peer-name.ts). `undefined` stands for a T record whose times are out of range, which OpenSSH ignores.
 *
 * @throws {ProtocolError}
 */
export function parseRecord(line: Uint8Array): ControlRecord | undefined {
  switch (line[0]) {
    case 0x54: // T
      return parseTimes(asAscii(line));
    case 0x43: // C
      return parseEntry('C', line);
    case 0x44: // D
      return parseEntry('D', line);
    case 0x45: // E
      return line.length === 1 ? { type: 'E' } : fail('expected control record');
    default:
      return fail('expected control record');
  }
}

function asAscii(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1');
}

function parseTimes(text: string): TimesRecord | undefined {
  const mtime = parseTime(text.slice(1), 'mtime', ' ');
  const atime = parseTime(mtime.rest, 'atime', '');
  if (mtime.seconds > MAX_FILE_BYTES || atime.seconds > MAX_FILE_BYTES) return undefined;
  return {
    type: 'T',
    mtimeSeconds: mtime.seconds,
    mtimeMicros: mtime.micros,
    atimeSeconds: atime.seconds,
    atimeMicros: atime.micros,
  };
}

function parseTime(text: string, name: string, end: ' ' | ''): { seconds: number; micros: number; rest: string } {
  const seconds = /^[0-9]+/.exec(text)?.[0] ?? fail(`${name}.sec not present`);
  const afterSeconds = text.slice(seconds.length);
  if (!afterSeconds.startsWith(' ')) fail(`${name}.sec not delimited`);
  const micros = /^[0-9]{1,6}/.exec(afterSeconds.slice(1))?.[0] ?? fail(`${name}.usec not delimited`);
  const rest = afterSeconds.slice(1 + micros.length);
  if (end === ' ' ? !rest.startsWith(' ') : rest !== '') fail(`${name}.usec not delimited`);
  return { seconds: Number(seconds), micros: Number(micros), rest: rest.slice(end.length) };
}

function parseEntry(type: 'C' | 'D', line: Uint8Array): FileRecord | DirectoryRecord {
  const text = asAscii(line);
  const mode = text.slice(1, 5);
  if (!/^[0-7]{4}$/.test(mode)) fail('bad mode');
  if (text[5] !== ' ') fail('mode not delimited');
  const size = /^[0-9]+/.exec(text.slice(6))?.[0] ?? fail('size not present');
  const nameAt = 6 + size.length + 1;
  if (text[nameAt - 1] !== ' ') fail('size not delimited');
  if (size.length > 16 || Number(size) > MAX_FILE_BYTES) fail('size out of range');
  const name = decodeName(decodeRecordName(Buffer.from(line.subarray(nameAt))));
  return { type, mode: Number.parseInt(mode, 8), size: Number(size), name };
}

/**
 * The bytes of a record, with its line feed.
 *
 * @throws {RangeError} where a number or the length of the record is outside what the protocol carries.
 */
export function encodeRecord(record: ControlRecord): Buffer {
  const line = Buffer.concat([encodeName(recordText(record)), Buffer.of(0x0a)]);
  if (line.length - 1 > MAX_RECORD_BYTES)
    throw new RangeError(`record of ${line.length - 1} bytes: the limit is ${MAX_RECORD_BYTES}`);
  return line;
}

function recordText(record: ControlRecord): string {
  switch (record.type) {
    case 'T': {
      const { mtimeSeconds, mtimeMicros, atimeSeconds, atimeMicros } = record;
      return `T${whole(mtimeSeconds)} ${whole(mtimeMicros)} ${whole(atimeSeconds)} ${whole(atimeMicros)}`;
    }
    case 'C':
    case 'D': {
      const mode = (record.mode & MODE_MASK).toString(8).padStart(4, '0');
      return `${record.type}${mode} ${whole(record.size)} ${encodeRecordName(record.name)}`;
    }
    case 'E':
      return 'E';
    default:
      return record satisfies never;
  }
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value}: not a whole number from 0 to 2^53-1`);
  return String(value);
}
