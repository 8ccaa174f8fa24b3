import { FileError } from '../base/errors.ts';
import type { OpenFile } from '../files/file-system.ts';
import { decodeFooter, FOOTER_BYTES, type Footer, MAX_TAIL_BYTES } from './footer.ts';

/** What is needed of a file to verify it: LocalFile and every other OpenFile has it. */
export type ImageFile = Pick<OpenFile, 'path' | 'read' | 'status'>;

/** Where the parts of an image are, and its envelope. */
export interface ImageParts extends Footer {
  /** ContentInfo, DER; not looked at yet. */
  readonly envelope: Uint8Array;
}

/** Fills a buffer from a position on. @throws {FileError} ERR_FILE_CHANGED where the file ends before. */
async function readFully(file: ImageFile, buffer: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < buffer.length; ) {
    const count = await file.read(buffer.subarray(filled), position + filled);
    if (count === 0) throw new FileError(file.path, 'read', 'ERR_FILE_CHANGED', { reason: 'it became shorter' });
    filled += count;
  }
}

/**
 * Reads the footer and the envelope of an image, and nothing of its payload.
 *
 * @throws {FileError} ERR_NOT_REGULAR_FILE, and what reading throws
 * @throws {ImageError} ERR_IMAGE_UNSIGNED, ERR_IMAGE_FOOTER
 */
export async function readImageParts(file: ImageFile): Promise<ImageParts> {
  const { kind, size } = await file.status();
  if (kind !== 'file') throw new FileError(file.path, 'read', 'ERR_NOT_REGULAR_FILE', { reason: 'not a regular file' });
  const tail = new Uint8Array(Math.min(size, MAX_TAIL_BYTES));
  await readFully(file, tail, size - tail.length);
  return cutTail(tail, size);
}

/**
 * Cuts the envelope out of the end of an image.
 *
 * @param tail the last octets of the file: {@link MAX_TAIL_BYTES}, or all that it has.
 * @throws {ImageError} ERR_IMAGE_UNSIGNED, ERR_IMAGE_FOOTER
 */
export function cutTail(tail: Uint8Array, fileBytes: number): ImageParts {
  const { payloadBytes, envelopeBytes } = decodeFooter(tail, fileBytes);
  const end = tail.length - FOOTER_BYTES;
  return { payloadBytes, envelopeBytes, envelope: Uint8Array.from(tail.subarray(end - envelopeBytes, end)) };
}
