import * as fs from 'node:fs';
import * as later from 'node:fs/promises';
import { descriptors } from './descriptors.ts';
import type { WholeFile } from './file-system.ts';
import { statusOf } from './local-file.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const NEW: number = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK;

/** Opens, works and closes. @throws what any of these throws */
function withDescriptor<T>(open: () => number, work: (descriptor: number) => T): T {
  const descriptor = descriptors.takeNow(open);
  try {
    return work(descriptor);
  } finally {
    descriptors.release();
    fs.closeSync(descriptor);
  }
}

/** Reads a regular file of this machine, links followed, on the spot. @returns undefined where it is not `size` bytes long, or cannot be read. Never throws. */
export function readNow(path: string | Buffer, size: number): WholeFile | undefined {
  try {
    const open = (): number => fs.openSync(path, O_RDONLY | O_NONBLOCK);
    return withDescriptor(open, (descriptor) => {
      const stats = fs.fstatSync(descriptor);
      if (!stats.isFile() || stats.size !== size) return undefined;
      // One byte more shows whether it grows.
      const buffer = Buffer.allocUnsafe(size + 1);
      const length = fs.readSync(descriptor, buffer, 0, size + 1, 0);
      return length === size ? { status: statusOf(stats), content: buffer.subarray(0, size) } : undefined;
    });
  } catch {
    // The ordinary way tells why.
    return undefined;
  }
}

/** Where a new file goes: the name it has while it is written, and the one that it gets. */
export interface NewFile {
  readonly partial: string | Buffer;
  readonly path: string | Buffer;
}

/** Writes a new file beside its name and renames it, on the spot. @returns false where that cannot be done: nothing is left then. Never throws. */
export function putNow({ partial, path }: NewFile, content: Uint8Array, mode: number): boolean {
  let isMade = false;
  try {
    const open = (): number => fs.openSync(partial, NEW, mode);
    withDescriptor(open, (descriptor) => {
      isMade = true;
      for (let at = 0; at < content.length; ) {
        const written = fs.writeSync(descriptor, content, at, content.length - at, at);
        if (written === 0) throw new Error('nothing was written');
        at += written;
      }
    });
    fs.renameSync(partial, path);
    return true;
  } catch {
    if (isMade) remove(partial);
    return false;
  }
}

/** {@link putNow} in other threads. */
export async function putLater({ partial, path }: NewFile, content: Uint8Array, mode: number): Promise<boolean> {
  let isMade = false;
  try {
    const handle = await descriptors.take(() => later.open(partial, NEW, mode));
    isMade = true;
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close().finally(() => descriptors.release());
    }
    await later.rename(partial, path);
    return true;
  } catch {
    if (isMade) await later.unlink(partial).catch(() => {});
    return false;
  }
}

function remove(path: string | Buffer): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // It is gone, or stays as it would in the ordinary way.
  }
}
