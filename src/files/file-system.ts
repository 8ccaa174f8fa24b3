import type { FileError } from '../base/errors.ts';
import type { VerifiedContent } from './content-check.ts';

/** What a directory entry is. `other` is a FIFO, a socket or a device. */
export type FileKind = 'file' | 'directory' | 'symlink' | 'other';

/** What an entry is that is `other`. */
export type SpecialKind = 'fifo' | 'socket' | 'character device' | 'block device';

/** What a file system tells about an entry. */
export interface FileStatus {
  readonly kind: FileKind;
  /** What a kind of `other` is, where the file system tells. */
  readonly special?: SpecialKind | undefined;
  /** The permission bits, 0 to 07777. */
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970, with a fraction. */
  readonly mtimeSeconds: number;
  readonly atimeSeconds: number;
  /** When content or attributes were changed last, which nobody can set; undefined where the file system does not tell. Seconds since 1970. */
  readonly ctimeSeconds?: number | undefined;
  /** Device and inode together name the object, whatever path leads to it. Both are 0 where the file system does not tell. */
  readonly device: bigint | number;
  readonly inode: bigint | number;
  /** How many names the object has; 1 where the file system does not tell. */
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** What the file system did not tell: the fields above hold a stand-in. Absent where it told everything. */
  readonly untold?: readonly Untold[] | undefined;
}

/** Fields that a file system may leave out. `mode` stands for the kind too. */
export type Untold = 'mode' | 'owner' | 'size' | 'times';

/** Takes the content of a file from some position on, in order. What it collects and keeps under way is bounded. */
export interface SequentialWriter {
  /** Resolves when whatever is asked of the file next comes behind all that was taken over, {@link flush} included. Absent or undefined where that is so anyway. No more is written after this. */
  settled?(): Promise<void> | undefined;
  /** Takes over the chunk; a promise where the caller must wait before it goes on. @throws {FileError} the first error of an earlier write. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Resolves when all that was taken over is written.
   *
   * @returns the position behind it
   * @throws {FileError}
   */
  flush(): Promise<number>;
  /** Leaves the file as it is to be left: call this where it is closed before {@link abandon}. Absent where there is nothing to do. */
  leave?(): void;
  /**
   * Waits for what is under way and forgets the rest, so that the file can be closed. Never throws.
   *
   * @returns where a write failed while later ones may have gone through: there may be holes from there on. Undefined where there are none.
   */
  abandon(): Promise<number | undefined>;
}

export interface ContentOptions {
  /** Where the file has more than `size` bytes, one of those may be given too, if finding out costs nothing. */
  readonly beyond?: boolean | undefined;
  /** Called when all has been asked for. What is asked now is answered behind it. */
  readonly asked?: (() => void) | undefined;
  /** Chunks are the consumer's: they are never changed. */
  readonly keeps?: boolean | undefined;
}

/** An open file. Positions are explicit, so several operations may be under way. Every method throws FileError. */
export interface OpenFile {
  /** How messages name the file. */
  readonly path: string;
  status(): Promise<FileStatus>;
  /** Reads at most `buffer.length` bytes at `position`; 0 at the end of the file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all the bytes, in order, from `position` on. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * The content in order, from `position` on and at most `size` bytes of it (0: to the end, whatever that is), with as many reads under way as the file is worth: for files that are far away. A chunk stays
   * unchanged until the next but one is asked for. Ends early where the file does. Absent where {@link read} is all there is (see readAhead).
   */
  contentFrom?(position: number, size: number, options?: ContentOptions): AsyncIterable<Uint8Array>;
  /**
   * A writer that keeps many writes under way: for files that are far away. Absent where {@link write} is all there is (see WriteBehind).
   *
   * @param end where the content is going to end, where that is known: it may be sent in several ways at once then
   */
  writerFrom?(position: number, end?: number): SequentialWriter;
  /**
   * Copies a part of the content to the same place in another file, without moving it through here.
   *
   * @returns false where that cannot be done between these two; nothing has happened then.
   */
  copyTo?(target: OpenFile, position: number, length: number): Promise<boolean>;
  truncate(size: number): Promise<void>;
  setMode(mode: number): Promise<void>;
  setOwner(uid: number, gid: number): Promise<void>;
  setTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void>;
  /** Resolves when the content is on stable storage. */
  sync(): Promise<void>;
  /**
   * Where content must be found good before it gets a name: looks at the whole of it now, and lets nobody change it any more. Absent or undefined where any content will do.
   *
   * @param signal once aborted, content is not read back any more, which fails with EINTR
   * @throws {FileError} it is not to be used
   */
  verify?(signal?: AbortSignal): Promise<VerifiedContent | undefined>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** What an open file is for. */
export type Access = 'read' | 'write' | 'read-write';

export interface OpenOptions {
  readonly access: Access;
  /** `new`: the name must be free (O_EXCL). `if-missing`: made where absent. */
  readonly create?: 'new' | 'if-missing';
  /** Permission bits of a new file, lessened by the umask. */
  readonly mode?: number;
  /** Whether a symbolic link as the last component is followed. Default false: opening one fails with ELOOP. */
  readonly follow?: boolean;
  /** The name that messages use instead of the real one: for a file under way to another name. Whoever may write that name may write this file. */
  readonly shownAs?: string;
  /** How many bytes are going to be written, where that is known. File systems with a quota promise the room or fail at once. */
  readonly size?: number;
  /** What is done to files that are opened with this is done in the order of the calls, across files too: a request need not wait for the answer to one about another file. Means something only where requests have answers. */
  readonly inOrder?: boolean;
  /** A failure as the other side words it: nothing is asked to find out what it comes from. */
  readonly bare?: boolean;
}

/** What an entry is to get. Absent values are left as they are. */
export interface EntryAttributes {
  /** The permission bits, 0 to 07777. */
  readonly mode?: number | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly times?: { readonly atimeSeconds: number; readonly mtimeSeconds: number } | undefined;
}

/** The room of a file system, as statvfs(3) tells it. Counts are in blocks of `blockBytes`. */
export interface Space {
  readonly blockBytes: number;
  readonly blocks: bigint;
  readonly freeBlocks: bigint;
  /** Free for users other than root. */
  readonly availableBlocks: bigint;
  /** How many files there can be at all; 0 where the file system does not tell. */
  readonly files: bigint;
  readonly freeFiles: bigint;
}

/** A name in a directory, with what listing it told besides. */
export interface DirectoryEntry {
  readonly name: string;
  /** The entry's own status (a link is not followed), where the listing brings it. */
  readonly status?: FileStatus | undefined;
}

/** A small regular file as a whole. */
export interface WholeFile {
  /** As it is while it is open, where that can be had; else as it was found. */
  readonly status: FileStatus;
  /** As long as the status says. */
  readonly content: Uint8Array;
}

/**
 * One directory, held so that what happens to the path that led to it does not matter any more. Names are single components that passed the gate; nothing here
 * takes a path. Every method throws FileError.
 */
export interface Directory {
  /** How messages name the directory. */
  readonly path: string;
  /**
   * The names in it, without `.` and `..`, in no particular order.
   *
   * @param options `gradual`: read as they are asked for, for listings that stay open long and must not hold a large directory in memory. What is made or removed meanwhile may show or not.
   */
  names(options?: { readonly gradual?: boolean }): AsyncIterable<string>;
  /** The same with statuses, for directories whose listing brings them. */
  entries?(): AsyncIterable<DirectoryEntry>;
  /** The entry's status, or undefined where there is no such name. Without `follow` a link's own status. */
  status(name: string, options?: { readonly follow?: boolean }): Promise<FileStatus | undefined>;
  ownStatus(): Promise<FileStatus>;
  open(name: string, options: OpenOptions): Promise<OpenFile>;
  /**
   * Reads a small file in one step, links followed, where that is quicker than to open it first. Never throws for the file's sake.
   *
   * @param found what was found there; a size of 0 is not known
   * @returns undefined where it cannot be had this way, is no regular file, or is of another size by now: nothing has happened then, and the ordinary way tells why
   */
  readWhole?(name: string, found: FileStatus): WholeFile | undefined | Promise<WholeFile | undefined>;
  /**
   * Makes a new small file in one step, where that is quicker than to open it first.
   *
   * @param mode permission bits, lessened by the umask
   * @returns false where it cannot be made this way, for instance because the name is taken: nothing has happened then
   * @throws {FileError} it is there and may not hold all of the content. Not where {@link landsWhole} is true.
   */
  putWhole?(name: string, content: Uint8Array, mode: number): boolean | Promise<boolean>;
  /** Whether what {@link putWhole} makes gets its name when it is whole, and replaces what has come there in between. Otherwise it is written where it stands. */
  readonly landsWhole?: boolean;
  /** Goes down one level. Without `follow` a symbolic link fails with ELOOP. */
  directory(name: string, options?: { readonly follow?: boolean }): Promise<Directory>;
  makeDirectory(name: string, mode: number): Promise<void>;
  /**
   * Renames an entry. On file systems that can, what is at `to` is replaced in one step.
   *
   * @param target the directory that `to` is in, of the same file system. Default: this one.
   */
  rename(from: string, to: string, target?: Directory): Promise<void>;
  /** How many files and listings may be open at a time, where that is known. */
  readonly maxOpen?: number | undefined;
  /** How many times as many files, where they are opened by several sessions in turn. Default 1. */
  readonly sessions?: number;
  /** How long an answer takes at least, in milliseconds, where that is known: many files under way make up for it. 0: not known. */
  readonly roundTripMs?: number;
  /** Content of so many bytes is going to be read or written here: what takes time to be ready may begin. */
  expect?(bytes: number): void;
  /** False where a rename to a name that exists fails. */
  readonly renameReplaces?: boolean;
  /** Something is there that must not stay. While it does, an abort of the connection is put off for a moment, so that it can be removed. @returns to be called when it is gone */
  unfinished?(): () => void;
  /** Removes an entry that is no directory. */
  remove(name: string): Promise<void>;
  /** Removes a directory, which must be empty. */
  removeDirectory(name: string): Promise<void>;
  /**
   * Gives the file `from` the name `to` too. Links are not followed. Fails with EEXIST where the name is taken, in one step: of several who try, one gets it.
   *
   * @param target as for {@link rename}
   * @throws {FileError} EPERM or ENOTSUP where the file system has no hard links
   */
  makeHardLink(from: string, to: string, target?: Directory): Promise<void>;
  /** Where a symbolic link points. */
  readLink(name: string): Promise<string>;
  /** Makes a symbolic link that points to `target`, as it is written. The name must be free. */
  makeLink(name: string, target: string): Promise<void>;
  /** The path without links that leads to an entry (`.`: to the directory itself), on file systems that do not number their objects: tells whether links lead back. */
  realPath?(name: string): Promise<string>;
  /** Where a name that is a link leads to in the end: a directory and a name in it, on file systems that have nothing but paths. Nothing tells whether something is there. */
  behindLink?(name: string): Promise<{ readonly directory: Directory; readonly name: string } | undefined>;
  /** The SHA-256 of a file's content, where it can be computed without reading the content through here; undefined where it cannot. */
  digest?(name: string): Promise<Uint8Array | undefined>;
  /** What a failure about `name` comes from that gave no reason, where that can be found out. */
  explain?(name: string, error: FileError): Promise<FileError>;
  /**
   * Changes attributes of an entry, whatever it is and without opening it. Those that can be set are, also where another fails; without `follow` those of a link itself, which has no mode (ENOTSUP).
   *
   * @throws {FileError} the first failure
   */
  setAttributes(name: string, attributes: EntryAttributes, options?: { readonly follow?: boolean }): Promise<void>;
  /** The room of the file system that the directory is on. @throws {FileError} ENOTSUP where it does not tell. */
  space(): Promise<Space>;
  setOwnMode(mode: number): Promise<void>;
  setOwnTimes(atimeSeconds: number, mtimeSeconds: number): Promise<void>;
  /** Makes renames and new names in this directory durable. */
  sync(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Where paths begin. What a path may reach is the implementation's business: the whole machine (local), or what lies below one folder (rooted). */
export interface FileSystem {
  /** How messages name a path. Default: as it is. */
  readonly shown?: (path: string) => string;
  /**
   * A path as its user writes it, made one that can be split: a prefix that stands for a folder (`flash:x`) is replaced, and a relative path begins at the start directory. No file is looked at. Applied again it changes nothing.
   * Absent where paths need no reading. The methods below read theirs themselves.
   */
  readonly absolute?: (path: string) => string;
  /** Opens the directory at `path`; links on the way are followed as far as the implementation lets them. */
  directory(path: string): Promise<Directory>;
  /**
   * The absolute path without links that `path` leads to, its last component followed too. That one need not exist.
   *
   * @throws {FileError}
   */
  resolve(path: string): Promise<string>;
}
