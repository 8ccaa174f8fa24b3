import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileError } from '../base/errors.ts';
import { formatUsersFile, readUsersFile, type UserLine } from './users-file.ts';

/** How long to wait for somebody else who changes the file. Milliseconds. */
const LOCK_MS = 5000;

/** How often to look whether the lock is free. Milliseconds. */
const LOCK_POLL_MS = 50;

/** A lock that is older than this was left by somebody who was killed: a change takes milliseconds. */
const STALE_MS = 60_000;

/**
 * Changes a users file: under a lock, so that nothing gets lost between two of them, and in one step, so that whoever reads it finds the old users or the new ones. The file is made with mode 0600 where it is
 * missing; owner and group are kept.
 *
 * @param change gives the new lines; what it throws leaves the file as it is
 * @throws {FileError}
 */
export async function changeUsersFile(
  path: string,
  change: (lines: readonly UserLine[]) => readonly UserLine[] | Promise<readonly UserLine[]>,
): Promise<void> {
  // A link stays one: what it points to is changed.
  const target = await realpath(path).catch(() => path);
  const unlock = await lock(`${target}.lock`);
  try {
    const before = await stat(target).catch(() => undefined);
    const lines = before === undefined ? [] : await readUsersFile(target);
    await replace(target, formatUsersFile(await change(lines)), before);
  } finally {
    await unlock();
  }
}

/** Takes the lock. @returns how to give it back */
async function lock(path: string): Promise<() => Promise<void>> {
  for (let waited = 0; ; waited += LOCK_POLL_MS) {
    try {
      await (await open(path, 'wx', 0o600)).close();
      return async () => await rm(path, { force: true });
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
        throw FileError.from(cause, path, 'open');
    }
    const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    if (Date.now() - mtimeMs > STALE_MS) await rm(path, { force: true });
    else if (waited >= LOCK_MS) {
      const reason = 'somebody else is changing the users';
      throw new FileError(path, 'open', 'EBUSY', { reason, cure: `if nobody is, remove ${path}` });
    } else await delay(LOCK_POLL_MS);
  }
}

async function replace(
  path: string,
  text: string,
  before: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.new`;
  let file: FileHandle | undefined;
  try {
    file = await open(beside, 'wx', 0o600);
    const { uid, gid } = await file.stat();
    // Who changes it as root must not take it away from the server's account.
    if (before !== undefined && (before.uid !== uid || before.gid !== gid)) await file.chown(before.uid, before.gid);
    await file.writeFile(text);
    await file.sync();
    await file.close();
    file = undefined;
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await file?.close().catch(() => {});
    await rm(beside, { force: true });
    throw FileError.from(cause, path, 'write');
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  // Some systems cannot.
  await folder?.sync().catch(() => {});
  await folder?.close();
}
