import type { VerifiedContent } from '../../files/content-check.ts';
import type { FileSystem } from '../../files/file-system.ts';
import type { ProcessMark } from '../../files/process-mark.ts';
import type { Direction } from '../events.ts';
import type { People } from './people.ts';

/** How the way of a file ended. `partial`: the client did not want all of it; `cut`: it left before it was done. */
export type TransferOutcome = 'complete' | 'partial' | 'failed' | 'cut';

/** Told about one file on its way. */
export interface FileTransfer {
  /** Content has moved. Bytes. */
  moved(bytes: number): void;
  /**
   * Once.
   *
   * @param sha256 of the whole content in hex, where it moved in order from the first byte to the last
   * @param error why it failed
   * @param content what it was found to be, where only verified content lands
   */
  ended(outcome: TransferOutcome, sha256?: string, error?: Error, content?: VerifiedContent): void;
}

/** A place among the transfers under way, taken before a file is touched. */
export interface TransferSlot {
  /** The file is open. @param size of its content where that is known. Bytes */
  start(size?: number): FileTransfer;
  /** Gives the place back where nothing was started; else does nothing. */
  release(): void;
}

/** What a session is watched by. */
export interface SftpObserver {
  /** @throws {FileError} EMFILE where no further transfer is allowed */
  takeSlot(direction: Direction, path: string): TransferSlot;
  /** Something but content was changed. */
  changed(operation: 'remove' | 'mkdir' | 'rmdir' | 'rename' | 'link' | 'symlink', path: string, to?: string): void;
  /** What went wrong where no client could be told. */
  failed(error: Error): void;
}

/** Whose files a session serves, and how. */
export interface SessionFilesOptions {
  readonly fileSystem: FileSystem;
  /** Absolute: where paths begin that do not begin with a slash. */
  readonly start: string;
  /** Who is logged in: what is kept of an upload is shown to nobody else. */
  readonly user: string;
  /** Which of the mode bits 07777 clients may set. */
  readonly modeMask: number;
  /** Whether files may be given to others. `ignore`: asking for it changes nothing and is no failure. */
  readonly owners: 'ignore' | 'set';
  readonly readOnly: boolean;
  /** Whether a file is on stable storage before CLOSE is confirmed. */
  readonly durable: boolean;
  /** Whether the SHA-256 of what moves is wanted. */
  readonly hashes: boolean;
  readonly people: People;
  readonly observer: SftpObserver;
  readonly process: ProcessMark;
  /** Aborted when everything is to stop at once: what an upload has to copy is not waited for. */
  readonly signal?: AbortSignal | undefined;
}
