import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { pathField } from '../packets/fields.ts';

/** `string username`; empty for the user who is logged in (draft-ietf-secsh-filexfer-extensions-00 section 5). Answered by NAME with one name. */
export const homeDirectoryPacket: ExtendedPacket<string> = extendedPacket('home-directory', pathField);
