import { ProtocolError } from '../base/errors.ts';
import type { ByteReader } from '../wire/byte-reader.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { packetName, SSH_FX_EOF, SSH_FX_OK, SSH_FXP_STATUS } from './constants.ts';
import type { Packet } from './packets/packet.ts';
import { type Status, statusPacket } from './packets/status.ts';
import { statusError, type What } from './status.ts';

/** A request on its way: how it is written, and who is told how it ended. */
export interface Request {
  /** SSH_FXP_* */
  readonly type: number;
  /** The content that it asks for or carries: what it counts for in the window. */
  readonly bytes: number;
  readonly what: What;
  /** Writes the fields behind the request id, without content. */
  writeFields(writer: ByteWriter): void;
  /** A packet answers it. @throws {ProtocolError} where it is no answer to this; nobody has been told then. */
  answered(type: number, body: ByteReader): void;
  /** It will get no answer. */
  failed(error: unknown): void;
}

/** Reads a STATUS to its end. */
export function readStatus(body: ByteReader): Status {
  const status = statusPacket.read(body);
  body.end();
  return status;
}

export function wrongAnswer(type: number, request: number): ProtocolError {
  return new ProtocolError(`protocol error: ${packetName(type)} is no answer to ${packetName(request)}`);
}

/** The error for a STATUS where there should be an answer with content. SSH_FX_OK is none. */
export function refusal(status: Status, request: Request): unknown {
  if (status.code === SSH_FX_OK) throw wrongAnswer(SSH_FXP_STATUS, request.type);
  return statusError(status, request.what);
}

/** Which answers are good ones: a packet with fields, a packet or SSH_FX_EOF, or SSH_FX_OK. */
export type Expected<R> =
  | { readonly kind: 'packet'; readonly packet: Packet<R> }
  | { readonly kind: 'packet or end'; readonly packet: Packet<R> }
  | { readonly kind: 'ok' };

/** A request with a promise: everything but READ and WRITE. */
export class Call<F, R> implements Request {
  readonly bytes = 0;
  readonly what: What;
  readonly #packet: Packet<F>;
  readonly #fields: F;
  readonly #expected: Expected<R>;
  readonly #resolve: (value: R | undefined) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    packet: Packet<F>,
    fields: F,
    expected: Expected<R>,
    what: What,
    resolve: (value: R | undefined) => void,
    reject: (error: unknown) => void,
  ) {
    this.#packet = packet;
    this.#fields = fields;
    this.#expected = expected;
    this.what = what;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get type(): number {
    return this.#packet.type;
  }

  writeFields(writer: ByteWriter): void {
    this.#packet.write(writer, this.#fields);
  }

  answered(type: number, body: ByteReader): void {
    if (type === SSH_FXP_STATUS) {
      this.#ended(readStatus(body));
      return;
    }
    if (this.#expected.kind === 'ok' || type !== this.#expected.packet.type) throw wrongAnswer(type, this.type);
    const fields = this.#expected.packet.read(body);
    body.end();
    this.#resolve(fields);
  }

  #ended(status: Status): void {
    const { kind } = this.#expected;
    if (kind === 'ok' ? status.code === SSH_FX_OK : kind === 'packet or end' && status.code === SSH_FX_EOF)
      this.#resolve(undefined);
    else this.#reject(refusal(status, this));
  }

  failed(error: unknown): void {
    this.#reject(error);
  }
}
