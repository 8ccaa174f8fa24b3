import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { pathField } from '../packets/fields.ts';

/** `string path`: the absolute path for `~`, `~/x`, `~user/x` (OpenSSH PROTOCOL section 4.9). Answered by NAME with one name. */
export const expandPathPacket: ExtendedPacket<string> = extendedPacket('expand-path@openssh.com', pathField);
