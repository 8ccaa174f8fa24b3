/*
 * The numbers of SFTP version 3, spelled as in draft-ietf-secsh-filexfer-02.
 */

/** The version that is spoken (draft section 4). */
export const SFTP_VERSION = 3;

// Packet types (draft section 3).
export const SSH_FXP_INIT = 1;
export const SSH_FXP_VERSION = 2;
export const SSH_FXP_OPEN = 3;
export const SSH_FXP_CLOSE = 4;
export const SSH_FXP_READ = 5;
export const SSH_FXP_WRITE = 6;
export const SSH_FXP_LSTAT = 7;
export const SSH_FXP_FSTAT = 8;
export const SSH_FXP_SETSTAT = 9;
export const SSH_FXP_FSETSTAT = 10;
export const SSH_FXP_OPENDIR = 11;
export const SSH_FXP_READDIR = 12;
export const SSH_FXP_REMOVE = 13;
export const SSH_FXP_MKDIR = 14;
export const SSH_FXP_RMDIR = 15;
export const SSH_FXP_REALPATH = 16;
export const SSH_FXP_STAT = 17;
export const SSH_FXP_RENAME = 18;
export const SSH_FXP_READLINK = 19;
export const SSH_FXP_SYMLINK = 20;
export const SSH_FXP_STATUS = 101;
export const SSH_FXP_HANDLE = 102;
export const SSH_FXP_DATA = 103;
export const SSH_FXP_NAME = 104;
export const SSH_FXP_ATTRS = 105;
export const SSH_FXP_EXTENDED = 200;
export const SSH_FXP_EXTENDED_REPLY = 201;

// How a file is opened (draft section 6.3).
export const SSH_FXF_READ = 0x01;
export const SSH_FXF_WRITE = 0x02;
export const SSH_FXF_APPEND = 0x04;
export const SSH_FXF_CREAT = 0x08;
export const SSH_FXF_TRUNC = 0x10;
export const SSH_FXF_EXCL = 0x20;

// Which attributes follow (draft section 5).
export const SSH_FILEXFER_ATTR_SIZE = 0x01;
export const SSH_FILEXFER_ATTR_UIDGID = 0x02;
export const SSH_FILEXFER_ATTR_PERMISSIONS = 0x04;
export const SSH_FILEXFER_ATTR_ACMODTIME = 0x08;
export const SSH_FILEXFER_ATTR_EXTENDED = 0x8000_0000;

// Status codes (draft section 7).
export const SSH_FX_OK = 0;
export const SSH_FX_EOF = 1;
export const SSH_FX_NO_SUCH_FILE = 2;
export const SSH_FX_PERMISSION_DENIED = 3;
export const SSH_FX_FAILURE = 4;
export const SSH_FX_BAD_MESSAGE = 5;
export const SSH_FX_NO_CONNECTION = 6;
export const SSH_FX_CONNECTION_LOST = 7;
export const SSH_FX_OP_UNSUPPORTED = 8;

const packetNames: ReadonlyMap<number, string> = new Map([
  [SSH_FXP_INIT, 'INIT'],
  [SSH_FXP_VERSION, 'VERSION'],
  [SSH_FXP_OPEN, 'OPEN'],
  [SSH_FXP_CLOSE, 'CLOSE'],
  [SSH_FXP_READ, 'READ'],
  [SSH_FXP_WRITE, 'WRITE'],
  [SSH_FXP_LSTAT, 'LSTAT'],
  [SSH_FXP_FSTAT, 'FSTAT'],
  [SSH_FXP_SETSTAT, 'SETSTAT'],
  [SSH_FXP_FSETSTAT, 'FSETSTAT'],
  [SSH_FXP_OPENDIR, 'OPENDIR'],
  [SSH_FXP_READDIR, 'READDIR'],
  [SSH_FXP_REMOVE, 'REMOVE'],
  [SSH_FXP_MKDIR, 'MKDIR'],
  [SSH_FXP_RMDIR, 'RMDIR'],
  [SSH_FXP_REALPATH, 'REALPATH'],
  [SSH_FXP_STAT, 'STAT'],
  [SSH_FXP_RENAME, 'RENAME'],
  [SSH_FXP_READLINK, 'READLINK'],
  [SSH_FXP_SYMLINK, 'SYMLINK'],
  [SSH_FXP_STATUS, 'STATUS'],
  [SSH_FXP_HANDLE, 'HANDLE'],
  [SSH_FXP_DATA, 'DATA'],
  [SSH_FXP_NAME, 'NAME'],
  [SSH_FXP_ATTRS, 'ATTRS'],
  [SSH_FXP_EXTENDED, 'EXTENDED'],
  [SSH_FXP_EXTENDED_REPLY, 'EXTENDED_REPLY'],
]);

/** How messages name a packet type: `READ`, or `packet type 42`. */
export function packetName(type: number): string {
  return packetNames.get(type) ?? `packet type ${type}`;
}
