import { type ErrorCode, FileError } from '../../base/errors.ts';
import {
  SSH_FX_BAD_MESSAGE,
  SSH_FX_EOF,
  SSH_FX_FAILURE,
  SSH_FX_NO_SUCH_FILE,
  SSH_FX_OK,
  SSH_FX_OP_UNSUPPORTED,
  SSH_FX_PERMISSION_DENIED,
} from '../constants.ts';
import type { Status } from '../packets/status.ts';

/** Which status an errno becomes, as with OpenSSH's server. All others are SSH_FX_FAILURE. */
const codes: Partial<Record<ErrorCode, number>> = {
  ENOENT: SSH_FX_NO_SUCH_FILE,
  ENOTDIR: SSH_FX_NO_SUCH_FILE,
  EBADF: SSH_FX_NO_SUCH_FILE,
  ELOOP: SSH_FX_NO_SUCH_FILE,
  EPERM: SSH_FX_PERMISSION_DENIED,
  EACCES: SSH_FX_PERMISSION_DENIED,
  ERR_ACCESS: SSH_FX_PERMISSION_DENIED,
  ENAMETOOLONG: SSH_FX_BAD_MESSAGE,
  EINVAL: SSH_FX_BAD_MESSAGE,
  ENOTSUP: SSH_FX_OP_UNSUPPORTED,
};

/** The texts that OpenSSH's server sends with its codes. */
const texts: Readonly<Record<number, string>> = {
  [SSH_FX_OK]: 'Success',
  [SSH_FX_EOF]: 'End of file',
  [SSH_FX_NO_SUCH_FILE]: 'No such file',
  [SSH_FX_PERMISSION_DENIED]: 'Permission denied',
  [SSH_FX_FAILURE]: 'Failure',
  [SSH_FX_BAD_MESSAGE]: 'Bad message',
  [SSH_FX_OP_UNSUPPORTED]: 'Operation unsupported',
};

/** A status with its usual text. */
export function statusFor(code: number): Status {
  return { code, message: texts[code] ?? 'Unknown error', language: '' };
}

/** What a client is told of an error. A FAILURE says why, which its code does not; nothing else of the error is told. */
export function failureStatus(error: unknown): Status {
  if (!(error instanceof FileError)) return statusFor(SSH_FX_FAILURE);
  const code = codes[error.code] ?? SSH_FX_FAILURE;
  return code === SSH_FX_FAILURE ? { code, message: error.reason, language: '' } : statusFor(code);
}
