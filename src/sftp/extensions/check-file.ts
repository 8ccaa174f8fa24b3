import type { ByteReader } from '../../wire/byte-reader.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { type ExtendedPacket, extendedPacket, extendedReplyPacket } from '../packets/extended.ts';
import { handleField } from '../packets/fields.ts';
import type { Packet } from '../packets/packet.ts';

/** Which part of a file is to be hashed, and how. */
export interface CheckFileRange {
  /** Names of algorithms, the preferred first: `sha256`, `md5`. */
  readonly algorithms: readonly string[];
  readonly offset: number;
  /** How many bytes; 0 to the end of the file. */
  readonly length: number;
  /** One hash for each so many bytes (at least 256); 0 for one hash of the whole. */
  readonly blockSize: number;
}

export interface CheckFileHandleFields extends CheckFileRange {
  readonly handle: Uint8Array;
}

export interface CheckFileNameFields extends CheckFileRange {
  readonly path: string;
}

export interface CheckFileReply {
  /** The algorithm that the server chose. */
  readonly algorithm: string;
  /** The hashes of the blocks, one after the other. What is read is a copy. */
  readonly hashes: Uint8Array;
}

function writeRange(writer: ByteWriter, { algorithms, offset, length, blockSize }: CheckFileRange): void {
  writer.name(algorithms.join(','));
  writer.uint64(offset);
  writer.uint64(length);
  writer.uint32(blockSize);
}

function readRange(reader: ByteReader): CheckFileRange {
  const algorithms = reader.name().split(',');
  return { algorithms, offset: reader.uint64(), length: reader.uint64(), blockSize: reader.uint32() };
}

/**
 * ```text
 * string handle
 * string hash-algorithm-list  comma-separated
 * uint64 start-offset
 * uint64 length
 * uint32 block-size
 * ```
 *
 * (draft-ietf-secsh-filexfer-extensions-00 section 3.)
 */
export const checkFileHandlePacket: ExtendedPacket<CheckFileHandleFields> = extendedPacket('check-file-handle', {
  write(writer, fields: CheckFileHandleFields) {
    writer.string(fields.handle);
    writeRange(writer, fields);
  },
  read: (reader): CheckFileHandleFields => ({ handle: handleField.read(reader), ...readRange(reader) }),
});

/** As {@link checkFileHandlePacket}, with `string path` in place of the handle. */
export const checkFileNamePacket: ExtendedPacket<CheckFileNameFields> = extendedPacket('check-file-name', {
  write(writer, fields: CheckFileNameFields) {
    writer.name(fields.path);
    writeRange(writer, fields);
  },
  read: (reader): CheckFileNameFields => ({ path: reader.name(), ...readRange(reader) }),
});

/**
 * `string "check-file", string hash-algo-used`, then the hashes to the end of the packet (section 3). Servers that hold to the general form of a reply in version 3, which does not repeat the name (mod_sftp of ProFTPD), leave
 * the first string out.
 */
export const checkFileReply: Packet<CheckFileReply> = extendedReplyPacket({
  write(writer, { algorithm, hashes }: CheckFileReply) {
    writer.name('check-file');
    writer.name(algorithm);
    writer.bytes(hashes);
  },
  read(reader): CheckFileReply {
    const first = reader.name();
    return { algorithm: first === 'check-file' ? reader.name() : first, hashes: Buffer.from(reader.rest()) };
  },
});
