import { type ErrorCode, FileError } from '../base/errors.ts';
import { statusOf } from './file-status.ts';
import type { SftpSession } from './session.ts';

/** ST_RDONLY of statvfs(3). */
const READ_ONLY = 1n;

/**
 * Finds out what a bare SSH_FX_FAILURE about `path` comes from: version 3 has no code for a full disk, a read-only one, or a name that is a directory. An error that gives a reason comes back as it is.
 */
export async function explainFailure(session: SftpSession, path: string, error: FileError): Promise<FileError> {
  if (error.code !== 'ERR_FILE' || error.reason !== 'Failure') return error;
  const code = (await isDirectory(session, path)) ? 'EISDIR' : await fileSystemTrouble(session, path);
  return code === undefined ? error : new FileError(error.path, error.operation, code, { cause: error });
}

async function isDirectory(session: SftpSession, path: string): Promise<boolean> {
  const status = await session.stat(path).then(statusOf, () => undefined);
  return status?.kind === 'directory';
}

async function fileSystemTrouble(session: SftpSession, path: string): Promise<ErrorCode | undefined> {
  if (!session.has('statvfs@openssh.com')) return undefined;
  const parent = path.replace(/\/*[^/]*\/*$/, '') || (path.startsWith('/') ? '/' : '.');
  const state = await session.extensions.statvfs(parent).catch(() => undefined);
  if (state === undefined) return undefined;
  if ((state.flag & READ_ONLY) !== 0n) return 'EROFS';
  // Some file systems do not count their files and give 0 for all of them.
  return state.bavail === 0n || (state.files > 0n && state.favail === 0n) ? 'ENOSPC' : undefined;
}
