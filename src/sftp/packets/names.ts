import { ProtocolError } from '../../base/errors.ts';
import type { ByteReader } from '../../wire/byte-reader.ts';
import { type Attributes, NO_ATTRIBUTES, readAttributes, writeAttributes } from '../attributes.ts';
import { SSH_FXP_ATTRS, SSH_FXP_NAME } from '../constants.ts';
import { attributesField } from './fields.ts';
import { type Layout, type Packet, packet } from './packet.ts';

/** One entry of a NAME. */
export interface NameEntry {
  readonly filename: string;
  /** A line as `ls -l` writes it, for people. It is sent (the name alone where absent) and passed over when read: nothing in it can be relied on. */
  readonly longname?: string | undefined;
  readonly attributes: Attributes;
}

/** What the shortest entry takes: two empty strings and the flags of its attributes. */
const MIN_ENTRY_BYTES = 12;

/** The count of a NAME, checked against what can be there at all. */
function readCount(reader: ByteReader): number {
  const count = reader.uint32();
  if (count * MIN_ENTRY_BYTES > reader.remaining) throw new ProtocolError('protocol error: NAME is cut short');
  return count;
}

function readEntry(reader: ByteReader): NameEntry {
  const filename = reader.name();
  reader.skipString();
  return { filename, attributes: readAttributes(reader) };
}

const nameLayout: Layout<readonly NameEntry[]> = {
  write(writer, entries) {
    writer.uint32(entries.length);
    for (const { filename, longname, attributes } of entries) {
      writer.name(filename);
      writer.name(longname ?? filename);
      writeAttributes(writer, attributes);
    }
  },
  read(reader) {
    const count = readCount(reader);
    const entries: NameEntry[] = [];
    for (let index = 0; index < count; index++) entries.push(readEntry(reader));
    return entries;
  },
};

/**
 * The answer to READDIR (draft section 7):
 *
 * ```text
 * uint32 count, then as often:
 *   string filename, string longname, ATTRS attrs
 * ```
 */
export const namePacket: Packet<readonly NameEntry[]> = packet(SSH_FXP_NAME, nameLayout);

/** A NAME with exactly one entry, of which only the name counts: the answer to REALPATH, READLINK and expand-path@openssh.com. An empty one is refused. */
export const oneNamePacket: Packet<string> = packet(SSH_FXP_NAME, {
  write: (writer, filename: string) => nameLayout.write(writer, [{ filename, attributes: NO_ATTRIBUTES }]),
  read(reader): string {
    const count = readCount(reader);
    if (count !== 1) throw new ProtocolError(`protocol error: NAME has ${count} names instead of one`);
    const { filename } = readEntry(reader);
    if (filename === '') throw new ProtocolError('protocol error: NAME has an empty name', { code: 'ERR_UNSAFE_NAME' });
    return filename;
  },
});

/** `ATTRS attrs`: the answer to LSTAT, STAT and FSTAT (draft section 7). */
export const attrsPacket: Packet<Attributes> = packet(SSH_FXP_ATTRS, attributesField);
