import type { FileError, ProtocolError, RemoteError } from '../base/errors.ts';
import type { VerifiedContent } from '../files/content-check.ts';

/** One file on its way, for a progress display. */
export interface FileProgress {
  /** Called after each piece with its length in bytes; with the bytes too where they come in order, from the first on. They are only valid during the call. */
  moved(bytes: number, content?: Uint8Array): void;
  /** So many bytes were there already, from an earlier attempt, and do not move. Absent: told as moved. */
  resumed?(bytes: number): void;
  /** Its content was found good, and the file has landed: called before `finished`, where contents are verified. */
  verified?(content: VerifiedContent): void;
  /** Called once: the file has landed, or it has not. */
  finished(landed: boolean): void;
}

/** Where a file comes from and where it goes: paths of their own sides. Absent is what only the peer knows. */
export interface FilePaths {
  readonly source?: string | undefined;
  readonly target?: string | undefined;
}

/** Told what a copy does. All methods are called in order; none may throw. */
export interface CopyObserver {
  /** A file was found and will be copied: fileStarted follows unless the copy as a whole ends before. Copies that learn of a file only when it begins do not call this. */
  found?(size: number): void;
  /** So much will be found in all, as far as can be told ahead: what was found so far is part of it. Called at most once for each step of a copy, and only where this is there is it counted at all. */
  readonly counted?: ((files: number, bytes: number) => void) | undefined;
  /** The copy has found all its files; some may still be under way. */
  foundAll?(): void;
  /** A file begins to move. `name` is its last component, `size` its announced size in bytes. */
  fileStarted(name: string, size: number, paths?: FilePaths): FileProgress;
  /** A file is there already and is not copied. */
  skipped?(name: string, size: number, paths?: FilePaths): void;
  /** Nothing is to be changed: this is what would be copied. */
  planned?(name: string, size: number, paths?: FilePaths): void;
  /** Asked between entries: a promise where the copy should wait, because whoever watches does not keep up. */
  ready?(): Promise<void> | undefined;
  /** What was written so far could not be removed from the target: its path. */
  left?(path: string): void;
  /** One entry failed; the copy goes on. */
  failed(error: FileError | RemoteError | ProtocolError): void;
}

/** An observer for copies that nobody watches. */
export const silentObserver: CopyObserver = {
  fileStarted: () => ({ moved() {}, finished() {} }),
  failed() {},
};
