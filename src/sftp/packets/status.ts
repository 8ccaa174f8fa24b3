import { SSH_FXP_STATUS } from '../constants.ts';
import { type Packet, packet } from './packet.ts';

/** How a request ended. */
export interface Status {
  /** SSH_FX_* */
  readonly code: number;
  /** The peer's own words, as they came. */
  readonly message: string;
  /** RFC 1766 */
  readonly language: string;
}

/**
 * ```text
 * uint32 error/status code
 * string error message (ISO-10646 UTF-8)
 * string language tag
 * ```
 *
 * (draft section 7). Old servers end after the code or after the message: what is absent is empty.
 */
export const statusPacket: Packet<Status> = packet(SSH_FXP_STATUS, {
  write(writer, { code, message, language }: Status) {
    writer.uint32(code);
    writer.name(message);
    writer.name(language);
  },
  read(reader): Status {
    const code = reader.uint32();
    const message = reader.remaining > 0 ? reader.name() : '';
    return { code, message, language: reader.remaining > 0 ? reader.name() : '' };
  },
});
