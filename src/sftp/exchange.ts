import type { Readable, Writable } from 'node:stream';
import { ConnectionError, FileError, ProtocolError } from '../base/errors.ts';
import { borrowBytes } from '../base/lent-bytes.ts';
import { ByteReader } from '../wire/byte-reader.ts';
import { packetName, SFTP_VERSION, SSH_FXP_DATA, SSH_FXP_INIT, SSH_FXP_VERSION } from './constants.ts';
import { SftpHandle } from './handle.ts';
import { MAX_REQUEST_BYTES, MAX_REQUESTS_WAITING, NOISE_TIMEOUT_MS } from './limits.ts';
import { noiseError } from './noise.ts';
import { Outbox } from './outbox.ts';
import { type PacketReceiver, PacketStream } from './packet-stream.ts';
import { handlePacket } from './packets/handles.ts';
import type { Packet } from './packets/packet.ts';
import { initPacket, type Version, versionPacket } from './packets/version.ts';
import { ReadRequest } from './read-request.ts';
import { Call, type Expected, type Request } from './request.ts';
import { RequestQueue } from './request-queue.ts';
import type { What } from './status.ts';
import { describeRequest, type Trace } from './trace.ts';
import { WriteRequest } from './write-request.ts';

export interface ExchangeOptions {
  readonly host: string;
  readonly trace?: Trace | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxRequests: number;
  readonly maxBytes: number;
}

type State =
  | { readonly kind: 'new' }
  | {
      readonly kind: 'handshake';
      readonly resolve: (version: Version) => void;
      readonly reject: (error: unknown) => void;
    }
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Requests and their answers on two streams, many at a time: numbers the requests, holds back what exceeds the window, and brings each answer to the request it belongs to.
 * What the peer does wrong, the end of its stream and an abort fail everything at once.
 */
export class Exchange implements PacketReceiver {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #options: ExchangeOptions;
  readonly #stream: PacketStream;
  readonly #outbox: Outbox;
  readonly #waiting: RequestQueue = new RequestQueue();
  /** Requests without an answer, by id. */
  readonly #inFlight: Map<number, Request> = new Map();
  #bytesInFlight = 0;
  #nextId = 0;
  #state: State = { kind: 'new' };
  /** The READ whose content comes in. */
  #reading: { readonly id: number; readonly request: ReadRequest } | undefined;
  #noiseTimer: NodeJS.Timeout | undefined;
  /** The request whose answer is timed, and since when. One at a time. */
  #timed: number | undefined;
  #timedSince = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #handshakeMs = 0;

  constructor(streams: { readonly input: Readable; readonly output: Writable }, options: ExchangeOptions) {
    this.#input = streams.input;
    this.#output = streams.output;
    this.#options = options;
    this.#stream = new PacketStream(this, { lent: true });
    this.#outbox = new Outbox(streams.output, () => this.#pump());
    const { input, output } = streams;
    borrowBytes(input, () => this.#state.kind !== 'failed');
    input.on('data', this.#onData);
    input.on('end', this.#onEnd);
    input.on('close', this.#onEnd);
    input.on('error', this.#onLost);
    output.on('error', this.#onLost);
    output.on('close', this.#onLost);
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#state.kind === 'failed' ? { error: this.#state.error } : undefined;
  }

  /** The shortest time in which a request has been answered so far, in milliseconds: how far away the server is. 0 while nobody knows. */
  get roundTripMs(): number {
    return Number.isFinite(this.#roundTripMs) ? this.#roundTripMs : 0;
  }

  /** How many requests have been made and not been answered. */
  get pending(): number {
    return this.#inFlight.size + this.#waiting.length;
  }

  /** How long VERSION took to come. With the `ssh` program that includes the login. Milliseconds. */
  get handshakeMs(): number {
    return this.#handshakeMs;
  }

  /** Sends INIT and waits for VERSION, once. What is asked meanwhile is sent behind it. @throws {ProtocolError} {ConnectionError} */
  handshake(): Promise<Version> {
    return new Promise((resolve, reject) => {
      if (this.#state.kind === 'failed') {
        reject(this.#state.error);
        return;
      }
      this.#state = { kind: 'handshake', resolve, reject };
      this.#handshakeMs = -performance.now();
      const { writer } = this.#outbox;
      writer.uint32(5);
      writer.uint8(SSH_FXP_INIT);
      initPacket.write(writer, { version: SFTP_VERSION, extensions: new Map() });
      this.#outbox.written();
      this.#options.trace?.('send', `SSH_FXP_INIT version ${SFTP_VERSION}`);
      if (this.#input.readableEnded || this.#input.destroyed) this.#onEnd();
    });
  }

  /** A request that is answered by a packet of one kind. */
  call<F, R>(packet: Packet<F>, fields: F, reply: Packet<R>, what: What): Promise<R> {
    return this.#call(packet, fields, { kind: 'packet', packet: reply }, what) as Promise<R>;
  }

  /** The same for a request that has an end: undefined then. */
  callToEnd<F, R>(packet: Packet<F>, fields: F, reply: Packet<R>, what: What): Promise<R | undefined> {
    return this.#call(packet, fields, { kind: 'packet or end', packet: reply }, what);
  }

  /** The same for a request that is answered by SSH_FX_OK. */
  callStatus<F>(packet: Packet<F>, fields: F, what: What): Promise<void> {
    return this.#call<F, void>(packet, fields, { kind: 'ok' }, what);
  }

  /** The same for a request that is answered by a handle. */
  async openHandle<F>(packet: Packet<F>, fields: F, what: What): Promise<SftpHandle> {
    return new SftpHandle(await this.call(packet, fields, handlePacket, what), what.path);
  }

  #call<F, R>(packet: Packet<F>, fields: F, expected: Expected<R>, what: What): Promise<R | undefined> {
    return new Promise((resolve, reject) => {
      this.request(new Call(packet, fields, expected, what, resolve, reject));
    });
  }

  /** Sends a request, or lets it wait for its turn. Its outcome goes to the request. */
  request(request: Request): void {
    if (this.#state.kind === 'failed') request.failed(this.#state.error);
    else if (this.#waiting.length === 0 && this.#hasRoom(request)) this.#send(request);
    // How much content waits is bounded by whoever writes it, however small the pieces are that the server takes.
    else if (request instanceof WriteRequest || this.#waiting.length < MAX_REQUESTS_WAITING) this.#waiting.add(request);
    else request.failed(new RangeError(`more than ${MAX_REQUESTS_WAITING} SFTP requests wait for their turn`));
  }

  #hasRoom(request: Request): boolean {
    if (this.#inFlight.size >= this.#options.maxRequests || this.#outbox.isFull) return false;
    // Content that is larger than the window goes alone.
    return this.#bytesInFlight + request.bytes <= this.#options.maxBytes || this.#bytesInFlight === 0;
  }

  #pump(): void {
    for (let next = this.#waiting.first; next !== undefined && this.#hasRoom(next); next = this.#waiting.first) {
      this.#waiting.drop();
      this.#send(next);
    }
  }

  #send(request: Request): void {
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const { writer } = this.#outbox;
    const start = writer.length;
    writer.uint32(0);
    writer.uint8(request.type);
    writer.uint32(id);
    request.writeFields(writer);
    const length = writer.length - start - 4;
    if (length > MAX_REQUEST_BYTES) {
      writer.cutTo(start);
      request.failed(new FileError(request.what.path, request.what.operation, 'ENAMETOOLONG'));
      return;
    }
    const content = request instanceof WriteRequest ? request : undefined;
    writer.setUint32(start, length + (content?.bytes ?? 0));
    this.#inFlight.set(id, request);
    this.#bytesInFlight += request.bytes;
    if (this.#timed === undefined) {
      this.#timed = id;
      this.#timedSince = performance.now();
    }
    this.#options.trace?.('send', describeRequest(id, request));
    if (content !== undefined && content.bytes > 0)
      this.#outbox.content(content.pieces, content.bytes, () => content.sent());
    else this.#outbox.written();
  }

  packet(type: number, body: Buffer): void {
    if (this.#state.kind === 'handshake') {
      this.#shakenHands(type, body);
      return;
    }
    const reader = new ByteReader(body, packetName(type));
    const id = reader.uint32();
    this.#options.trace?.('receive', `SSH_FXP_${packetName(type)} id ${id}`);
    const request = this.#requestFor(id, type);
    this.#forget(id, request);
    try {
      request.answered(type, reader);
    } catch (error) {
      request.failed(error);
      throw error;
    }
    this.#pump();
  }

  #shakenHands(type: number, body: Buffer): void {
    if (this.#state.kind !== 'handshake') return;
    if (type !== SSH_FXP_VERSION)
      throw new ProtocolError(`protocol error: ${packetName(type)} came where VERSION should be`);
    const version = versionPacket.read(new ByteReader(body, packetName(type)));
    if (version.version < SFTP_VERSION)
      throw new ProtocolError(`protocol error: the server speaks version ${version.version} of SFTP, which is too old`);
    const { resolve } = this.#state;
    this.#state = { kind: 'open' };
    this.#handshakeMs += performance.now();
    this.#options.trace?.('receive', `SSH_FXP_VERSION version ${version.version}`);
    resolve(version);
  }

  #requestFor(id: number, type: number): Request {
    const request = this.#inFlight.get(id);
    if (request === undefined)
      throw new ProtocolError(`protocol error: ${packetName(type)} answers request ${id}, which nobody waits for`);
    return request;
  }

  dataBegins(id: number, length: number): void {
    if (this.#state.kind !== 'open') throw new ProtocolError('protocol error: DATA came where VERSION should be');
    const request = this.#requestFor(id, SSH_FXP_DATA);
    if (!(request instanceof ReadRequest))
      throw new ProtocolError(`protocol error: DATA is no answer to ${packetName(request.type)}`);
    this.#options.trace?.('receive', `SSH_FXP_DATA id ${id} length ${length}`);
    request.begins(length);
    this.#reading = { id, request };
  }

  data(chunk: Buffer, start: number, end: number): void {
    this.#reading?.request.content(chunk, start, end);
  }

  dataEnds(): void {
    if (this.#reading === undefined) return;
    const { id, request } = this.#reading;
    this.#reading = undefined;
    this.#forget(id, request);
    request.ends();
    this.#pump();
  }

  /** Before it is told: what it does then may fail the session, and nobody is told twice. */
  #forget(id: number, request: Request): void {
    this.#inFlight.delete(id);
    this.#bytesInFlight -= request.bytes;
    if (id !== this.#timed) return;
    this.#timed = undefined;
    this.#roundTripMs = Math.min(this.#roundTripMs, performance.now() - this.#timedSince);
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#stream.push(chunk);
    } catch (error) {
      this.fail(error);
      return;
    }
    // Text that does not even end its line is not waited for.
    if (this.#state.kind === 'handshake' && this.#stream.noise !== undefined)
      this.#noiseTimer ??= setTimeout(() => this.#failNoisy(), NOISE_TIMEOUT_MS);
  };

  #failNoisy(): void {
    const { noise } = this.#stream;
    if (noise !== undefined && this.#state.kind === 'handshake') this.fail(noiseError(noise));
  }

  readonly #onEnd = (): void => {
    this.#failNoisy();
    this.fail(this.#state.kind === 'open' ? this.#lost() : this.#notOffered());
  };

  /** The way out, or the way in, is broken. While the two shake hands the peer's last words may still be on their way in: they end it. */
  readonly #onLost = (cause?: unknown): void => {
    if (this.#state.kind === 'open') this.fail(this.#lost(cause));
    else if (this.#state.kind !== 'failed') this.#noiseTimer ??= setTimeout(() => this.#onEnd(), NOISE_TIMEOUT_MS);
  };

  #lost(cause?: unknown): ConnectionError {
    const options = { code: 'ERR_CONNECTION_LOST', cause } as const;
    return new ConnectionError(this.#options.host, 'transfer', 'lost connection', options);
  }

  #notOffered(): ConnectionError {
    return new ConnectionError(this.#options.host, 'open', 'the server does not offer SFTP', {
      code: 'ERR_NOT_OFFERED',
      cure: 'use the SCP protocol, or have the server start an sftp subsystem',
    });
  }

  readonly #onAbort = (): void => {
    this.fail(this.#options.signal?.reason);
  };

  /** Fails what waits and every later request. The first error counts. */
  fail(error: unknown): void {
    const before = this.#state;
    if (before.kind === 'failed') return;
    this.#state = { kind: 'failed', error };
    this.#release();
    if (before.kind === 'handshake') before.reject(error);
    const requests = [...this.#inFlight.values(), ...this.#waiting.takeAll()];
    this.#inFlight.clear();
    this.#reading = undefined;
    for (const request of requests) request.failed(error);
  }

  /** Ends the session and the way out, also after a failure: the peer waits for that end. Idempotent. */
  close(): void {
    this.#outbox.end();
    const reason = 'the SFTP session is closed';
    this.fail(new ConnectionError(this.#options.host, 'transfer', reason, { code: 'ERR_CONNECTION_LOST' }));
  }

  /** Lets go of the streams. Listeners for errors stay: nobody else may have one, and then an error would end the process. */
  #release(): void {
    clearTimeout(this.#noiseTimer);
    this.#stream.stop();
    this.#input.off('data', this.#onData);
    this.#input.off('end', this.#onEnd);
    this.#input.off('close', this.#onEnd);
    this.#output.off('close', this.#onLost);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }
}
