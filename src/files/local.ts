import { realpath } from 'node:fs/promises';
import { decodeName, osPath } from '../base/byte-name.ts';
import { FileError } from '../base/errors.ts';
import type { Directory, FileSystem } from './file-system.ts';
import { LocalDirectory } from './local-directory.ts';
import { isElsewhere } from './network-file-systems.ts';
import { joinPath, splitPath } from './path.ts';
import { QuickCalls } from './quick-calls.ts';

/**
 * This machine's files, as the user of the process may reach them. Paths follow links, as every program of the user does. `pin` holds each directory by a
 * descriptor, so that what lies below it is reached without following anything (see LocalDirectory): for trees that a peer writes into. `quick` is for programs
 * that copy and do nothing else (see QuickCalls).
 */
export function localFileSystem(options: { readonly pin?: boolean; readonly quick?: boolean } = {}): FileSystem {
  const quick = options.quick === true ? new QuickCalls() : undefined;
  return {
    async directory(path: string): Promise<Directory> {
      const isNear = quick !== undefined && !(await isElsewhere(osPath(path)));
      const how = { follow: true, pin: options.pin === true, quick: isNear ? quick : undefined };
      return await LocalDirectory.open(path, path, how);
    },
    async resolve(path: string): Promise<string> {
      return await resolve(path);
    },
  };
}

async function resolve(path: string): Promise<string> {
  try {
    return await real(path);
  } catch (cause) {
    const { parent, name, mustBeDirectory } = splitPath(path);
    const error = FileError.from(cause, path, 'realpath');
    if (error.code !== 'ENOENT' || name === '' || mustBeDirectory) throw error;
    return joinPath(
      await real(parent).catch((why: unknown) => {
        throw FileError.from(why, path, 'realpath');
      }),
      name,
    );
  }
}

async function real(path: string): Promise<string> {
  return decodeName(await realpath(osPath(path), { encoding: 'buffer' }));
}
