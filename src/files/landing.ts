import { userInfo } from 'node:os';
import { type ErrorCode, FileError } from '../base/errors.ts';
import { besideName, freshToken } from './beside-name.ts';
import type { Directory, FileStatus, OpenFile } from './file-system.ts';
import { Beside } from './landing-beside.ts';
import { InPlace } from './landing-in-place.ts';
import { type Landing, type LandingOptions, PARTIAL_SUFFIX } from './landing-types.ts';
import { shownPath } from './path.ts';
import { takeOver } from './take-over.ts';

const IN_PLACE_CODES: ReadonlySet<ErrorCode> = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Begins to write the file `name` in `directory`: see docs/decisions/0003-how-a-file-lands.md for which way is taken when.
 *
 * @throws {FileError} EISDIR for a directory, ELOOP for a link that is not followed, EACCES where an existing file may not be written.
 */
export async function land(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  const shown = shownPath(directory.path, name);
  const own = await directory.status(name);
  if (own === undefined) return await landNew(directory, name, options);
  if (own.kind === 'symlink' && options.follow !== true) {
    throw new FileError(shown, 'open', 'ELOOP', { reason: 'is a symbolic link, which is not followed here' });
  }
  const through = own.kind === 'symlink' ? await directory.status(name, { follow: true }) : own;
  if (through?.kind === 'directory') throw new FileError(shown, 'open', 'EISDIR');
  if (through?.kind !== 'file') mayBeInPlace(shown, options);
  const existing = await directory.open(name, {
    access: 'write',
    follow: options.follow === true,
    mode: options.mode & 0o777,
    ...(through === undefined ? { create: 'if-missing' } : {}),
  });
  if (through?.kind !== 'file') return await landOnObject(directory, name, existing, options);
  // Who follows links wants the file that the name leads to, so its other names are to show the new content too.
  const keepsFile = own.kind === 'symlink' || (options.follow === true && own.links > 1);
  return await landOver(directory, name, existing, keepsFile, options);
}

/**
 * Begins to write the file `name` where it stands, as scp does on the other side: an existing file keeps its inode, mode, owner and names, and holds a mixture until all is written. With `options.turns` this may wait for other
 * files, unless the file is new.
 *
 * @throws {FileError}
 */
export async function landInPlace(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  mayBeInPlace(shownPath(directory.path, name), options);
  const { turns } = options;
  const how = { access: 'write', mode: options.mode & 0o777, follow: options.follow === true } as const;
  const place = { directory, name };
  if (turns === undefined)
    return new InPlace(await directory.open(name, { ...how, create: 'if-missing' }), undefined, options, place);
  // Only a file that we have made ourselves is certainly no other one of this copy.
  const fresh = await directory.open(name, { ...how, create: 'new', bare: true }).catch((error: unknown) => {
    if (error instanceof FileError) return undefined;
    throw error;
  });
  if (fresh !== undefined)
    return new InPlace(fresh, undefined, options, place, { release: turns.fresh(), early: false });
  const file = await directory.open(name, { ...how, create: 'if-missing', inOrder: true });
  return new InPlace(file, undefined, options, place, { release: await turns.existing(), early: true });
}

/**
 * Begins to write the file `name` beside it on a file system that has nothing but names (SFTP): the file is renamed over the old one when it is whole, with the old one's mode and, where that is allowed, owner. A link is
 * not replaced: the file that it leads to is, where the server tells which one that is.
 *
 * @throws {FileError} EISDIR for a directory
 */
export async function landByRename(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  const own = await directory.status(name);
  if (own?.kind === 'directory') throw new FileError(shownPath(directory.path, name), 'open', 'EISDIR');
  const real = own?.kind === 'symlink' && options.follow === true ? await fileBehind(directory, name) : undefined;
  if (real !== undefined) return await landByRename(real.directory, real.name, { ...options, follow: false });
  if (own !== undefined && own.kind !== 'file') return await landInPlace(directory, name, options);
  // What a server does not tell about the old file is not to be made up.
  const knowsMode = own !== undefined && own.untold?.includes('mode') !== true;
  const opened = await openPartial(directory, name, knowsMode ? own.mode : options.mode & 0o777, options);
  if (knowsMode) await opened.file.setMode(own.mode).catch(() => {});
  if (own !== undefined && own.untold?.includes('owner') !== true)
    await opened.file.setOwner(own.uid, own.gid).catch(() => {});
  const taken = options.durable === true ? 'refuse' : 'remove';
  return new Beside({ directory, name, ...opened, existing: undefined, finish: 'rename', taken }, options);
}

/** The regular file that a link leads to, if it can be told. */
async function fileBehind(directory: Directory, name: string): ReturnType<NonNullable<Directory['behindLink']>> {
  const real = await directory.behindLink?.(name);
  return (await real?.directory.status(real.name))?.kind === 'file' ? real : undefined;
}

async function landNew(directory: Directory, name: string, options: LandingOptions): Promise<Landing> {
  const opened = await openPartial(directory, name, options.mode & 0o777, options);
  return new Beside({ directory, name, ...opened, existing: undefined, finish: 'rename' }, options);
}

async function landOver(
  directory: Directory,
  name: string,
  existing: OpenFile,
  keepsFile: boolean,
  options: LandingOptions,
): Promise<Landing> {
  let opened: Partial;
  try {
    opened = await openPartial(directory, name, 0o600, options);
  } catch (error) {
    // A folder that takes no new files leaves no other place to write than the file itself. Any other trouble is no reason to risk its content.
    if (error instanceof FileError && IN_PLACE_CODES.has(error.code) && options.neverInPlace !== true) {
      return await landOnObject(directory, name, existing, options);
    }
    await existing.close();
    throw error;
  }
  try {
    const keepsOwner = await takeOver(opened.file, await existing.status(), 0o7777);
    const finish = keepsFile || !(keepsOwner || options.mayChangeOwner === true) ? 'copy' : 'rename';
    return new Beside({ directory, name, ...opened, existing, finish }, options);
  } catch (error) {
    for (const file of [opened.file, existing]) await file.close().catch(() => {});
    await directory.remove(opened.partial).catch(() => {});
    throw error;
  }
}

/** @throws {FileError} ENOTSUP */
function mayBeInPlace(shown: string, { neverInPlace }: LandingOptions): void {
  if (neverInPlace !== true) return;
  throw new FileError(shown, 'open', 'ENOTSUP', {
    reason: 'would be written where it stands, which cannot be taken back if its content turns out to be wrong',
    cure: 'copy to a regular file first',
  });
}

/** In place, on a file system that numbers its objects. */
async function landOnObject(
  directory: Directory,
  name: string,
  existing: OpenFile,
  options: LandingOptions,
): Promise<Landing> {
  const status = await existing.status();
  const release = await options.turns?.object(status);
  return new InPlace(existing, status, options, { directory, name }, release && { release, early: false });
}

interface Partial {
  readonly partial: string;
  readonly file: OpenFile;
  readonly offset: number;
}

/** Opens the file beside the target: a new one, or the one that an earlier attempt left. The person asked for `name`; that we write beside it is no concern of theirs. */
async function openPartial(
  directory: Directory,
  name: string,
  mode: number,
  { resume, partName, size, readsBack }: LandingOptions,
): Promise<Partial> {
  const access = {
    access: readsBack === true ? 'read-write' : 'write',
    mode,
    shownAs: name,
    ...(size === undefined ? {} : { size }),
  } as const;
  const partial = partName?.() ?? besideName(name, resume?.key ?? freshToken(), PARTIAL_SUFFIX);
  const left = resume === undefined ? undefined : await directory.status(partial);
  if (resume !== undefined && left !== undefined) {
    // Whatever else has that name was not left by us.
    const isFit = left.kind === 'file' && left.links === 1 && left.size > 0 && left.size <= resume.size;
    if (isFit && isOwn(left) && (await resume.agrees(directory, partial, left.size))) {
      return { partial, file: await directory.open(partial, access), offset: left.size };
    }
    await directory.remove(partial);
  }
  return { partial, file: await directory.open(partial, { ...access, create: 'new' }), offset: 0 };
}

/** Whether a file of this machine is our own: in a directory that many may write, somebody else could have put it there. A server's users are not known here. */
function isOwn(status: FileStatus): boolean {
  if (Number(status.inode) === 0) return true;
  try {
    return status.uid === userInfo().uid;
  } catch {
    // An account without a name cannot be told from others: it begins anew.
    return false;
  }
}
