import type { Writable } from 'node:stream';
import { SSH_FX_EOF, SSH_FX_OK, SSH_FXP_DATA } from '../constants.ts';
import { Outbox } from '../outbox.ts';
import type { Packet } from '../packets/packet.ts';
import { type Status, statusPacket } from '../packets/status.ts';
import { versionPacket } from '../packets/version.ts';
import { failureStatus, statusFor } from './failure.ts';

/** All of DATA but its length field and its content: type, request id, length of the content. */
const DATA_FIELDS_BYTES = 9;

/** Writes answers. After {@link mute} nothing goes out any more. */
export class Replies {
  readonly #outbox: Outbox;
  #muted = false;
  /** Content that the output still uses. */
  readonly #unsent: Set<() => void> = new Set();

  /**
   * @param drained called when there is room again
   * @param emptied called when all is sent
   */
  constructor(output: Writable, drained: () => void, emptied: () => void) {
    this.#outbox = new Outbox(output, drained, emptied);
  }

  /** Whether answers are on their way that the client has not taken. */
  get isSending(): boolean {
    return !this.#muted && !this.#outbox.isEmpty;
  }

  /** Whether so much waits for a client that does not read that nothing may be done that leads to further answers. */
  get isFull(): boolean {
    return !this.#muted && this.#outbox.isFull;
  }

  /** Nobody listens any more. A stream that was destroyed need not say what became of the content that it had. */
  mute(): void {
    this.#muted = true;
    for (const sent of this.#unsent) sent();
    this.#unsent.clear();
  }

  version(version: number, extensions: ReadonlyMap<string, string>): void {
    this.#write(versionPacket, undefined, { version, extensions });
  }

  packet<F>(id: number, packet: Packet<F>, fields: F): void {
    this.#write(packet, id, fields);
  }

  status(id: number, status: Status): void {
    this.#write(statusPacket, id, status);
  }

  ok(id: number): void {
    this.status(id, statusFor(SSH_FX_OK));
  }

  end(id: number): void {
    this.status(id, statusFor(SSH_FX_EOF));
  }

  failure(id: number, error: unknown): void {
    this.status(id, failureStatus(error));
  }

  /**
   * Answers READ.
   *
   * @param sent called when the content may change again
   */
  data(id: number, content: Uint8Array, sent: () => void): void {
    if (this.#muted) {
      sent();
      return;
    }
    const { writer } = this.#outbox;
    writer.uint32(DATA_FIELDS_BYTES + content.length);
    writer.uint8(SSH_FXP_DATA);
    writer.uint32(id);
    writer.uint32(content.length);
    this.#unsent.add(sent);
    this.#outbox.content([content], content.length, () => {
      if (this.#unsent.delete(sent)) sent();
    });
  }

  #write<F>(packet: Packet<F>, id: number | undefined, fields: F): void {
    if (this.#muted) return;
    const { writer } = this.#outbox;
    const start = writer.length;
    writer.uint32(0);
    writer.uint8(packet.type);
    if (id !== undefined) writer.uint32(id);
    packet.write(writer, fields);
    writer.setUint32(start, writer.length - start - 4);
    this.#outbox.written();
  }

  /** Sends what has been gathered. */
  flush(): void {
    if (!this.#muted) this.#outbox.flush();
  }
}
