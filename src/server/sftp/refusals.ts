import { FileError } from '../../base/errors.ts';
import { isContentRefusal } from '../../files/content-check.ts';
import type { ServedFiles } from '../../sftp/server/served-files.ts';

/** What somebody was not allowed to do, or had no room for: not what merely is not there. Limits on handles and transfers are told where they are. */
const TOLD_CODES: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EDQUOT', 'ENOSPC', 'EIO']);

/** Told what a client was refused. Must not throw. */
export type OnRefusal = (operation: string, error: FileError) => void;

/** Files of which every refused operation is told. What fails with an open file is told at the end of its transfer. */
export function tellingRefusals(files: ServedFiles, onRefusal: OnRefusal): ServedFiles {
  const watched = async <T>(operation: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof FileError && (TOLD_CODES.has(error.code) || isContentRefusal(error)))
        onRefusal(operation, error);
      throw error;
    }
  };
  return {
    realPath: (path) => watched('realpath', files.realPath(path)),
    status: (path, follow) => watched('stat', files.status(path, follow)),
    setAttributes: (path, attributes, follow) =>
      watched('set attributes', files.setAttributes(path, attributes, follow)),
    open: (path, how) => watched(how.access === 'read' ? 'read' : 'write', files.open(path, how)),
    list: (path) => watched('list', files.list(path)),
    remove: (path) => watched('remove', files.remove(path)),
    makeDirectory: (path, mode) => watched('mkdir', files.makeDirectory(path, mode)),
    removeDirectory: (path) => watched('rmdir', files.removeDirectory(path)),
    rename: (oldPath, newPath, replace) => watched('rename', files.rename(oldPath, newPath, replace)),
    readLink: (path) => watched('readlink', files.readLink(path)),
    makeLink: (path, target) => watched('symlink', files.makeLink(path, target)),
    makeHardLink: (oldPath, newPath) => watched('link', files.makeHardLink(oldPath, newPath)),
    space: (path) => watched('space', files.space(path)),
    expand: (path) => files.expand(path),
    home: (user) => files.home(user),
    owners: (uids, gids) => files.owners(uids, gids),
    end: () => files.end(),
  };
}
