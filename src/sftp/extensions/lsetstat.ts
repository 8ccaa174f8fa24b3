import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { type PathAndAttributes, pathAndAttributes } from '../packets/fields.ts';

/** `string path, ATTRS attrs`: SETSTAT of a link itself (OpenSSH PROTOCOL section 4.7). Answered by STATUS. */
export const lsetstatPacket: ExtendedPacket<PathAndAttributes> = extendedPacket(
  'lsetstat@openssh.com',
  pathAndAttributes,
);
