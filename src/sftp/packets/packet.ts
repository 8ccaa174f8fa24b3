import type { ByteReader } from '../../wire/byte-reader.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';

/** How some fields lie in a packet, for both directions. */
export interface Layout<F> {
  write(writer: ByteWriter, fields: F): void;
  /** @throws {ProtocolError} */
  read(reader: ByteReader): F;
}

/**
 * A packet: its type and what follows the request id. Every packet is
 *
 * ```text
 * uint32 length      of all that follows
 * byte   type
 * uint32 request-id  absent in INIT and VERSION
 * ...    fields
 * ```
 *
 * (draft section 3).
 */
export interface Packet<F> extends Layout<F> {
  readonly type: number;
}

/** A packet of this type with these fields. */
export function packet<F>(type: number, layout: Layout<F>): Packet<F> {
  return { type, write: layout.write, read: layout.read };
}
