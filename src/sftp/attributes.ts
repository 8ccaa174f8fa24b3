import type { ByteReader } from '../wire/byte-reader.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import {
  SSH_FILEXFER_ATTR_ACMODTIME,
  SSH_FILEXFER_ATTR_EXTENDED,
  SSH_FILEXFER_ATTR_PERMISSIONS,
  SSH_FILEXFER_ATTR_SIZE,
  SSH_FILEXFER_ATTR_UIDGID,
} from './constants.ts';

const MAX_UINT32 = 0xffff_ffff;

/** An attribute that only a vendor knows. */
export interface ExtendedAttribute {
  readonly type: string;
  readonly data: Uint8Array;
}

/** What a server tells about a file, or is asked to set (draft section 5). What is absent is not known, or left as it is. */
export interface Attributes {
  /** What is larger than 2^53 - 1 is read as Infinity. */
  readonly size?: number | undefined;
  /** Travels only together with `gid`. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** The bits of st_mode: type and permissions. */
  readonly permissions?: number | undefined;
  /** Seconds since 1970. On the wire whole numbers from 0 to 2^32-1: what lies outside is set to the nearest, fractions are cut. Travels only together with `mtimeSeconds`. */
  readonly atimeSeconds?: number | undefined;
  readonly mtimeSeconds?: number | undefined;
  readonly extended?: readonly ExtendedAttribute[] | undefined;
}

/** No attribute at all. */
export const NO_ATTRIBUTES: Attributes = {};

/** Whether the uint32 of the protocol can hold the time. */
export function fitsWire(seconds: number): boolean {
  return seconds >= 0 && seconds < MAX_UINT32 + 1;
}

/** The nearest time that fits into the uint32 of the protocol. NaN becomes 0. */
function wireSeconds(seconds: number): number {
  return Math.min(Math.max(Math.floor(seconds) || 0, 0), MAX_UINT32);
}

/**
 * ```text
 * uint32 flags
 * uint64 size                     with SSH_FILEXFER_ATTR_SIZE
 * uint32 uid, uint32 gid          with SSH_FILEXFER_ATTR_UIDGID
 * uint32 permissions              with SSH_FILEXFER_ATTR_PERMISSIONS
 * uint32 atime, uint32 mtime      with SSH_FILEXFER_ATTR_ACMODTIME
 * uint32 count, then as often:    with SSH_FILEXFER_ATTR_EXTENDED
 *   string type, string data
 * ```
 */
export function writeAttributes(writer: ByteWriter, attributes: Attributes): void {
  const { size, uid, gid, permissions, atimeSeconds, mtimeSeconds, extended } = attributes;
  const flagsAt = writer.length;
  let flags = 0;
  writer.uint32(0);
  if (size !== undefined) {
    flags |= SSH_FILEXFER_ATTR_SIZE;
    writer.uint64(size);
  }
  if (uid !== undefined && gid !== undefined) {
    flags |= SSH_FILEXFER_ATTR_UIDGID;
    writer.uint32(uid);
    writer.uint32(gid);
  }
  if (permissions !== undefined) {
    flags |= SSH_FILEXFER_ATTR_PERMISSIONS;
    writer.uint32(permissions);
  }
  if (atimeSeconds !== undefined && mtimeSeconds !== undefined) {
    flags |= SSH_FILEXFER_ATTR_ACMODTIME;
    writer.uint32(wireSeconds(atimeSeconds));
    writer.uint32(wireSeconds(mtimeSeconds));
  }
  if (extended !== undefined && extended.length > 0) {
    flags |= SSH_FILEXFER_ATTR_EXTENDED;
    writer.uint32(extended.length);
    for (const { type, data } of extended) {
      writer.name(type);
      writer.string(data);
    }
  }
  writer.setUint32(flagsAt, flags >>> 0);
}

/** Reads what {@link writeAttributes} writes. Flags that version 3 does not know are passed over, as OpenSSH does: nothing follows for them. */
export function readAttributes(reader: ByteReader): Attributes {
  const flags = reader.uint32();
  const size = flags & SSH_FILEXFER_ATTR_SIZE ? reader.uint64OrInfinity() : undefined;
  const owned = (flags & SSH_FILEXFER_ATTR_UIDGID) !== 0;
  const uid = owned ? reader.uint32() : undefined;
  const gid = owned ? reader.uint32() : undefined;
  const permissions = flags & SSH_FILEXFER_ATTR_PERMISSIONS ? reader.uint32() : undefined;
  const timed = (flags & SSH_FILEXFER_ATTR_ACMODTIME) !== 0;
  const atimeSeconds = timed ? reader.uint32() : undefined;
  const mtimeSeconds = timed ? reader.uint32() : undefined;
  const extended = flags & SSH_FILEXFER_ATTR_EXTENDED ? readExtended(reader) : undefined;
  return { size, uid, gid, permissions, atimeSeconds, mtimeSeconds, extended };
}

function readExtended(reader: ByteReader): ExtendedAttribute[] {
  const count = reader.uint32();
  const extended: ExtendedAttribute[] = [];
  // Each takes at least eight bytes, so a count that lies ends at the end of the packet.
  for (let index = 0; index < count; index++)
    extended.push({ type: reader.name(), data: Buffer.from(reader.string()) });
  return extended;
}
