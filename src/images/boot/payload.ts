import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { osPath } from '../../base/byte-name.ts';
import { FileError } from '../../base/errors.ts';

const { O_RDWR, O_RDONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** The bytes that were verified, in the hands of who starts them. Nobody else can change them: they are in memory, or in a file without a name. */
export type BootPayload = AsyncDisposable & { readonly size: number } & (
    | { readonly kind: 'memory'; readonly bytes: Uint8Array }
    /** `fd` is for reading only where the system lets it be opened so (Linux), and at its beginning. It is to be handed to a child process, which reaches it as `/proc/self/fd/N` or by its number. */
    | { readonly kind: 'descriptor'; readonly fd: number }
  );

/** Takes a payload while it is hashed. */
export interface PayloadKeeper extends AsyncDisposable {
  /** Takes the next bytes; they are copied. @throws {FileError} there is no room */
  write(chunk: Uint8Array): Promise<void>;
  /** All has come and was found to be right. The keeper is done with. @throws {FileError} */
  keep(): Promise<BootPayload>;
}

/** Keeps a payload in memory. */
export function keepInMemory(size: number): PayloadKeeper {
  const bytes = Buffer.alloc(size);
  let filled = 0;
  const dispose = (): Promise<void> => Promise.resolve();
  return {
    write(chunk) {
      bytes.set(chunk, filled);
      filled += chunk.length;
      return Promise.resolve();
    },
    keep: () => Promise.resolve({ kind: 'memory', bytes, size, [Symbol.asyncDispose]: dispose }),
    [Symbol.asyncDispose]: dispose,
  };
}

/**
 * Keeps a payload in a new file that has lost its name before the first byte is written.
 *
 * @param folder where there is room for it; others may write there
 * @throws {FileError}
 */
export async function keepInFile(folder: string): Promise<PayloadKeeper> {
  const path = join(folder, `.sealift-boot-${randomBytes(12).toString('hex')}`);
  let file: FileHandle | undefined = await attempt(folder, 'open', () =>
    open(osPath(path), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
  );
  const handle = file;
  let size = 0;
  const close = async (): Promise<void> => {
    const closing = file;
    file = undefined;
    await closing?.close();
  };
  try {
    await attempt(folder, 'remove', () => unlink(osPath(path)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await attempt(folder, 'write', () =>
          handle.write(chunk, at, chunk.length - at, size + at),
        );
        at += bytesWritten;
      }
      size += chunk.length;
    },
    async keep() {
      const reader = await readOnly(handle);
      if (reader !== handle) await close();
      file = undefined;
      let isOpen = true;
      return {
        kind: 'descriptor',
        fd: reader.fd,
        size,
        async [Symbol.asyncDispose]() {
          if (isOpen) await reader.close();
          isOpen = false;
        },
      };
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The same file for reading only: the descriptor itself is opened, no name. Where the system has no such thing the descriptor stays what it is. */
async function readOnly(handle: FileHandle): Promise<FileHandle> {
  const reader = await open(`/proc/self/fd/${handle.fd}`, O_RDONLY).catch(() => undefined);
  if (reader === undefined) return handle;
  const [one, other] = await Promise.all([handle.stat({ bigint: true }), reader.stat({ bigint: true })]);
  if (one.ino === other.ino && one.dev === other.dev) return reader;
  await reader.close();
  return handle;
}

async function attempt<T>(path: string, operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw FileError.from(cause, path, operation);
  }
}
