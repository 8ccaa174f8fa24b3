import { type ErrorCode, FileError } from '../base/errors.ts';
import type { FileStatus, OpenFile } from './file-system.ts';

/** Why a file may not be given another owner or mode. */
const NOT_ALLOWED_CODES: ReadonlySet<ErrorCode> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP']);

/** Bits that give a program the rights of its owner or group: new content is no such program unless both are kept and the caller wants them. */
const SET_ID_BITS = 0o6000;

/**
 * Gives a new file the owner, group and mode of the one that it is to replace, as far as this process may. A group that cannot be kept is no reason to let another one do more than everybody may.
 *
 * @param modeMask which of the mode bits 07777 are taken over
 * @returns whether owner, group and mode are those of the old file now, but for what the mask leaves out
 * @throws {FileError} any other trouble than not being allowed to
 */
export async function takeOver(file: OpenFile, old: FileStatus, modeMask: number): Promise<boolean> {
  const own = await file.status();
  let keepsGroup = own.gid === old.gid;
  let keepsOwner = own.uid === old.uid;
  if (!keepsOwner || !keepsGroup) {
    keepsOwner = await allowed(() => file.setOwner(old.uid, old.gid));
    // A process may give its files to the groups that it is in.
    keepsGroup ||= keepsOwner || (await allowed(() => file.setOwner(own.uid, old.gid)));
  }
  const keepsAll = keepsOwner && keepsGroup;
  const mode = old.mode & modeMask & (keepsAll ? 0o7777 : ~SET_ID_BITS);
  const hasMode = await allowed(() => file.setMode(keepsGroup ? mode : withoutGroup(mode)));
  return keepsAll && hasMode;
}

/** The group gets what everybody has, at most. */
function withoutGroup(mode: number): number {
  return mode & (~0o070 | ((mode & 0o007) << 3));
}

async function allowed(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof FileError && NOT_ALLOWED_CODES.has(error.code)) return false;
    throw error;
  }
}
