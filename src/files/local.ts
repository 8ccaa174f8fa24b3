import type { Directory, FileSystem } from './file-system.ts';
import { LocalDirectory } from './local-directory.ts';

/**
 * This machine's files, as the user of the process may reach them. Paths follow links, as every program of the user does. `pin` holds each directory by a
 * descriptor, so that what lies below it is reached without following anything (see LocalDirectory): for trees that a peer writes into.
 */
export function localFileSystem(options: { readonly pin?: boolean } = {}): FileSystem {
  return {
    async directory(path: string): Promise<Directory> {
      return await LocalDirectory.open(path, path, { follow: true, pin: options.pin === true });
    },
  };
}
