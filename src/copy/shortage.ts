import { FileError } from '../base/errors.ts';

/** Whether a file may have failed because too many are open, so that it is worth another try when fewer are. SFTP 3 has no code for that: a server that gives no other reason may mean it. */
export function isShortage(error: unknown): error is FileError {
  if (!(error instanceof FileError)) return false;
  if (isCertain(error)) return true;
  return error.code === 'ERR_FILE' && (error.operation === 'open' || error.operation === 'list');
}

/** Whether that is what the error says. */
export function isCertain({ code }: FileError): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** The error of a file that had no room although nothing else was under way. */
export function withCure(error: FileError): FileError {
  if (!isCertain(error)) return error;
  const cure = 'raise the limit for open files (ulimit -n)';
  return new FileError(error.path, error.operation, error.code, { cause: error, reason: error.reason, cure });
}
