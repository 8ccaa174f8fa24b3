import { setMaxListeners } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { ConnectionError, ProtocolError } from '../../base/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { packetName, SFTP_VERSION, SSH_FX_PERMISSION_DENIED, SSH_FXP_DATA, SSH_FXP_INIT } from '../constants.ts';
import { type PacketReceiver, PacketStream } from '../packet-stream.ts';
import { initPacket } from '../packets/version.ts';
import { BufferPool } from './buffer-pool.ts';
import type { Context } from './context.ts';
import { announced } from './extended-requests.ts';
import { statusFor } from './failure.ts';
import type { FileHandle } from './file-handle.ts';
import { HandleTable } from './handle-table.ts';
import { type ConnectionHashing, Hashing } from './hashing.ts';
import { Lane } from './lane.ts';
import { MAX_BYTES_UNDER_WAY, MAX_REQUESTS_UNDER_WAY } from './limits.ts';
import type { ListingHandle } from './listing-handle.ts';
import { Replies } from './replies.ts';
import { type Ready, readerOf } from './requests.ts';
import type { ServedFiles } from './served-files.ts';

/** The two byte streams of a subsystem: any will do. */
export interface ServerStreams {
  readonly input: Readable;
  readonly output: Writable;
}

export interface ServerSessionOptions {
  /** Told when the session begins to have something to do (a request, an answer, an open file), and when it has nothing to do any more. */
  readonly busy?: ((isBusy: boolean) => void) | undefined;
  /** Whether a request may be made at all, by its name (see requestNames); another one is answered with SSH_FX_PERMISSION_DENIED. Default: all. */
  readonly permits?: ((request: string) => boolean) | undefined;
  /** Aborted when nobody is left at the other end: nothing more is read. Of what has come only that is done which goes on with files that are open for writing, as after the output is closed. */
  readonly gone?: AbortSignal | undefined;
  /** Aborted when everything is to stop at once: nothing is begun any more, and what takes long is given up. */
  readonly signal?: AbortSignal | undefined;
  /** Shared by all sessions of a connection. Default: one of its own. */
  readonly hashing?: ConnectionHashing | undefined;
  /** Seconds since 1970. Default: now. */
  readonly nowSeconds?: (() => number) | undefined;
}

interface Incoming {
  readonly type: number;
  readonly body: Buffer;
}

/**
 * Serves one SFTP session (version 3) until the client ends its stream. What was asked before that end is done, as long as somebody takes the answers: once nobody does, requests that only answer or change names are dropped, and what completes uploads goes on.
 * The files are told of the end, whatever it was, before this settles. The output is left open.
 *
 * @throws {ProtocolError} where the client breaks the rules; {ConnectionError} where its stream breaks.
 */
export function serveSftp(
  streams: ServerStreams,
  files: ServedFiles,
  options: ServerSessionOptions = {},
): Promise<void> {
  return new ServerSession(streams, files, options).run();
}

class ServerSession implements PacketReceiver {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #files: ServedFiles;
  readonly #options: ServerSessionOptions;
  readonly #stream: PacketStream = new PacketStream(this, { greeting: false });
  readonly #handles: HandleTable<FileHandle | ListingHandle> = new HandleTable();
  readonly #replies: Replies;
  readonly #context: Context;
  /** The order of requests that name paths. */
  readonly #paths: Lane = new Lane();
  /** What has come and not begun. Nothing is read while there is something in it, so it holds what was in one chunk. */
  readonly #waiting: Incoming[] = [];
  /** The first of them that has not begun. */
  #next = 0;
  #requests = 0;
  #bytes = 0;
  #begun = false;
  #isBusy = false;
  /** No more is to come. */
  #inputOver = false;
  #failure: { readonly error: unknown } | undefined;
  #pumping = false;
  #finish: (() => void) | undefined;
  readonly #unheard = new AbortController();

  constructor({ input, output }: ServerStreams, files: ServedFiles, options: ServerSessionOptions) {
    this.#input = input;
    this.#output = output;
    this.#files = files;
    this.#options = options;
    this.#replies = new Replies(
      output,
      () => this.#pump(),
      () => this.#regulate(),
    );
    // Every request that waits for a turn listens to it.
    setMaxListeners(0, this.#unheard.signal);
    this.#context = {
      files,
      handles: this.#handles,
      replies: this.#replies,
      buffers: new BufferPool(),
      hashing: options.hashing ?? new Hashing().connection(),
      unheard: this.#unheard.signal,
      nowSeconds: options.nowSeconds ?? ((): number => Date.now() / 1000),
    };
  }

  async run(): Promise<void> {
    const { gone, signal } = this.#options;
    this.#input.on('data', this.#onData);
    this.#input.on('end', this.#onEnd);
    this.#input.on('close', this.#onEnd);
    this.#input.on('error', this.#onBroken);
    this.#output.on('error', this.#onDeaf);
    this.#output.on('close', this.#onDeaf);
    gone?.addEventListener('abort', this.#onGone);
    signal?.addEventListener('abort', this.#onStop);
    if (gone?.aborted === true) this.#onGone();
    if (signal?.aborted === true) this.#onStop();
    if (this.#input.readableEnded || this.#input.destroyed) this.#onEnd();
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#pump();
    });
    this.#release();
    await this.#files.end();
    if (this.#isBusy) this.#options.busy?.(false);
    this.#replies.flush();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#stream.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
    this.#pump();
  };

  readonly #onEnd = (): void => {
    if (this.#inputOver) return;
    if (this.#stream.isInside) this.#fail(lost('the client left in the middle of a packet'));
    this.#inputOver = true;
    this.#pump();
  };

  readonly #onBroken = (cause: Error): void => {
    this.#fail(lost(cause.message, cause));
    this.#pump();
  };

  /** The client takes nothing any more. What it has sent of uploads counts nevertheless. */
  readonly #onDeaf = (): void => {
    this.#replies.mute();
    this.#unheard.abort(lost('the client has left'));
    this.#pump();
  };

  readonly #onGone = (): void => {
    this.#inputOver = true;
    this.#stream.stop();
    this.#onDeaf();
  };

  readonly #onStop = (): void => {
    this.#next = this.#waiting.length;
    this.#onGone();
  };

  /** The first failure counts. What came before it is done. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#inputOver = true;
    this.#stream.stop();
  }

  packet(type: number, body: Buffer): void {
    this.#waiting.push({ type, body });
  }

  dataBegins(): void {
    throw new ProtocolError(`protocol error: ${packetName(SSH_FXP_DATA)} is no request`);
  }

  data(): void {}

  dataEnds(): void {}

  /** Begins what may begin, and reads on where nothing waits. */
  #pump(): void {
    // A request may be over before the call that begins it returns.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#isIdle && this.#hasRoom()) this.#begin(this.#waiting[this.#next++] as Incoming);
    } catch (error) {
      this.#fail(error);
      this.#next = this.#waiting.length;
    }
    if (this.#isIdle && this.#next > 0) {
      this.#waiting.length = 0;
      this.#next = 0;
    }
    this.#pumping = false;
    this.#regulate();
  }

  /** Whether everything that has come has begun. */
  get #isIdle(): boolean {
    return this.#next === this.#waiting.length;
  }

  #hasRoom(): boolean {
    const { isFull } = this.#replies;
    return !isFull && this.#requests < MAX_REQUESTS_UNDER_WAY && this.#bytes < MAX_BYTES_UNDER_WAY;
  }

  #regulate(): void {
    const isIdle = this.#isIdle;
    const isBusy = !isIdle || this.#requests > 0 || this.#handles.size > 0 || this.#replies.isSending;
    if (isBusy !== this.#isBusy) {
      this.#isBusy = isBusy;
      this.#options.busy?.(isBusy);
    }
    if (this.#inputOver) {
      if (isIdle && this.#requests === 0) this.#finish?.();
    } else if (!isIdle || !this.#hasRoom()) this.#input.pause();
    else if (this.#input.isPaused()) this.#input.resume();
  }

  /** @throws {ProtocolError} */
  #begin({ type, body }: Incoming): void {
    const reader = new ByteReader(body, packetName(type));
    if (!this.#begun) {
      this.#shakeHands(type, reader);
      return;
    }
    const read = readerOf(type);
    if (read === undefined) throw new ProtocolError(`protocol error: ${packetName(type)} is no request`);
    const id = reader.uint32();
    // Bytes that are left over are passed over, as OpenSSH does: some clients send fields of later versions.
    this.#start(id, read(reader));
  }

  #shakeHands(type: number, reader: ByteReader): void {
    if (type !== SSH_FXP_INIT) throw new ProtocolError(`protocol error: ${packetName(type)} came where INIT should be`);
    initPacket.read(reader);
    this.#begun = true;
    this.#replies.version(SFTP_VERSION, announced);
  }

  #start(id: number, { name, bytes, lane, completes, start }: Ready): void {
    const isWanted = (): boolean =>
      this.#options.signal?.aborted !== true && (completes || !this.#unheard.signal.aborted);
    if (!isWanted()) return;
    if (this.#options.permits?.(name) === false) {
      this.#replies.status(id, statusFor(SSH_FX_PERMISSION_DENIED));
      return;
    }
    this.#requests++;
    this.#bytes += bytes;
    let isOver = false;
    const done = (): void => {
      if (isOver) return;
      isOver = true;
      this.#requests--;
      this.#bytes -= bytes;
      if (lane !== undefined) this.#paths.leave();
      this.#pump();
    };
    const job = { id, isWanted, done };
    if (lane === undefined) start(job, this.#context);
    else this.#paths.enter(lane, () => start(job, this.#context));
  }

  /** Lets go of the streams. Listeners for errors stay: nobody else may have one, and then an error would end the process. */
  #release(): void {
    this.#input.off('data', this.#onData);
    this.#input.off('end', this.#onEnd);
    this.#input.off('close', this.#onEnd);
    this.#output.off('close', this.#onDeaf);
    this.#options.gone?.removeEventListener('abort', this.#onGone);
    this.#options.signal?.removeEventListener('abort', this.#onStop);
  }
}

function lost(reason: string, cause?: unknown): ConnectionError {
  return new ConnectionError('client', 'transfer', reason, { code: 'ERR_CONNECTION_LOST', cause });
}
