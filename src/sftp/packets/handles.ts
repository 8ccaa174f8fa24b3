import type { ByteReader } from '../../wire/byte-reader.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { type Attributes, readAttributes, writeAttributes } from '../attributes.ts';
import {
  SSH_FXP_CLOSE,
  SSH_FXP_DATA,
  SSH_FXP_FSETSTAT,
  SSH_FXP_FSTAT,
  SSH_FXP_HANDLE,
  SSH_FXP_OPEN,
  SSH_FXP_READ,
  SSH_FXP_READDIR,
  SSH_FXP_WRITE,
} from '../constants.ts';
import { handleField } from './fields.ts';
import { type Layout, type Packet, packet } from './packet.ts';

export interface OpenFields {
  readonly path: string;
  /** SSH_FXF_* */
  readonly flags: number;
  readonly attributes: Attributes;
}

const openLayout: Layout<OpenFields> = {
  write(writer, { path, flags, attributes }) {
    writer.name(path);
    writer.uint32(flags);
    writeAttributes(writer, attributes);
  },
  read: (reader) => ({ path: reader.name(), flags: reader.uint32(), attributes: readAttributes(reader) }),
};

/** `string filename, uint32 pflags, ATTRS attrs` (draft section 6.3). */
export const openPacket: Packet<OpenFields> = packet(SSH_FXP_OPEN, openLayout);

/** `string handle` (draft section 6.3). */
export const closePacket: Packet<Uint8Array> = packet(SSH_FXP_CLOSE, handleField);

/** `string handle`: the answer to OPEN and OPENDIR (draft section 7). */
export const handlePacket: Packet<Uint8Array> = packet(SSH_FXP_HANDLE, handleField);

/** `string handle` (draft section 6.7). */
export const readdirPacket: Packet<Uint8Array> = packet(SSH_FXP_READDIR, handleField);

/** `string handle` (draft section 6.8). */
export const fstatPacket: Packet<Uint8Array> = packet(SSH_FXP_FSTAT, handleField);

export interface FsetstatFields {
  readonly handle: Uint8Array;
  readonly attributes: Attributes;
}

const fsetstatLayout: Layout<FsetstatFields> = {
  write(writer, { handle, attributes }) {
    writer.string(handle);
    writeAttributes(writer, attributes);
  },
  read: (reader) => ({ handle: handleField.read(reader), attributes: readAttributes(reader) }),
};

/** `string handle, ATTRS attrs` (draft section 6.9). */
export const fsetstatPacket: Packet<FsetstatFields> = packet(SSH_FXP_FSETSTAT, fsetstatLayout);

export interface ReadFields {
  readonly handle: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

const readLayout: Layout<ReadFields> = {
  write(writer, { handle, offset, length }) {
    writer.string(handle);
    writer.uint64(offset);
    writer.uint32(length);
  },
  read: (reader) => ({ handle: handleField.read(reader), offset: reader.uint64(), length: reader.uint32() }),
};

/** `string handle, uint64 offset, uint32 len` (draft section 6.4). */
export const readPacket: Packet<ReadFields> = packet(SSH_FXP_READ, readLayout);

/** All of WRITE but the content itself, which a client sends from where it lies: `string handle, uint64 offset, uint32 length` */
export function writeWriteHeader(writer: ByteWriter, handle: Uint8Array, offset: number, length: number): void {
  writer.string(handle);
  writer.uint64(offset);
  writer.uint32(length);
}

export interface WriteFields {
  readonly handle: Uint8Array;
  readonly offset: number;
  /** What is read is a view of the packet. */
  readonly data: Uint8Array;
}

const writeLayout: Layout<WriteFields> = {
  write(writer, { handle, offset, data }) {
    writeWriteHeader(writer, handle, offset, data.length);
    writer.bytes(data);
  },
  read: (reader) => ({ handle: handleField.read(reader), offset: reader.uint64(), data: reader.string() }),
};

/** `string handle, uint64 offset, string data` (draft section 6.4). */
export const writePacket: Packet<WriteFields> = packet(SSH_FXP_WRITE, writeLayout);

/** `string data`: the answer to READ (draft section 7). The packet stream reads it itself, piece by piece; this is for the side that sends it, and for tests. */
export const dataPacket: Packet<Uint8Array> = packet(SSH_FXP_DATA, {
  write: (writer: ByteWriter, data: Uint8Array) => writer.string(data),
  read: (reader: ByteReader): Uint8Array => reader.string(),
});
