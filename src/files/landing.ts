import { randomBytes } from 'node:crypto';
import { decodeName, encodeName } from '../base/byte-name.ts';
import { type ErrorCode, FileError } from '../base/errors.ts';
import { MAX_NAME_BYTES } from '../base/peer-name.ts';
import type { Directory, OpenFile } from './file-system.ts';
import { Beside } from './landing-beside.ts';
import { InPlace } from './landing-in-place.ts';
import { type Landing, type LandingOptions, PARTIAL_SUFFIX } from './landing-types.ts';
import { joinPath } from './path.ts';

const IN_PLACE_CODES: ReadonlySet<ErrorCode> = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Begins to write the file `name` in `directory`: see docs/decisions/0003-how-a-file-lands.md for which way is taken when.
 *
 * @throws {FileError} EISDIR for a directory, ELOOP for a link that is not followed, EACCES where an existing file may not be written.
 */
export async function land(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  const shown = joinPath(directory.path, name);
  const own = await directory.status(name);
  if (own === undefined) return await landNew(directory, name, options);
  if (own.kind === 'symlink' && options.follow !== true) {
    throw new FileError(shown, 'open', 'ELOOP', { reason: 'is a symbolic link, which is not followed here' });
  }
  const through = own.kind === 'symlink' ? await directory.status(name, { follow: true }) : own;
  if (through?.kind === 'directory') throw new FileError(shown, 'open', 'EISDIR');
  const existing = await directory.open(name, {
    access: 'write',
    follow: options.follow === true,
    mode: options.mode & 0o777,
    ...(through === undefined ? { create: 'if-missing' } : {}),
  });
  if (through?.kind !== 'file') return new InPlace(existing, await existing.status(), options);
  // Who follows links wants the file that the name leads to, so its other names are to show the new content too.
  const keepsFile = own.kind === 'symlink' || (options.follow === true && own.links > 1);
  return await landOver(directory, name, existing, keepsFile, options);
}

async function landNew(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  const partial = partialName(name);
  // The person asked for `name`; that we write beside it first is no concern of theirs.
  const file = await directory.open(partial, {
    access: 'write',
    create: 'new',
    mode: options.mode & 0o777,
    shownAs: name,
  });
  return new Beside({ directory, name, partial, file, existing: undefined, finish: 'rename' }, options);
}

async function landOver(
  directory: Directory,
  name: string,
  existing: OpenFile,
  keepsFile: boolean,
  options: LandingOptions,
): Promise<Landing> {
  const partial = partialName(name);
  let file: OpenFile;
  try {
    file = await directory.open(partial, { access: 'write', create: 'new', mode: 0o600, shownAs: name });
  } catch (error) {
    // A folder that takes no new files leaves no other place to write than the file itself. Any other trouble is no reason to risk its content.
    if (error instanceof FileError && IN_PLACE_CODES.has(error.code)) {
      return new InPlace(existing, await existing.status(), options);
    }
    await existing.close();
    throw error;
  }
  const finish = keepsFile || !(await takeOverOwner(file, existing)) ? 'copy' : 'rename';
  return new Beside({ directory, name, partial, file, existing, finish }, options);
}

/** Gives the new file the owner and mode of the one it will replace. False where that is not allowed. */
async function takeOverOwner(file: OpenFile, existing: OpenFile): Promise<boolean> {
  try {
    const old = await existing.status();
    const own = await file.status();
    if (own.uid !== old.uid || own.gid !== old.gid) await file.setOwner(old.uid, old.gid);
    await file.setMode(old.mode);
    return true;
  } catch {
    return false;
  }
}

/** A name beside the target that nobody else uses: `.name.<random>.sealift-part`, cut to what a file system takes. */
function partialName(name: string): string {
  const tail = `.${randomBytes(6).toString('hex')}${PARTIAL_SUFFIX}`;
  const room = MAX_NAME_BYTES - tail.length - 1;
  return `.${decodeName(encodeName(name).subarray(0, room))}${tail}`;
}
