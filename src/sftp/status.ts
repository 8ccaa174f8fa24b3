import { type ErrorCode, FileError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import {
  SSH_FX_BAD_MESSAGE,
  SSH_FX_CONNECTION_LOST,
  SSH_FX_NO_CONNECTION,
  SSH_FX_NO_SUCH_FILE,
  SSH_FX_OP_UNSUPPORTED,
  SSH_FX_PERMISSION_DENIED,
} from './constants.ts';
import { MAX_STATUS_CHARACTERS } from './limits.ts';
import type { Status } from './packets/status.ts';

/** What a request was about, for the error that answers it. */
export interface What {
  readonly operation: string;
  readonly path: string;
}

/**
 * The errno for a status code. Version 3 knows those up to 8 (draft section 7); the others come from later drafts, and some servers send them to everyone.
 */
const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [SSH_FX_NO_SUCH_FILE, 'ENOENT'],
  [SSH_FX_PERMISSION_DENIED, 'EACCES'],
  [SSH_FX_BAD_MESSAGE, 'EINVAL'], // OpenSSH answers EINVAL and ENAMETOOLONG with it
  [SSH_FX_NO_CONNECTION, 'EIO'],
  [SSH_FX_CONNECTION_LOST, 'EIO'],
  [SSH_FX_OP_UNSUPPORTED, 'ENOTSUP'],
  [9, 'EBADF'], // SSH_FX_INVALID_HANDLE
  [10, 'ENOENT'], // SSH_FX_NO_SUCH_PATH
  [11, 'EEXIST'], // SSH_FX_FILE_ALREADY_EXISTS
  [12, 'EROFS'], // SSH_FX_WRITE_PROTECT
  [13, 'ENODEV'], // SSH_FX_NO_MEDIA
  [14, 'ENOSPC'], // SSH_FX_NO_SPACE_ON_FILESYSTEM
  [15, 'EDQUOT'], // SSH_FX_QUOTA_EXCEEDED
  [17, 'EBUSY'], // SSH_FX_LOCK_CONFLICT
  [18, 'ENOTEMPTY'], // SSH_FX_DIR_NOT_EMPTY
  [19, 'ENOTDIR'], // SSH_FX_NOT_A_DIRECTORY
  [20, 'EINVAL'], // SSH_FX_INVALID_FILENAME
  [21, 'ELOOP'], // SSH_FX_LINK_LOOP
  [24, 'EISDIR'], // SSH_FX_FILE_IS_A_DIRECTORY
]);

/** A peer's text, safe to show and not too long. */
export function shownText(text: string): string {
  // Cut before it is escaped too: what is thrown away need not be looked at.
  const shown = printable(text.slice(0, MAX_STATUS_CHARACTERS).trim());
  return shown.length > MAX_STATUS_CHARACTERS ? `${shown.slice(0, MAX_STATUS_CHARACTERS)}…` : shown;
}

/**
 * The error for a status that is not SSH_FX_OK. A code that names a reason gets strerror's words; one that says only that it failed keeps the server's own message, which is all there is.
 */
export function statusError(status: Status, what: What): FileError {
  const code = codes.get(status.code);
  if (code !== undefined) return new FileError(what.path, what.operation, code);
  const text = shownText(status.message);
  return new FileError(what.path, what.operation, 'ERR_FILE', { reason: text === '' ? 'Failure' : text });
}
