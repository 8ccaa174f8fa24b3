import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { type TwoPaths, twoPaths } from '../packets/fields.ts';

/** `string oldpath, string newpath`: rename(2), which replaces what is at the new path (OpenSSH PROTOCOL section 4.3). Answered by STATUS. */
export const posixRenamePacket: ExtendedPacket<TwoPaths> = extendedPacket('posix-rename@openssh.com', twoPaths);
