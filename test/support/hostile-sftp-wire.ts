/*
 * SFTP version 3 as bytes, for servers that lie. It is written from the draft (draft-ietf-secsh-filexfer-02) and shares
 * nothing with src/sftp: a fault there must not be made good by the same fault here. Strings stand for bytes (latin1).
 */

/** Packet types (draft section 3). */
export const types = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

export type Kind = keyof typeof types;

const kinds = new Map<number, Kind>(Object.entries(types).map(([kind, type]) => [type, kind as Kind]));

/** Status codes (draft section 7). */
export const OK = 0;
export const EOF = 1;
export const NO_SUCH_FILE = 2;
export const PERMISSION_DENIED = 3;
export const FAILURE = 4;
export const OP_UNSUPPORTED = 8;

export const DIRECTORY_MODE = 0o040755;
export const FILE_MODE = 0o100644;
export const LINK_MODE = 0o120777;

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function raw(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}

/** A length and so many bytes. */
export function str(bytes: string | Uint8Array): Buffer {
  const content = raw(bytes);
  return Buffer.concat([u32(content.length), content]);
}

/** A packet without a request id, or with one among its fields. */
export function frame(type: number, ...fields: readonly (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(fields.map(raw));
  return Buffer.concat([u32(body.length + 1), Buffer.of(type), body]);
}

export function packet(kind: Kind, id: number, ...fields: readonly (string | Uint8Array)[]): Buffer {
  return frame(types[kind], u32(id), ...fields);
}

export function version(number = 3, ...extensions: readonly (readonly [string, string])[]): Buffer {
  return frame(types.VERSION, u32(number), ...extensions.flatMap(([name, data]) => [str(name), str(data)]));
}

export function status(id: number, code: number, message = '', language = ''): Buffer {
  return packet('STATUS', id, u32(code), str(message), str(language));
}

export function handle(id: number, bytes: string | Uint8Array): Buffer {
  return packet('HANDLE', id, str(bytes));
}

export function data(id: number, bytes: string | Uint8Array): Buffer {
  return packet('DATA', id, str(bytes));
}

/** What a server says of a file. What is absent is not told. */
export interface Attrs {
  readonly size?: bigint | number;
  readonly mode?: number;
  readonly mtime?: number;
  /** Bytes in place of all that, flags included. */
  readonly raw?: Uint8Array;
}

export function attributes({ size, mode, mtime, raw: bytes }: Attrs): Uint8Array {
  if (bytes !== undefined) return bytes;
  const flags = (size === undefined ? 0 : 1) | (mode === undefined ? 0 : 4) | (mtime === undefined ? 0 : 8);
  return Buffer.concat([
    u32(flags),
    ...(size === undefined ? [] : [u64(size)]),
    ...(mode === undefined ? [] : [u32(mode)]),
    ...(mtime === undefined ? [] : [u32(mtime), u32(mtime)]),
  ]);
}

export function attrs(id: number, what: Attrs): Buffer {
  return packet('ATTRS', id, attributes(what));
}

export interface Entry extends Attrs {
  readonly name: string;
  readonly longname?: string;
}

export function entry({ name, longname, ...what }: Entry): Buffer {
  return Buffer.concat([str(name), str(longname ?? name), attributes({ mode: FILE_MODE, size: 2, ...what })]);
}

export function names(id: number, entries: readonly Entry[], count: number = entries.length): Buffer {
  return packet('NAME', id, u32(count), ...entries.map(entry));
}

/** A request of the client. What its kind does not have is empty or 0. */
export interface SftpRequest {
  readonly kind: Kind;
  readonly id: number;
  /** The first path; for EXTENDED the name of the extension. */
  readonly path: string;
  readonly handle: string;
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
  readonly content: Buffer;
  /** The second path of RENAME and SYMLINK, the argument of an extension. */
  readonly second: string;
}

class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  u64(): number {
    this.#at += 8;
    return Number(this.#bytes.readBigUInt64BE(this.#at - 8));
  }

  str(): Buffer {
    const length = this.u32();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new Error('the client sent a packet that is cut short');
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.str().toString('latin1');
  }
}

const byHandle: ReadonlySet<Kind> = new Set(['CLOSE', 'READ', 'WRITE', 'FSTAT', 'FSETSTAT', 'READDIR']);

/** Reads a request: what is behind the length. A client that sends nonsense fails the test. */
export function parseRequest(bytes: Buffer): SftpRequest {
  const kind = kinds.get(bytes[0] as number);
  if (kind === undefined) throw new Error(`the client sent packet type ${bytes[0]}`);
  const fields = new Fields(bytes.subarray(1));
  const id = fields.u32();
  const none = { kind, id, path: '', handle: '', offset: 0, length: 0, flags: 0, content: Buffer.alloc(0), second: '' };
  if (kind === 'INIT') return none;
  if (kind === 'READ') return { ...none, handle: fields.text(), offset: fields.u64(), length: fields.u32() };
  if (kind === 'WRITE') return { ...none, handle: fields.text(), offset: fields.u64(), content: fields.str() };
  if (byHandle.has(kind)) return { ...none, handle: fields.text() };
  const path = fields.text();
  if (kind === 'OPEN') return { ...none, path, flags: fields.u32() };
  const hasSecond = kind === 'RENAME' || kind === 'SYMLINK' || (kind === 'EXTENDED' && fields.left >= 4);
  return { ...none, path, second: hasSecond ? fields.text() : '' };
}
