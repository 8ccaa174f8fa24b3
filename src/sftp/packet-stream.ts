import { ProtocolError } from '../base/errors.ts';
import { packetName, SSH_FXP_DATA } from './constants.ts';
import { MAX_PACKET_BYTES } from './limits.ts';
import { looksLikeText, MAX_NOISE_BYTES, noiseError } from './noise.ts';

/** The length field (draft section 3). */
const LENGTH_BYTES = 4;
/** The length field and the type. */
const TYPE_END = 5;
/** The length field, the type, the request id and the length of the content. */
const DATA_HEADER_BYTES = 13;

/** Gets the packets of a stream, in order. What it throws, {@link PacketStream.push} throws. */
export interface PacketReceiver {
  /** A whole packet but its length and type. The bytes stay as they are; they may be a view of the chunk they came in, unless that is only lent. */
  packet(type: number, body: Buffer): void;
  /** A DATA begins: the answer to request `id`, with `length` bytes of content. */
  dataBegins(id: number, length: number): void;
  /** The next bytes of that content, as they came: `chunk` from `start` to `end`. They stay as long as the chunk does. */
  data(chunk: Buffer, start: number, end: number): void;
  /** All of the content was there. */
  dataEnds(): void;
}

type State =
  /** Between packets, or inside the fields that say what comes. */
  | { readonly kind: 'header' }
  | { readonly kind: 'body'; readonly type: number; readonly bytes: Buffer; filled: number }
  | { readonly kind: 'data'; left: number }
  /** The stream began with text. */
  | { readonly kind: 'noise'; text: Buffer };

const HEADER: State = { kind: 'header' };

/**
 * Cuts a stream into packets (draft section 3). A length is checked before anything is allocated for it. Content of DATA is not gathered: it goes to the receiver in the pieces in which it came.
 */
export class PacketStream {
  readonly #receiver: PacketReceiver;
  readonly #maxPacketBytes: number;
  readonly #isLent: boolean;
  readonly #header: Buffer = Buffer.alloc(DATA_HEADER_BYTES);
  #headerBytes = 0;
  #state: State = HEADER;
  /** Whether no packet has come yet, so that text is a greeting. */
  #first: boolean;
  #stopped = false;

  /** @param options `greeting`: the stream may begin with text of a login shell, which is worth an error of its own. Default true; it is false for what comes from a client. `lent`: chunks may change after {@link push}. */
  constructor(
    receiver: PacketReceiver,
    options: { readonly greeting?: boolean; readonly maxPacketBytes?: number; readonly lent?: boolean } = {},
  ) {
    this.#receiver = receiver;
    this.#maxPacketBytes = options.maxPacketBytes ?? MAX_PACKET_BYTES;
    this.#isLent = options.lent === true;
    this.#first = options.greeting !== false;
  }

  /** The text that the stream began with in place of a packet, as far as it has come; undefined where it began as it should. */
  get noise(): Buffer | undefined {
    if (this.#state.kind === 'noise') return this.#state.text;
    const begun = this.#first && this.#headerBytes > 0 && looksLikeText(this.#header[0] as number);
    return begun ? this.#header.subarray(0, this.#headerBytes) : undefined;
  }

  /** Whether a packet has begun and not ended. */
  get isInside(): boolean {
    return this.#state.kind !== 'header' || this.#headerBytes > 0;
  }

  /** Nothing reaches the receiver any more, not even what is left of the chunk at hand. */
  stop(): void {
    this.#stopped = true;
  }

  /** @throws {ProtocolError} where the bytes are no packets. The stream is of no use then. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      const state = this.#state;
      switch (state.kind) {
        case 'header':
          at = this.#readHeader(chunk, at);
          break;
        case 'body':
          at = this.#readBody(state, chunk, at);
          break;
        case 'data':
          at = this.#readData(state, chunk, at);
          break;
        case 'noise':
          this.#gatherNoise(state, chunk.subarray(at));
          return;
        default:
          state satisfies never;
      }
    }
  }

  #readHeader(chunk: Buffer, start: number): number {
    const header = this.#header;
    let at = start;
    while (at < chunk.length) {
      header[this.#headerBytes++] = chunk[at++] as number;
      if (this.#headerBytes === LENGTH_BYTES) this.#checkLength(header.readUInt32BE(0));
      if (this.#state !== HEADER) return at;
      if (this.#headerBytes === TYPE_END && header[LENGTH_BYTES] !== SSH_FXP_DATA) return this.#beginBody(chunk, at);
      if (this.#headerBytes === TYPE_END && header.readUInt32BE(0) + LENGTH_BYTES < DATA_HEADER_BYTES)
        throw new ProtocolError(`protocol error: ${packetName(SSH_FXP_DATA)} is cut short`);
      if (this.#headerBytes === DATA_HEADER_BYTES) {
        this.#beginData();
        return at;
      }
    }
    return at;
  }

  #checkLength(length: number): void {
    if (length > this.#maxPacketBytes) {
      if (this.#first && looksLikeText(this.#header[0] as number)) {
        this.#state = { kind: 'noise', text: Buffer.alloc(0) };
        this.#gatherNoise(this.#state, this.#header.subarray(0, LENGTH_BYTES));
        return;
      }
      throw new ProtocolError(`protocol error: a packet of ${length} bytes is too long`, { code: 'ERR_LIMIT' });
    }
    if (length === 0) throw new ProtocolError('protocol error: an empty packet');
  }

  #beginBody(chunk: Buffer, at: number): number {
    const type = this.#header[LENGTH_BYTES] as number;
    const length = this.#header.readUInt32BE(0) - 1;
    this.#headerBytes = 0;
    this.#first = false;
    // Mostly the whole packet is there.
    if (length <= chunk.length - at) {
      const body = chunk.subarray(at, at + length);
      this.#receiver.packet(type, this.#isLent ? Buffer.from(body) : body);
      return at + length;
    }
    this.#state = { kind: 'body', type, bytes: Buffer.allocUnsafe(length), filled: 0 };
    return at;
  }

  #readBody(state: State & { kind: 'body' }, chunk: Buffer, at: number): number {
    const count = chunk.copy(state.bytes, state.filled, at);
    state.filled += count;
    if (state.filled === state.bytes.length) {
      this.#state = HEADER;
      this.#receiver.packet(state.type, state.bytes);
    }
    return at + count;
  }

  /** `uint32 id, string data`, and nothing behind it. */
  #beginData(): void {
    const header = this.#header;
    const length = header.readUInt32BE(0) + LENGTH_BYTES - DATA_HEADER_BYTES;
    const told = header.readUInt32BE(DATA_HEADER_BYTES - 4);
    this.#headerBytes = 0;
    this.#first = false;
    if (told > length) throw new ProtocolError(`protocol error: ${packetName(SSH_FXP_DATA)} is cut short`);
    if (told < length) throw new ProtocolError(`protocol error: DATA has ${length - told} bytes too many`);
    this.#receiver.dataBegins(header.readUInt32BE(TYPE_END), told);
    if (told > 0) this.#state = { kind: 'data', left: told };
    else this.#receiver.dataEnds();
  }

  #readData(state: State & { kind: 'data' }, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + state.left);
    state.left -= end - at;
    this.#receiver.data(chunk, at, end);
    if (state.left === 0) {
      this.#state = HEADER;
      if (!this.#stopped) this.#receiver.dataEnds();
    }
    return end;
  }

  /** Keeps the text up to the end of its first line that is not empty. */
  #gatherNoise(state: State & { kind: 'noise' }, bytes: Buffer): void {
    state.text = Buffer.concat([state.text, bytes.subarray(0, MAX_NOISE_BYTES - state.text.length)]);
    const isWhole = /[^\s][^\n]*\n/.test(state.text.toString('latin1'));
    if (isWhole || state.text.length >= MAX_NOISE_BYTES) throw noiseError(state.text);
  }
}
