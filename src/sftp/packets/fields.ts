import { type Attributes, readAttributes, writeAttributes } from '../attributes.ts';
import { MAX_HANDLE_BYTES } from '../limits.ts';
import type { Layout } from './packet.ts';

/** `string path` */
export const pathField: Layout<string> = {
  write: (writer, path) => writer.name(path),
  read: (reader) => reader.name(),
};

/** `string handle`, at most 256 bytes (draft section 6.3). What is read is a copy. */
export const handleField: Layout<Uint8Array> = {
  write: (writer, handle) => writer.string(handle),
  read: (reader) => Buffer.from(reader.string(MAX_HANDLE_BYTES)),
};

/** `ATTRS attrs` (draft section 5). */
export const attributesField: Layout<Attributes> = { write: writeAttributes, read: readAttributes };

export interface PathAndAttributes {
  readonly path: string;
  readonly attributes: Attributes;
}

/** `string path, ATTRS attrs` */
export const pathAndAttributes: Layout<PathAndAttributes> = {
  write(writer, { path, attributes }) {
    writer.name(path);
    writeAttributes(writer, attributes);
  },
  read: (reader) => ({ path: reader.name(), attributes: readAttributes(reader) }),
};

export interface TwoPaths {
  readonly oldPath: string;
  readonly newPath: string;
}

/** `string oldpath, string newpath` */
export const twoPaths: Layout<TwoPaths> = {
  write(writer, { oldPath, newPath }) {
    writer.name(oldPath);
    writer.name(newPath);
  },
  read: (reader) => ({ oldPath: reader.name(), newPath: reader.name() }),
};
