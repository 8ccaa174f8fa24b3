import { guarded } from './guard.ts';
import type { GuardOptions } from './guard-rules.ts';
import type { RootedFileSystem } from './rooted.ts';

/** A file system that can be listed and read; everything else fails with EROFS. */
export function readOnly(fileSystem: RootedFileSystem): RootedFileSystem {
  return guarded(fileSystem, (operation) => operation === 'list' || operation === 'read', {
    refusal: 'EROFS',
    uniform: true,
  });
}

/**
 * A folder that takes new files and folders, and gives nothing back: no listing, no reading, no overwriting, removing or renaming, no links. Folders can be seen, files cannot, but for those that the session itself has sent: clients look at them afterwards, and
 * set their modes and times.
 */
export function dropZone(
  fileSystem: RootedFileSystem,
  options: Pick<GuardOptions, 'isOwnName' | 'own'> = {},
): RootedFileSystem {
  return guarded(fileSystem, (operation) => operation === 'write' || operation === 'mkdir', {
    ...options,
    uniform: true,
  });
}
