import { type ExtendedPacket, extendedPacket } from '../packets/extended.ts';
import { handleField } from '../packets/fields.ts';

export interface CopyDataFields {
  readonly readHandle: Uint8Array;
  readonly readOffset: number;
  /** How many bytes; 0 copies to the end of the file. */
  readonly length: number;
  readonly writeHandle: Uint8Array;
  readonly writeOffset: number;
}

/**
 * Copies from one open file to another, on the server (draft-ietf-secsh-filexfer-extensions-00 section 7, version 1). Answered by STATUS.
 *
 * ```text
 * string read-from-handle
 * uint64 read-from-offset
 * uint64 read-data-length
 * string write-to-handle
 * uint64 write-to-offset
 * ```
 */
export const copyDataPacket: ExtendedPacket<CopyDataFields> = extendedPacket('copy-data', {
  write(writer, { readHandle, readOffset, length, writeHandle, writeOffset }: CopyDataFields) {
    writer.string(readHandle);
    writer.uint64(readOffset);
    writer.uint64(length);
    writer.string(writeHandle);
    writer.uint64(writeOffset);
  },
  read: (reader): CopyDataFields => ({
    readHandle: handleField.read(reader),
    readOffset: reader.uint64(),
    length: reader.uint64(),
    writeHandle: handleField.read(reader),
    writeOffset: reader.uint64(),
  }),
});
