import { ConnectionError, type FileError, type ProtocolError, type RemoteError, SealiftError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { CopyResult } from './copy-types.ts';

/** An error about one entry of a copy. */
export type EntryError = FileError | RemoteError | ProtocolError;

/**
 * A copy came to its end, and some of its entries could not be copied. `code` and `cause` are those of the first error.
 *
 * @example
 * try {
 *   await host.upload('photos', 'backup/', { recursive: true });
 * } catch (error) {
 *   if (!(error instanceof CopyError)) throw error;
 *   for (const { code, message } of error.errors) console.error(code, message);
 *   console.error(`${error.result.files} files were copied all the same`);
 * }
 */
export class CopyError extends SealiftError {
  /** The errors, at most the first 1,000: `result.failed` says how many there were. */
  readonly errors: readonly EntryError[];
  /** What was done in spite of them. */
  readonly result: CopyResult;

  constructor(result: CopyResult) {
    const [first] = result.errors as [EntryError];
    const more = result.failed > 1 ? ` (and ${result.failed - 1} more errors)` : '';
    super(first.code, `${first.message}${more}`, { cause: first, cure: first.cure });
    this.errors = result.errors;
    this.result = result;
  }
}

/** What was asked for needs SFTP, and the host is spoken to by the SCP protocol. */
export function needsSftp(host: string, what: string): ConnectionError {
  return new ConnectionError(printable(host), 'open', `${what} needs SFTP, which is not spoken with this host`, {
    code: 'ERR_NOT_OFFERED',
    cure: `leave out ${what}, or enable the SFTP subsystem of the server`,
  });
}
