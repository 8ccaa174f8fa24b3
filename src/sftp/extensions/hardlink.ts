import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { type TwoPaths, twoPaths } from '../packets/fields.ts';

/** `string oldpath, string newpath`: link(2) (OpenSSH PROTOCOL section 4.5). Answered by STATUS. */
export const hardlinkPacket: ExtendedPacket<TwoPaths> = extendedPacket('hardlink@openssh.com', twoPaths);
