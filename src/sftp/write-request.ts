import type { ByteReader } from '../wire/byte-reader.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { SSH_FX_OK, SSH_FXP_STATUS, SSH_FXP_WRITE } from './constants.ts';
import type { SftpHandle } from './handle.ts';
import { writeWriteHeader } from './packets/handles.ts';
import { type Request, readStatus, wrongAnswer } from './request.ts';
import { statusError, type What } from './status.ts';

/** Is told how one WRITE goes: `sent` at most once, then exactly one of the others. After `failed` nothing more. */
export interface WriteReceiver {
  /** The stream has passed the content on: it may change from now on. */
  sent(): void;
  written(): void;
  /** @param position where in the file this WRITE belongs */
  failed(error: unknown, position: number): void;
}

/** A WRITE (draft section 6.4). */
export class WriteRequest implements Request {
  readonly type: number = SSH_FXP_WRITE;
  readonly bytes: number;
  /** The content. */
  readonly pieces: readonly Uint8Array[];
  readonly #handle: SftpHandle;
  readonly #position: number;
  readonly #receiver: WriteReceiver;
  #settled = false;

  constructor(handle: SftpHandle, position: number, pieces: readonly Uint8Array[], receiver: WriteReceiver) {
    this.#handle = handle;
    this.#position = position;
    this.pieces = pieces;
    this.#receiver = receiver;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    this.bytes = bytes;
  }

  get what(): What {
    return { operation: 'write', path: this.#handle.path };
  }

  writeFields(writer: ByteWriter): void {
    writeWriteHeader(writer, this.#handle.bytes, this.#position, this.bytes);
  }

  /** The content has left. */
  sent(): void {
    if (!this.#settled) this.#receiver.sent();
  }

  answered(type: number, body: ByteReader): void {
    if (type !== SSH_FXP_STATUS) throw wrongAnswer(type, this.type);
    const status = readStatus(body);
    if (status.code === SSH_FX_OK) this.#receiver.written();
    else this.failed(statusError(status, this.what));
  }

  failed(error: unknown): void {
    this.#settled = true;
    this.#receiver.failed(error, this.#position);
  }
}
