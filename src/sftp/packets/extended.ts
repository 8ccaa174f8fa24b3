import { SSH_FXP_EXTENDED, SSH_FXP_EXTENDED_REPLY } from '../constants.ts';
import { type Layout, type Packet, packet } from './packet.ts';

/** A request of an extension. */
export interface ExtendedPacket<F> extends Packet<F> {
  readonly name: string;
}

/**
 * A request of an extension (draft section 8): `string extended-request`, then the extension's own fields. It is written with its name; who reads it has read the name already, because that tells
 * which layout comes next.
 */
export function extendedPacket<F>(name: string, layout: Layout<F>): ExtendedPacket<F> {
  return {
    type: SSH_FXP_EXTENDED,
    name,
    write(writer, fields) {
      writer.name(name);
      layout.write(writer, fields);
    },
    read: layout.read,
  };
}

/** The answer to a request of an extension, where it has fields of its own (draft section 8). */
export function extendedReplyPacket<F>(layout: Layout<F>): Packet<F> {
  return packet(SSH_FXP_EXTENDED_REPLY, layout);
}
