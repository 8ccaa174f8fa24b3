import { createHash } from 'node:crypto';
import { FileError } from '../base/errors.ts';
import type { Directory } from '../files/file-system.ts';
import { shownPath } from '../files/path.ts';
import { readAhead } from '../files/read-ahead.ts';

/** The SHA-256 of a file's content, computed where the file is, if that can be, else by reading it. @throws {FileError} */
export async function digestOf(directory: Directory, name: string): Promise<Uint8Array> {
  const there = await directory.digest?.(name);
  return there ?? (await digestByReading(directory, name));
}

async function digestByReading(directory: Directory, name: string): Promise<Uint8Array> {
  const file = await directory.open(name, { access: 'read', follow: true });
  try {
    const { size } = await file.status();
    const hash = createHash('sha256');
    const content = file.contentFrom?.(0, size) ?? readAhead(file, size);
    for await (const chunk of content) hash.update(chunk);
    return hash.digest();
  } finally {
    await file.close().catch(() => {});
  }
}

/**
 * Compares what is to get the name with its source. Where the source can compute its digest by itself, that counts; else what was read of it on the way.
 *
 * @param streamed the SHA-256 of what was read; undefined where not all of it was
 * @throws {FileError} ERR_VERIFY
 */
export async function verifyCopy(
  source: { readonly directory: Directory; readonly name: string },
  target: { readonly directory: Directory; readonly name: string; readonly shown: string },
  streamed: Uint8Array | undefined,
): Promise<void> {
  const wanted =
    (await source.directory.digest?.(source.name)) ?? streamed ?? (await digestOf(source.directory, source.name));
  const found = await digestOf(target.directory, target.name);
  if (Buffer.compare(wanted, found) === 0) return;
  const origin = shownPath(source.directory.path, source.name);
  throw new FileError(target.shown, 'verify', 'ERR_VERIFY', {
    reason: `is not the same as ${origin}: its SHA-256 is ${hex(found)} instead of ${hex(wanted)}`,
  });
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
