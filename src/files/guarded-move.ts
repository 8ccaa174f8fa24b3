import { FileError } from '../base/errors.ts';
import type { Directory, FileStatus } from './file-system.ts';
import type { GuardRules } from './guard-rules.ts';
import { joinPath } from './path.ts';

/** A name in a directory below the guard. */
interface Spot {
  readonly directory: Directory;
  readonly name: string;
}

/** Renames an entry, or gives an upload its name, as far as it is allowed. @throws {FileError} */
export async function moveGuarded(guard: GuardRules, from: Spot, to: Spot): Promise<void> {
  const [path, newPath] = [joinPath(from.directory.path, from.name), joinPath(to.directory.path, to.name)];
  const target = guard.parts.get(path);
  const isPart = target !== undefined || guard.isOwnName(from.name);
  if (isPart && guard.isOwnName(to.name)) {
    // What lies beside its target stays there: in another folder other rights may hold.
    if (from.directory.path !== to.directory.path) throw guard.refused(newPath, 'rename');
    await from.directory.rename(from.name, to.name, to.directory);
    guard.parts.delete(path);
    return;
  }
  // An upload that was given another name before it was complete.
  if (target !== undefined && target !== newPath) guard.check('rename', target, 'rename');
  if (!isPart) guard.check('rename', path, 'rename');
  const status = await from.directory.status(from.name);
  if (status === undefined) throw new FileError(path, 'rename', 'ENOENT');
  const isTaken = (await to.directory.status(to.name)) !== undefined;
  guard.check(isTaken ? 'overwrite' : status.kind === 'directory' ? 'mkdir' : 'write', newPath, 'rename');
  if (status.kind === 'directory') await guard.checkTree(from.directory, from.name, path, newPath);
  // A directory replaces nothing but an empty one.
  if (status.kind === 'directory' || guard.may('overwrite', newPath))
    await from.directory.rename(from.name, to.name, to.directory);
  else await moveToFreeName(guard, from, to, newPath);
  if (isPart) landed(guard, path, newPath, status);
}

function landed(guard: GuardRules, path: string, newPath: string, status: FileStatus): void {
  guard.parts.delete(path);
  guard.own.add(newPath, status);
}

/** Takes a name only where it is still free, in one step. */
async function moveToFreeName(guard: GuardRules, from: Spot, to: Spot, newPath: string): Promise<void> {
  try {
    await from.directory.makeHardLink(from.name, to.name, to.directory);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'EEXIST') throw guard.refused(newPath, 'rename');
    if (!['EPERM', 'ENOTSUP', 'EMLINK', 'ERR_FILE'].includes(error.code)) throw error;
    // A rename would replace what has come meanwhile, which is not allowed.
    const reason = 'the file system has no hard links, without which nobody can write who may not overwrite';
    throw new FileError(newPath, 'rename', 'ENOTSUP', { cause: error, reason });
  }
  const remove = (): Promise<void> => from.directory.remove(from.name);
  try {
    await remove().catch(remove);
  } catch (error) {
    // It has its new name, whole; the other is a leftover.
    if (guard.parts.has(joinPath(from.directory.path, from.name))) return;
    await to.directory.remove(to.name).catch(() => {});
    throw error;
  }
}
