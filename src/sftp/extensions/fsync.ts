import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { handleField } from '../packets/fields.ts';

/** `string handle`: fsync(2) (OpenSSH PROTOCOL section 4.6). Answered by STATUS. */
export const fsyncPacket: ExtendedPacket<Uint8Array> = extendedPacket('fsync@openssh.com', handleField);
