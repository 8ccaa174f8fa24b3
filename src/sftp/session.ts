import type { Readable, Writable } from 'node:stream';
import { withDeadline } from '../base/deadline.ts';
import { ConnectionError, ProtocolError } from '../base/errors.ts';
import { type Attributes, NO_ATTRIBUTES } from './attributes.ts';
import { Exchange } from './exchange.ts';
import { SftpExtensions } from './extensions.ts';
import type { SftpHandle } from './handle.ts';
import { DEFAULT_LIMITS, MAX_BYTES_IN_FLIGHT, MAX_REQUESTS_IN_FLIGHT, type SftpLimits, withLimits } from './limits.ts';
import * as handles from './packets/handles.ts';
import * as names from './packets/names.ts';
import * as paths from './packets/paths.ts';
import type { Version } from './packets/version.ts';
import { type ReadReceiver, ReadRequest } from './read-request.ts';
import { Call } from './request.ts';
import type { Trace } from './trace.ts';
import { fetchWhole, putWhole } from './whole-file.ts';
import { type WriteReceiver, WriteRequest } from './write-request.ts';

/** The two byte streams of a subsystem: any duplex stream will do. */
export interface SftpStreams {
  /** What the server sends. */
  readonly input: Readable;
  /** What goes to the server. */
  readonly output: Writable;
}

export interface SftpSessionOptions {
  /** How errors name the server. */
  readonly host: string;
  /** Sees every packet as it passes, for `-vvv`. */
  readonly trace?: Trace | undefined;
  /** Aborting fails the session and everything that waits on it with `signal.reason`, for as long as the session is open. */
  readonly signal?: AbortSignal | undefined;
  /** How long the server may take to answer INIT, in milliseconds; 0 for ever. Default 0. */
  readonly timeoutMs?: number | undefined;
  /** Requests that wait for an answer at one time. Default {@link MAX_REQUESTS_IN_FLIGHT}. */
  readonly maxRequests?: number | undefined;
  /** The most content in one READ or WRITE, below what the server takes (scp's `-X buffer`). */
  readonly maxDataBytes?: number | undefined;
  /** Bytes of file content asked for or sent and not answered. Default {@link MAX_BYTES_IN_FLIGHT}. */
  readonly maxBytes?: number | undefined;
}

/**
 * The client's side of one SFTP connection (version 3, draft-ietf-secsh-filexfer-02): typed requests, many of them in flight.
 *
 * Requests go out in the order of the calls, without a turn of the event loop between: a caller may ask for WRITE, FSETSTAT and CLOSE at once, because a server keeps the order of
 * what concerns one file (draft section 3). What exceeds `maxRequests` or `maxBytes` waits in a queue, first come, first served.
 *
 * Methods throw a FileError that names the path as it was given where the server reports failure. A fault of the server (ProtocolError), the end of the stream (ConnectionError)
 * and an abort (`signal.reason`) fail the session: everything that waits, and every later call.
 *
 * @example
 * const session = await SftpSession.open(await connection.subsystem('sftp'), { host: 'server' });
 * const attributes = await session.lstat('notes.txt');
 * session.close();
 */
export class SftpSession implements AsyncDisposable {
  /** The protocol's version, as the server gave it: 3 or more. Version 3 is what is spoken. */
  readonly version: number;
  /** Requests of the server's extensions. */
  readonly extensions: SftpExtensions;
  /** How many bytes may be asked for or sent and not be answered. */
  readonly maxBytes: number;
  /** How many requests may wait for an answer. */
  readonly maxRequests: number;
  readonly #exchange: Exchange;
  /** What is open on the server. */
  readonly #handles = new Set<string>();
  #limits: SftpLimits = DEFAULT_LIMITS;
  #maxDataBytes: number = Number.POSITIVE_INFINITY;

  private constructor(
    exchange: Exchange,
    version: number,
    offered: ReadonlyMap<string, string>,
    bounds: { maxRequests: number; maxBytes: number },
  ) {
    this.#exchange = exchange;
    this.version = version;
    this.extensions = new SftpExtensions(exchange, offered);
    this.maxRequests = bounds.maxRequests;
    this.maxBytes = bounds.maxBytes;
  }

  /**
   * Shakes hands (INIT, VERSION) and asks for the server's limits where it tells them; their answer is not waited for.
   *
   * @throws {ConnectionError} `ERR_NOT_OFFERED` where the stream ends before the server has answered: it has no SFTP. `ERR_TIMEOUT` after `timeoutMs`.
   * @throws {ProtocolError} where something else than VERSION comes, such as the text of a talkative login shell, or a version below 3.
   */
  static async open(streams: SftpStreams, options: SftpSessionOptions): Promise<SftpSession> {
    options.signal?.throwIfAborted();
    const { exchange, bounds, shaken } = begin(streams, options);
    const { version, extensions } = await shaken;
    const session = new SftpSession(exchange, version, extensions, bounds);
    session.#maxDataBytes = options.maxDataBytes ?? Number.POSITIVE_INFINITY;
    session.#limits = session.#within(DEFAULT_LIMITS);
    session.#askLimits();
    return session;
  }

  /**
   * One more session on the server of another one: what is asked of it goes out behind INIT, without waiting for VERSION, because this server will say what it has said before.
   *
   * @returns the session at once, and `ready`, which resolves when the server has answered, or rejects as {@link open}; the session has failed then
   */
  static openAnother(
    streams: SftpStreams,
    like: SftpSession,
    options: SftpSessionOptions,
  ): { readonly session: SftpSession; readonly ready: Promise<void> } {
    const { exchange, bounds, shaken } = begin(streams, options);
    const session = new SftpSession(exchange, like.version, like.extensions.offered, bounds);
    session.#limits = like.#limits;
    return { session, ready: shaken.then(() => {}) };
  }

  #askLimits(): void {
    if (!this.has('limits@openssh.com')) return;
    this.extensions.limits().then(
      (limits) => {
        this.#limits = this.#within(withLimits(limits));
      },
      // A server that offers the extension and then refuses it gets the sizes that every server takes.
      () => {},
    );
  }

  #within(limits: SftpLimits): SftpLimits {
    const most = this.#maxDataBytes;
    return {
      ...limits,
      maxReadBytes: Math.min(limits.maxReadBytes, most),
      maxWriteBytes: Math.min(limits.maxWriteBytes, most),
    };
  }

  /** What the server takes: the defaults of the draft until it has told otherwise. */
  get limits(): SftpLimits {
    return this.#limits;
  }

  /** The shortest time in which a request has been answered, in milliseconds; 0 while nobody knows. */
  get roundTripMs(): number {
    return this.#exchange.roundTripMs;
  }

  /** How many requests have been made and not been answered. */
  get pending(): number {
    return this.#exchange.pending;
  }

  /** How long the server took to answer INIT, in milliseconds. With the `ssh` program that includes the login. */
  get handshakeMs(): number {
    return this.#exchange.handshakeMs;
  }

  /** What failed the session, if it has failed or been closed. An abort's reason may be anything. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#exchange.failure;
  }

  /** Whether the server offers an extension, by its name on the wire: `fsync@openssh.com`. */
  has(extension: string): boolean {
    return this.extensions.has(extension);
  }

  /** Fails the session: everything that waits and every later call is rejected with this error. The streams are the caller's to close. */
  fail(error: unknown): void {
    this.#exchange.fail(error);
  }

  /** Ends the session: what still waits fails, and the server is sent the end of the stream. Idempotent. */
  close(): void {
    this.#exchange.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @param flags SSH_FXF_* @param attributes of a file that is new */
  open(path: string, flags: number, attributes: Attributes = NO_ATTRIBUTES): Promise<SftpHandle> {
    const what = { operation: 'open', path };
    return this.#opened(this.#exchange.openHandle(handles.openPacket, { path, flags, attributes }, what));
  }

  opendir(path: string): Promise<SftpHandle> {
    return this.#opened(this.#exchange.openHandle(paths.opendirPacket, path, { operation: 'opendir', path }));
  }

  /** A handle that stands for something else already would bring the content of one file under the name of another. @throws {ProtocolError} */
  async #opened(opening: Promise<SftpHandle>): Promise<SftpHandle> {
    const handle = await opening;
    try {
      this.#requireFresh(handle);
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.#handles.add(keyOf(handle));
    return handle;
  }

  readonly #requireFresh = (handle: SftpHandle): void => {
    if (this.#handles.has(keyOf(handle)))
      throw new ProtocolError('protocol error: the server gives a handle that is open already');
  };

  /** Makes a new file of few bytes, at most `limits.maxWriteBytes`: see {@link putWhole}. */
  putWhole(path: string, mode: number, content: Uint8Array): Promise<boolean> {
    return putWhole(this.#exchange, path, mode, content, this.#requireFresh);
  }

  /** Reads a file of few bytes, less than `limits.maxReadBytes`: see {@link fetchWhole}. */
  fetchWhole(path: string, size: number): Promise<Uint8Array | undefined> {
    return fetchWhole(this.#exchange, path, size, this.#requireFresh);
  }

  /** SSH_FXP_CLOSE. The handle is gone afterwards, whatever the answer: an error tells that content was lost (a full disk). */
  closeHandle(handle: SftpHandle): Promise<void> {
    this.#handles.delete(keyOf(handle));
    return this.#exchange.callStatus(handles.closePacket, handle.bytes, { operation: 'close', path: handle.path });
  }

  /**
   * One READ.
   *
   * @returns the pieces in which the content came, together at most `length` bytes and maybe fewer; undefined at the end of the file
   */
  read(handle: SftpHandle, position: number, length: number): Promise<readonly Uint8Array[] | undefined> {
    return new Promise((resolve, reject) => {
      const received = (pieces: readonly Uint8Array[]): void => resolve(pieces);
      this.startRead(handle, position, length, { received, ended: () => resolve(undefined), failed: reject });
    });
  }

  /** One READ whose outcome goes to a receiver, without promises: for pipelines. */
  startRead(handle: SftpHandle, position: number, length: number, receiver: ReadReceiver): ReadRequest {
    const request = new ReadRequest(handle, position, length, receiver);
    this.#exchange.request(request);
    return request;
  }

  /** One WRITE of all the pieces, together at most `limits.maxWriteBytes`. They must not change until this resolves. */
  write(handle: SftpHandle, position: number, pieces: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.startWrite(handle, position, pieces, { sent: () => {}, written: resolve, failed: reject });
    });
  }

  /** One WRITE whose outcome goes to a receiver, without promises: for pipelines. The pieces must not change until `sent` or `failed` is called. */
  startWrite(
    handle: SftpHandle,
    position: number,
    pieces: readonly Uint8Array[],
    receiver: WriteReceiver,
  ): WriteRequest {
    const request = new WriteRequest(handle, position, pieces, receiver);
    this.#exchange.request(request);
    return request;
  }

  /** The attributes at a path; those of a link itself. */
  lstat(path: string): Promise<Attributes> {
    return this.#exchange.call(paths.lstatPacket, path, names.attrsPacket, { operation: 'lstat', path });
  }

  /** The attributes at a path; links are followed. */
  stat(path: string): Promise<Attributes> {
    return this.#exchange.call(paths.statPacket, path, names.attrsPacket, { operation: 'stat', path });
  }

  fstat(handle: SftpHandle): Promise<Attributes> {
    const what = { operation: 'fstat', path: handle.path };
    return this.#exchange.call(handles.fstatPacket, handle.bytes, names.attrsPacket, what);
  }

  /** {@link fstat} without a promise: `told` is called before anything is handled that the server has answered later. Undefined where there is no answer. */
  startFstat(handle: SftpHandle, told: (attributes: Attributes | undefined) => void): void {
    const expected = { kind: 'packet', packet: names.attrsPacket } as const;
    const failed = (): void => told(undefined);
    const what = { operation: 'fstat', path: handle.path };
    this.#exchange.request(new Call(handles.fstatPacket, handle.bytes, expected, what, told, failed));
  }

  /** Changes the attributes that are set; links are followed. A size truncates. */
  setstat(path: string, attributes: Attributes): Promise<void> {
    return this.#exchange.callStatus(paths.setstatPacket, { path, attributes }, { operation: 'setstat', path });
  }

  fsetstat(handle: SftpHandle, attributes: Attributes): Promise<void> {
    const fields = { handle: handle.bytes, attributes };
    return this.#exchange.callStatus(handles.fsetstatPacket, fields, { operation: 'fsetstat', path: handle.path });
  }

  /** The next names of an open directory, as the server sends them, unchecked; undefined at the end. */
  readdir(handle: SftpHandle): Promise<readonly names.NameEntry[] | undefined> {
    const what = { operation: 'readdir', path: handle.path };
    return this.#exchange.callToEnd(handles.readdirPacket, handle.bytes, names.namePacket, what);
  }

  remove(path: string): Promise<void> {
    return this.#exchange.callStatus(paths.removePacket, path, { operation: 'remove', path });
  }

  mkdir(path: string, attributes: Attributes = NO_ATTRIBUTES): Promise<void> {
    return this.#exchange.callStatus(paths.mkdirPacket, { path, attributes }, { operation: 'mkdir', path });
  }

  rmdir(path: string): Promise<void> {
    return this.#exchange.callStatus(paths.rmdirPacket, path, { operation: 'rmdir', path });
  }

  /** The absolute path the server makes of `path`; of `.` the start directory. */
  realpath(path: string): Promise<string> {
    return this.#exchange.call(paths.realpathPacket, path, names.oneNamePacket, { operation: 'realpath', path });
  }

  /** SSH_FXP_RENAME: fails where the new name exists. `extensions.posixRename` replaces it. */
  rename(oldPath: string, newPath: string): Promise<void> {
    const what = { operation: 'rename', path: newPath };
    return this.#exchange.callStatus(paths.renamePacket, { oldPath, newPath }, what);
  }

  /** Where a symbolic link points. */
  readlink(path: string): Promise<string> {
    return this.#exchange.call(paths.readlinkPacket, path, names.oneNamePacket, { operation: 'readlink', path });
  }

  /** Makes a symbolic link at `linkPath` that points to `targetPath`. The arguments travel in OpenSSH's order, see symlinkPacket. */
  symlink(linkPath: string, targetPath: string): Promise<void> {
    const what = { operation: 'symlink', path: linkPath };
    return this.#exchange.callStatus(paths.symlinkPacket, { linkPath, targetPath }, what);
  }
}

interface Begun {
  readonly exchange: Exchange;
  readonly bounds: { readonly maxRequests: number; readonly maxBytes: number };
  readonly shaken: Promise<Version>;
}

/** Sends INIT. Where no VERSION comes, everything fails. */
function begin(streams: SftpStreams, options: SftpSessionOptions): Begun {
  const bounds = {
    maxRequests: options.maxRequests ?? MAX_REQUESTS_IN_FLIGHT,
    maxBytes: options.maxBytes ?? MAX_BYTES_IN_FLIGHT,
  };
  const exchange = new Exchange(streams, { ...options, ...bounds });
  const expired = (): Error =>
    new ConnectionError(options.host, 'open', 'timed out while the SFTP session was opened', { code: 'ERR_TIMEOUT' });
  const shaken = withDeadline(exchange.handshake(), options.timeoutMs ?? 0, expired).catch((error: unknown) => {
    exchange.fail(error);
    throw error;
  });
  return { exchange, bounds, shaken };
}

function keyOf(handle: SftpHandle): string {
  return Buffer.from(handle.bytes).toString('latin1');
}
