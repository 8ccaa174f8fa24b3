import type { FileError, ProtocolError, RemoteError } from '../base/errors.ts';

/** One file on its way, for a progress display. */
export interface FileProgress {
  /** Called after each piece with its length in bytes. */
  moved(bytes: number): void;
  /** Called once: the file has landed, or it has not. */
  finished(landed: boolean): void;
}

/** Told what a copy does. All methods are called in order; none may throw. */
export interface CopyObserver {
  /** A file begins to move. `name` is its last component, `size` its announced size in bytes. */
  fileStarted(name: string, size: number): FileProgress;
  /** Asked between entries: a promise where the copy should wait, because whoever watches does not keep up. */
  ready?(): Promise<void> | undefined;
  /** One entry failed; the copy goes on. */
  failed(error: FileError | RemoteError | ProtocolError): void;
}

/** An observer for copies that nobody watches. */
export const silentObserver: CopyObserver = {
  fileStarted: () => ({ moved() {}, finished() {} }),
  failed() {},
};
