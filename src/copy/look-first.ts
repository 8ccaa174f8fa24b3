import { createHash } from 'node:crypto';
import { FileError } from '../base/errors.ts';
import type { ContentCheck, VerifiedContent } from '../files/content-check.ts';
import type { OpenFile } from '../files/file-system.ts';
import { readAhead } from '../files/read-ahead.ts';
import { ContentLook } from './content-look.ts';

/** Content that was found good, to be sent. */
export interface GoodContent {
  readonly found: VerifiedContent;
  /** The same bytes, read once more by the same descriptor. Where they are others by now, it fails before it gives the last of them. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Looks at the whole content of an open file before any of it is sent: for receivers that write what comes where it stands, and cannot take it back.
 *
 * @param content the bytes, where they have been read already; else how many there are
 * @throws {FileError} the content is not to be used
 */
export async function lookFirst(
  file: OpenFile,
  content: Uint8Array | number,
  {
    check,
    name,
    signal,
  }: { readonly check: ContentCheck; readonly name: string; readonly signal?: AbortSignal | undefined },
): Promise<GoodContent> {
  const look = new ContentLook(check, name, file.path);
  const hash = createHash('sha256');
  const isRead = typeof content !== 'number';
  for await (const chunk of isRead ? [content] : whole(file, content)) {
    signal?.throwIfAborted();
    if (!isRead) hash.update(chunk);
    if (!look.write(chunk)) break;
  }
  const found = await look.end(() => (isRead ? only(content) : whole(file, content)));
  return { found, content: isRead ? only(content) : again(file, content, hash.digest()) };
}

function whole(file: OpenFile, size: number): AsyncIterable<Uint8Array> {
  return file.contentFrom?.(0, size) ?? readAhead(file, size);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  if (bytes.length > 0) yield bytes;
}

/** Holds the last chunk back until all of them are known to be the same. */
async function* again(file: OpenFile, size: number, wanted: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  // Chunks are kept longer than their reader promises: each must be a buffer of its own.
  for await (const chunk of readAhead(file, size, { fresh: true })) {
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (Buffer.compare(hash.digest(), wanted) !== 0) {
    const reason = 'was changed after it was verified';
    throw new FileError(file.path, 'read', 'ERR_FILE_CHANGED', { reason });
  }
  if (held !== undefined) yield held;
}
