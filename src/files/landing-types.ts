import { FileError } from '../base/errors.ts';
import type { VerifiedContent } from './content-check.ts';
import type { Directory, OpenFile } from './file-system.ts';
import type { Turns } from './turns.ts';

/** How names of files under way end, where {@link LandingOptions.partName} does not say otherwise. */
export const PARTIAL_SUFFIX = '.sealift-part';

/** How names of old files end that had to make room. They are nobody's leftovers: where one stays, it is all there is of the file. */
export const ASIDE_SUFFIX = '.sealift-old';

export interface LandingOptions {
  /** Permission bits for a file that is new, lessened by the umask. */
  readonly mode: number;
  /** How many bytes will come, where that is known. */
  readonly size?: number | undefined;
  /** Whether a symbolic link at the name is written through. Default false: refused with ELOOP. */
  readonly follow?: boolean;
  /** Content and name are on stable storage before {@link Landing.commit} resolves. Default false. */
  readonly durable?: boolean;
  /** Looks at the whole content before it gets its name (or, where the target itself had to be written, after). @throws {FileError} it is not to be used: everything is removed again. */
  readonly check?: ((directory: Directory, name: string) => Promise<void>) | undefined;
  /** A new name for the file under way, in place of one that is made of the target's name: servers have names that their clients do not see. */
  readonly partName?: (() => string) | undefined;
  /** A file whose owner or group cannot be kept is replaced all the same, by one of our own. Default false: it keeps its place and is filled once the new content is whole, which takes a moment in which it is neither. */
  readonly mayChangeOwner?: boolean | undefined;
  /** Goes on where an earlier attempt broke off, and leaves what it has where this one does. */
  readonly resume?: Resume | undefined;
  /** Whether the target must not hold anything but whole content, at no moment: what would be written where it stands fails with ENOTSUP before it is touched. Default false. */
  readonly neverInPlace?: boolean | undefined;
  /** Whether what is written beside the target is read, where that is needed, by the descriptor that writes it: see {@link Landing.begun}. Default false. */
  readonly readsBack?: boolean | undefined;
  /** Told the path of what could not be removed and that nobody will find again. */
  readonly left?: ((path: string) => void) | undefined;
  /** The same for all files of a copy: keeps those apart that are one. Default: this is the only one. */
  readonly turns?: Turns | undefined;
}

/** What tells whether the beginning of a file that an earlier attempt left is the beginning of this one. */
export interface Resume {
  /** The identity of the source (its size and time) in characters of a name: content of another source is never taken. */
  readonly key: string;
  /** The size of the source. */
  readonly size: number;
  /** Compares the end of what is there, `length` bytes in all, with the source. */
  readonly agrees: (directory: Directory, name: string, length: number) => Promise<boolean>;
}

/** What a landed file gets besides its content. Absent values are left as they are: a replaced file keeps its mode and owner. */
export interface LandingAttributes {
  readonly mode?: number | undefined;
  readonly times?: { readonly atimeSeconds: number; readonly mtimeSeconds: number } | undefined;
}

/**
 * A file that is being written and has not its name yet. Where it can, it is written beside the target and renamed over it, so that the name holds the whole old
 * or the whole new content at every moment and nothing half-written stays. Where a rename would break something (a device, a link that is followed, a file with several names or
 * with an owner we may not give), the target itself is written.
 */
export interface Landing {
  /** How much of the content is there already: the first chunk to write is the one behind it. Absent: nothing. */
  readonly offset?: number;
  /** The target itself is written from the first byte on: it may be the source. Default false. */
  readonly isInPlace?: boolean;
  /** The content up to {@link offset}, read by the descriptor that goes on with it. Only with {@link LandingOptions.readsBack}. */
  begun?(): AsyncIterable<Uint8Array>;
  /** Takes over the chunk; a promise where the caller must wait before it goes on. @throws {FileError} */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Fills the part from {@link offset} on from the source, without moving it through here.
   *
   * @param moved told the length of each piece
   * @returns false where that cannot be done; the content must be written then.
   */
  copyFrom?(source: OpenFile, size: number, moved: (bytes: number) => void): Promise<boolean>;
  /** What the file system that it lands in found the content to be, once it has landed. */
  readonly verified?: VerifiedContent | undefined;
  /** @throws {FileError} nothing has changed then, unless the target had to be written in place, or only its mode or times could not be set. */
  commit(attributes: LandingAttributes): Promise<void>;
  /** Ends a write that waits for somebody else (a FIFO that nobody drains); it fails then. Absent where no write waits. */
  interrupt?(): void;
  /** Removes every trace. Never throws. */
  discard(): Promise<void>;
}

/**
 * Gives an open file what was asked for, as far as the file system takes it.
 *
 * @returns what it did not take: no reason to lose the content, but one to say so.
 */
export async function applyAttributes(file: OpenFile, attributes: LandingAttributes): Promise<FileError | undefined> {
  const { mode, times } = attributes;
  // Both at once: where requests are answered late, whoever closes the file next is behind both.
  const troubles = await Promise.all([
    mode === undefined ? undefined : attempt(() => file.setMode(mode)),
    times === undefined ? undefined : attempt(() => file.setTimes(times.atimeSeconds, times.mtimeSeconds)),
  ]);
  return troubles.find((trouble) => trouble !== undefined);
}

/** Runs one change of attributes. The operation stands in the message: the file itself is there. */
export async function attempt(change: () => Promise<void>): Promise<FileError | undefined> {
  try {
    await change();
    return undefined;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const reason = `${error.operation}: ${error.reason}`;
    return new FileError(error.path, error.operation, error.code, { cause: error, reason });
  }
}

/** So much is copied there at a time: a server does nothing else meanwhile, and nobody can stop it. Bytes. */
const COPY_BYTES = 32 * 1024 * 1024;

/** Copies `from` to `size` of a file to another on the same machine, in pieces. @returns false where that cannot be done */
export async function copyThere(
  source: OpenFile,
  target: OpenFile,
  range: { readonly from: number; readonly size: number },
  moved: (bytes: number) => void,
): Promise<boolean> {
  for (let at = range.from; at < range.size; ) {
    const length = Math.min(COPY_BYTES, range.size - at);
    if ((await source.copyTo?.(target, at, length)) !== true) return false;
    at += length;
    moved(length);
  }
  const { size } = await target.status();
  if (size >= range.size) return true;
  throw new FileError(source.path, 'copy', 'ERR_FILE_CHANGED', { reason: `ends after ${size} of ${range.size} bytes` });
}
