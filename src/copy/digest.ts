import { createHash } from 'node:crypto';
import { FileError } from '../base/errors.ts';
import type { Directory } from '../files/file-system.ts';
import { shownPath } from '../files/path.ts';
import { readAhead } from '../files/read-ahead.ts';

interface Place {
  readonly directory: Directory;
  readonly name: string;
}

/** The SHA-256 of a file's content. @throws {FileError} */
export async function digestByReading(place: Place): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of contentAt(place)) hash.update(chunk);
  return hash.digest();
}

/** The content of a file. @throws {FileError} */
export async function* contentAt({ directory, name }: Place): AsyncGenerator<Uint8Array, void, void> {
  const file = await directory.open(name, { access: 'read', follow: true });
  try {
    const { size } = await file.status();
    yield* file.contentFrom?.(0, size) ?? readAhead(file, size);
  } finally {
    await file.close().catch(() => {});
  }
}

/**
 * Compares what is to get the name with its source. Where a side can compute its digest by itself, that is taken; else what was read of the source on the way, and what is read of the target now. Where they differ, files whose
 * digests were told are read before the copy is called wrong: who tells them may see another file at the same path.
 *
 * @param streamed the SHA-256 of what was read; undefined where not all of it was
 * @throws {FileError} ERR_VERIFY
 */
export async function verifyCopy(
  source: Place,
  target: Place & { readonly shown: string },
  streamed: Uint8Array | undefined,
): Promise<void> {
  const toldWanted = await source.directory.digest?.(source.name);
  const toldFound = await target.directory.digest?.(target.name);
  let wanted = toldWanted ?? streamed ?? (await digestByReading(source));
  let found = toldFound ?? (await digestByReading(target));
  if (Buffer.compare(wanted, found) === 0) return;
  if (toldFound !== undefined) found = await digestByReading(target);
  if (toldWanted !== undefined && Buffer.compare(wanted, found) !== 0) wanted = await digestByReading(source);
  if (Buffer.compare(wanted, found) === 0) return;
  const origin = shownPath(source.directory.path, source.name);
  throw new FileError(target.shown, 'verify', 'ERR_VERIFY', {
    reason: `is not the same as ${origin}: its SHA-256 is ${hex(found)} instead of ${hex(wanted)}`,
  });
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
