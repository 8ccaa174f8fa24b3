import {
  SSH_FXP_LSTAT,
  SSH_FXP_MKDIR,
  SSH_FXP_OPENDIR,
  SSH_FXP_READLINK,
  SSH_FXP_REALPATH,
  SSH_FXP_REMOVE,
  SSH_FXP_RENAME,
  SSH_FXP_RMDIR,
  SSH_FXP_SETSTAT,
  SSH_FXP_STAT,
  SSH_FXP_SYMLINK,
} from '../constants.ts';
import { type PathAndAttributes, pathAndAttributes, pathField, type TwoPaths, twoPaths } from './fields.ts';
import { type Packet, packet } from './packet.ts';

/** `string path` (draft section 6.8): a link's own attributes. */
export const lstatPacket: Packet<string> = packet(SSH_FXP_LSTAT, pathField);
/** `string path` (draft section 6.8): links are followed. */
export const statPacket: Packet<string> = packet(SSH_FXP_STAT, pathField);
/** `string path` (draft section 6.7). */
export const opendirPacket: Packet<string> = packet(SSH_FXP_OPENDIR, pathField);
/** `string filename` (draft section 6.5). */
export const removePacket: Packet<string> = packet(SSH_FXP_REMOVE, pathField);
/** `string path` (draft section 6.6). */
export const rmdirPacket: Packet<string> = packet(SSH_FXP_RMDIR, pathField);
/** `string path` (draft section 6.11). */
export const realpathPacket: Packet<string> = packet(SSH_FXP_REALPATH, pathField);
/** `string path` (draft section 6.10). */
export const readlinkPacket: Packet<string> = packet(SSH_FXP_READLINK, pathField);
/** `string path, ATTRS attrs` (draft section 6.6). */
export const mkdirPacket: Packet<PathAndAttributes> = packet(SSH_FXP_MKDIR, pathAndAttributes);
/** `string path, ATTRS attrs` (draft section 6.9). */
export const setstatPacket: Packet<PathAndAttributes> = packet(SSH_FXP_SETSTAT, pathAndAttributes);
/** `string oldpath, string newpath` (draft section 6.5). */
export const renamePacket: Packet<TwoPaths> = packet(SSH_FXP_RENAME, twoPaths);

export interface SymlinkFields {
  /** The name of the new link. */
  readonly linkPath: string;
  /** Where it points. */
  readonly targetPath: string;
}

/**
 * `string targetpath, string linkpath`: OpenSSH's order (its PROTOCOL, section 4.1). The draft (section 6.10) has it the other way round, but OpenSSH got it wrong first and nearly everyone
 * who talks to it followed.
 */
export const symlinkPacket: Packet<SymlinkFields> = packet(SSH_FXP_SYMLINK, {
  write(writer, { linkPath, targetPath }: SymlinkFields) {
    writer.name(targetPath);
    writer.name(linkPath);
  },
  read(reader): SymlinkFields {
    const targetPath = reader.name();
    return { targetPath, linkPath: reader.name() };
  },
});
