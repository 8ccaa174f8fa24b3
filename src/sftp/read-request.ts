import { ProtocolError } from '../base/errors.ts';
import type { ByteReader } from '../wire/byte-reader.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { SSH_FX_EOF, SSH_FXP_READ, SSH_FXP_STATUS } from './constants.ts';
import type { SftpHandle } from './handle.ts';
import { readPacket } from './packets/handles.ts';
import { type Request, readStatus, refusal, wrongAnswer } from './request.ts';
import type { What } from './status.ts';

/** Pieces shorter than this are copied, so that a few bytes do not hold on to the whole chunk in which they came. */
const COPY_BELOW_BYTES = 4 * 1024;

/** As many pieces does one answer keep as they are; the rest is gathered, so that a peer that sends single bytes does not fill the memory with objects. */
const MAX_PIECES = 32;

/** Is told how one READ ended: exactly one of these, once. */
export interface ReadReceiver {
  /** The content, in the pieces in which it came; nobody else has them. Without a byte there are none. */
  received(pieces: readonly Buffer[], length: number): void;
  /** SSH_FX_EOF: there is nothing at this position. */
  ended(): void;
  failed(error: unknown): void;
}

/** A READ (draft section 6.4). */
export class ReadRequest implements Request {
  readonly type: number = SSH_FXP_READ;
  readonly bytes: number;
  readonly #handle: SftpHandle;
  readonly #position: number;
  readonly #receiver: ReadReceiver;
  #pieces: Buffer[] = [];
  #received = 0;
  /** How much content the answer has. */
  #length = 0;
  /** Where single bytes are gathered. */
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;
  #dropped = false;

  constructor(handle: SftpHandle, position: number, length: number, receiver: ReadReceiver) {
    this.#handle = handle;
    this.#position = position;
    this.bytes = length;
    this.#receiver = receiver;
  }

  get what(): What {
    return { operation: 'read', path: this.#handle.path };
  }

  /** Nobody wants the content any more. The receiver is told of the answer nevertheless. */
  drop(): void {
    this.#dropped = true;
    this.#pieces = [];
  }

  writeFields(writer: ByteWriter): void {
    readPacket.write(writer, { handle: this.#handle.bytes, offset: this.#position, length: this.bytes });
  }

  /** The answer begins. @throws {ProtocolError} where it is longer than what was asked for. */
  begins(length: number): void {
    if (length > this.bytes)
      throw new ProtocolError(`protocol error: ${length} bytes of data came where ${this.bytes} were asked for`);
    this.#length = length;
  }

  /** The next bytes of the answer. */
  content(chunk: Buffer, start: number, end: number): void {
    const count = end - start;
    this.#received += count;
    if (this.#dropped) return;
    if (this.#pieces.length < MAX_PIECES - 1) {
      const piece = chunk.subarray(start, end);
      this.#pieces.push(count < COPY_BELOW_BYTES ? Buffer.from(piece) : piece);
      return;
    }
    if (this.#gathered === undefined) {
      this.#gathered = Buffer.allocUnsafe(this.#length - this.#received + count);
      this.#pieces.push(this.#gathered);
    }
    this.#gatheredBytes += chunk.copy(this.#gathered, this.#gatheredBytes, start, end);
  }

  /** All of the answer was there. */
  ends(): void {
    const pieces = this.#pieces;
    // Whoever keeps the request must not keep the content with it.
    this.#pieces = [];
    this.#receiver.received(pieces, this.#received);
  }

  answered(type: number, body: ByteReader): void {
    if (type !== SSH_FXP_STATUS) throw wrongAnswer(type, this.type);
    const status = readStatus(body);
    if (status.code === SSH_FX_EOF) this.#receiver.ended();
    else this.#receiver.failed(refusal(status, this));
  }

  failed(error: unknown): void {
    this.#receiver.failed(error);
  }
}
