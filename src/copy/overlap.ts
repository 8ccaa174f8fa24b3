import { createHash } from 'node:crypto';
import type { Directory, FileStatus, OpenFile } from '../files/file-system.ts';
import type { Resume } from '../files/landing-types.ts';

/** So much of the end of what an earlier attempt left is compared with the source before it is gone on with. Bytes. */
export const OVERLAP_BYTES: number = 64 * 1024;

/** How a copy of this source may be resumed: what is left counts only if it was of a source with the same size and time, and ends as that begins. */
export function resumeFor(source: OpenFile, status: FileStatus): Resume {
  // As exactly as this side tells it: a file that was written anew within the second is another one.
  const identity = `${status.size} ${status.mtimeSeconds} ${status.inode}`;
  return {
    key: createHash('sha256').update(identity).digest('hex').slice(0, 12),
    size: status.size,
    agrees: async (directory, name, length) => await endsAlike(source, directory, name, length),
  };
}

async function endsAlike(source: OpenFile, directory: Directory, name: string, length: number): Promise<boolean> {
  const start = Math.max(0, length - OVERLAP_BYTES);
  const left = await directory.open(name, { access: 'read' });
  try {
    const [ours, theirs] = await Promise.all([readAll(left, start, length), readAll(source, start, length)]);
    return ours !== undefined && theirs !== undefined && ours.equals(theirs);
  } finally {
    await left.close().catch(() => {});
  }
}

/** The bytes from `start` to `end`; undefined where the file is shorter. */
async function readAll(file: OpenFile, start: number, end: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(end - start);
  for (let at = 0; at < bytes.length; ) {
    const count = await file.read(bytes.subarray(at), start + at);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
}
