import { type ExtendedPacket, extendedPacket, extendedReplyPacket } from '../packets/extended.ts';
import { handleField, pathField } from '../packets/fields.ts';
import type { Packet } from '../packets/packet.ts';

/** What statvfs(3) tells about a file system. Counts of blocks are in units of `frsize` bytes. */
export interface Statvfs {
  readonly bsize: bigint;
  readonly frsize: bigint;
  readonly blocks: bigint;
  readonly bfree: bigint;
  /** Free blocks for users other than root. */
  readonly bavail: bigint;
  readonly files: bigint;
  readonly ffree: bigint;
  readonly favail: bigint;
  readonly fsid: bigint;
  /** 1: read-only. 2: no set-user-ID. */
  readonly flag: bigint;
  readonly namemax: bigint;
}

/** `string path` (OpenSSH PROTOCOL section 4.4). */
export const statvfsPacket: ExtendedPacket<string> = extendedPacket('statvfs@openssh.com', pathField);

/** `string handle` (OpenSSH PROTOCOL section 4.4). */
export const fstatvfsPacket: ExtendedPacket<Uint8Array> = extendedPacket('fstatvfs@openssh.com', handleField);

const order: readonly (keyof Statvfs)[] = [
  'bsize',
  'frsize',
  'blocks',
  'bfree',
  'bavail',
  'files',
  'ffree',
  'favail',
  'fsid',
  'flag',
  'namemax',
];

/** Eleven uint64: bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid, flag, namemax. Identifiers and "unlimited" use all 64 bits. */
export const statvfsReply: Packet<Statvfs> = extendedReplyPacket({
  write(writer, fields: Statvfs) {
    for (const field of order) writer.uint64Bits(fields[field]);
  },
  read: (reader): Statvfs =>
    Object.fromEntries(order.map((field) => [field, reader.uint64Bits()])) as unknown as Statvfs,
});
