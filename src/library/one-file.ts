import { FileError } from '../base/errors.ts';
import { missingDirectory } from '../copy/dry-run.ts';
import type { Directory, FileStatus, FileSystem, OpenFile } from '../files/file-system.ts';

/** A file system in which one file is: a stream, as the SCP protocol wants to see it. */
export function oneFile(name: string, status: FileStatus | undefined, open: () => OpenFile): FileSystem {
  const directory: Directory = {
    ...missingDirectory('.'),
    status: async (asked) => (asked === name ? status : undefined),
    open: async (asked) => {
      if (asked !== name) throw new FileError(asked, 'open', 'ENOENT');
      return open();
    },
  };
  return { directory: async () => directory, resolve: async (path) => path };
}

/** A regular file with this size and mode, and nothing else that is known. */
export function plainStatus(size: number, mode: number): FileStatus {
  return {
    kind: 'file',
    mode,
    size,
    mtimeSeconds: 0,
    atimeSeconds: 0,
    device: 0,
    inode: 0,
    links: 1,
    uid: 0,
    gid: 0,
  };
}

/** An open file of which `read` and `write` are given; the rest does nothing. */
export function streamedFile(
  path: string,
  status: FileStatus,
  access: Partial<Pick<OpenFile, 'read' | 'write'>>,
): OpenFile {
  const refuse = async (): Promise<never> => {
    throw new FileError(path, 'open', 'EBADF');
  };
  const nothing = async (): Promise<void> => {};
  return {
    path,
    status: async () => status,
    read: access.read ?? refuse,
    write: access.write ?? refuse,
    truncate: nothing,
    setMode: nothing,
    setOwner: nothing,
    setTimes: nothing,
    sync: nothing,
    close: nothing,
  };
}
