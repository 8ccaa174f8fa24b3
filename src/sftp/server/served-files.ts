import type { Access, DirectoryEntry, FileStatus, Space } from '../../files/file-system.ts';
import type { Attributes } from '../attributes.ts';

/** How a file is to be opened. */
export interface OpenHow {
  readonly access: Access;
  /** Made where absent. */
  readonly create: boolean;
  /** With `create`: the name must be free. */
  readonly exclusive: boolean;
  /** The old content is not wanted. */
  readonly truncate: boolean;
  /** Whatever position a write names, it goes to the end. */
  readonly append: boolean;
  /** Permission bits of a new file; undefined where the client does not say. */
  readonly mode: number | undefined;
  /** What is read stays on this side, a hash of it apart. */
  readonly inside?: boolean;
}

/** An open file of a session. Whoever calls it calls one method at a time. Every method throws FileError. */
export interface ServedFile {
  status(): Promise<FileStatus>;
  /** Reads at `position` until the buffer is full or the file ends; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** The same for what stays on this side: a hash or a copy is made of it. */
  inspect(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all the bytes, one chunk behind the other. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  setAttributes(attributes: Attributes): Promise<void>;
  /** Puts the content on stable storage. */
  sync(): Promise<void>;
  space(): Promise<Space>;
  /** Once. What was written counts from now on: an error tells that it does not, and that the old content is there. */
  close(): Promise<void>;
}

/** A listing under way. */
export interface ServedListing {
  /** The next entries with their statuses, at most `count`; none at the end. @throws {FileError} */
  next(count: number): Promise<readonly ListedEntry[]>;
  close(): Promise<void>;
}

export interface ListedEntry extends DirectoryEntry {
  readonly status: FileStatus;
}

/** Names of users and groups; empty where there is none, or none that is told. */
export interface OwnerNames {
  readonly userNames: readonly string[];
  readonly groupNames: readonly string[];
}

/**
 * The files of one session, by paths as the client writes them. What a path may reach, and when what is written there shows to whom, is the implementation's business. Operations on different files may be under way at once. Every method
 * throws FileError.
 */
export interface ServedFiles {
  /** The absolute path without links; its last component need not exist. */
  realPath(path: string): Promise<string>;
  /** @param follow whether a link as the last component is followed */
  status(path: string, follow: boolean): Promise<FileStatus>;
  setAttributes(path: string, attributes: Attributes, follow: boolean): Promise<void>;
  open(path: string, how: OpenHow): Promise<ServedFile>;
  list(path: string): Promise<ServedListing>;
  remove(path: string): Promise<void>;
  makeDirectory(path: string, mode: number | undefined): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  /** @param replace whether what is at the new path is replaced; else it is an error that something is there */
  rename(oldPath: string, newPath: string, replace: boolean): Promise<void>;
  readLink(path: string): Promise<string>;
  /** @param target where the link points, as it is written */
  makeLink(path: string, target: string): Promise<void>;
  makeHardLink(oldPath: string, newPath: string): Promise<void>;
  space(path: string): Promise<Space>;
  /** What `~`, `~/x` and `~user/x` stand for. */
  expand(path: string): Promise<string>;
  /** @param user empty for the one who is logged in */
  home(user: string): Promise<string>;
  owners(uids: readonly number[], gids: readonly number[]): Promise<OwnerNames>;
  /** The session is over. Files that were not closed are dealt with; closes everything. Never throws. */
  end(): Promise<void>;
}
