import { ProtocolError } from '../base/errors.ts';
import type { ByteReader } from '../wire/byte-reader.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { SSH_FX_EOF, SSH_FXP_READ, SSH_FXP_STATUS } from './constants.ts';
import type { SftpHandle } from './handle.ts';
import { readPacket } from './packets/handles.ts';
import { takeReadMemory } from './read-memory.ts';
import { type Request, readStatus, refusal, wrongAnswer } from './request.ts';
import type { What } from './status.ts';

/** Is told how one READ ended: exactly one of these, once. */
export interface ReadReceiver {
  /** The content, which nobody else has. Without a byte there are no pieces. */
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
  /** The content as far as it has come. */
  #content: Buffer | undefined;
  #received = 0;
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
    this.#content = undefined;
  }

  writeFields(writer: ByteWriter): void {
    readPacket.write(writer, { handle: this.#handle.bytes, offset: this.#position, length: this.bytes });
  }

  /** The answer begins. @throws {ProtocolError} where it is longer than what was asked for. */
  begins(length: number): void {
    if (length > this.bytes)
      throw new ProtocolError(`protocol error: ${length} bytes of data came where ${this.bytes} were asked for`);
    if (length > 0 && !this.#dropped) this.#content = takeReadMemory(length);
  }

  /** The next bytes of the answer, which are copied. */
  content(chunk: Buffer, start: number, end: number): void {
    if (this.#content !== undefined) chunk.copy(this.#content, this.#received, start, end);
    this.#received += end - start;
  }

  /** All of the answer was there. */
  ends(): void {
    const content = this.#content;
    // Whoever keeps the request must not keep the content with it.
    this.#content = undefined;
    this.#receiver.received(content === undefined ? [] : [content], this.#received);
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
