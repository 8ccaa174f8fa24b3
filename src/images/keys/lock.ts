import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type ErrorCode, FileError, ImageError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Directory } from '../../files/file-system.ts';
import { shownPath } from '../../files/path.ts';
import { type ProcessMark, thisProcess } from '../../files/process-mark.ts';
import { fileNames } from './records.ts';

/** A lock's content is `<mark of the process>-<16 hex digits>` and a line break: no two are alike. */
const content = /^([0-9a-f-]{20,80})-[0-9a-f]{16}\n$/;

const MAX_LOCK_BYTES = 128;

/** How often a lock that somebody has is looked at again. Milliseconds. */
const POLL_MS = 25;

/** So often somebody else may be faster. */
const MAX_ROUNDS = 1000;

const NO_HARD_LINKS: ReadonlySet<ErrorCode> = new Set(['EPERM', 'ENOTSUP', 'EMLINK']);

export interface LockOptions {
  /** How long to wait for somebody else. Default 0: fails at once. Milliseconds. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Who takes it. Default: this process. */
  readonly mark?: ProcessMark | undefined;
}

/**
 * Takes the lock of a folder. The lock of a process that is gone is taken over. Of several who try that at once one succeeds: each needs a name that is made of the content of the dead lock, which is never used again.
 *
 * @returns gives it back; never throws
 * @throws {ImageError} ERR_KEY_STORAGE_BUSY with the number of the process that has it
 * @throws {FileError}
 */
export async function takeLock(directory: Directory, options: LockOptions = {}): Promise<() => Promise<void>> {
  const mark = options.mark ?? thisProcess;
  const own = `${mark.id}-${randomBytes(8).toString('hex')}\n`;
  for (let waitedMs = 0, rounds = 0; ; rounds++) {
    options.signal?.throwIfAborted();
    if (await claim(directory, fileNames.lock, own)) break;
    const outcome = await takeOver(directory, own, mark);
    if (outcome === 'ours') break;
    if (outcome === 'again' && rounds < MAX_ROUNDS) continue;
    const holder = outcome === 'again' ? { name: fileNames.lock, id: undefined } : outcome;
    if (waitedMs >= (options.waitMs ?? 0)) throw busy(directory, holder);
    // What ends the pause early is looked at above.
    await pause(POLL_MS, undefined, { signal: options.signal }).catch(() => {});
    waitedMs += POLL_MS;
  }
  await sweep(directory, mark).catch(() => {});
  return async () => {
    await directory.remove(fileNames.lock).catch(() => {});
  };
}

/** Makes a file with this content where the name is free, in one step. @returns whether it was */
async function claim(directory: Directory, name: string, own: string): Promise<boolean> {
  const beside = `${fileNames.lock}.${own.slice(-17, -1)}`;
  try {
    // Written before it has its name: a lock without an owner could not be told from one that is just being made.
    await write(directory, beside, own);
    await directory.makeHardLink(beside, name);
    return true;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'EEXIST') return false;
    if (!NO_HARD_LINKS.has(error.code)) throw error;
    return await write(directory, name, own).then(
      () => true,
      (cause: unknown) => {
        if (cause instanceof FileError && cause.code === 'EEXIST') return false;
        throw cause;
      },
    );
  } finally {
    await directory.remove(beside).catch(() => {});
  }
}

async function write(directory: Directory, name: string, own: string): Promise<void> {
  const file = await directory.open(name, { access: 'write', create: 'new', mode: 0o644 });
  try {
    await file.write([Buffer.from(own)], 0);
    await file.sync();
  } catch (error) {
    // A name without an owner would lock everybody out.
    await directory.remove(name).catch(() => {});
    throw error;
  } finally {
    await file.close().catch(() => {});
  }
}

/** Who has the lock: what is known of it. */
interface Holder {
  readonly name: string;
  readonly id: string | undefined;
}

/**
 * Takes over the lock of a process that is gone.
 *
 * @returns who has it, where that one is not gone; `again` where somebody else was faster or has just given it back
 */
async function takeOver(directory: Directory, own: string, mark: ProcessMark): Promise<Holder | 'ours' | 'again'> {
  const first = await read(directory, fileNames.lock);
  let name: string = fileNames.lock;
  // Whoever takes over may die on the way, and its claim is then taken over as well.
  for (let text = first; ; text = await read(directory, name)) {
    if (text === undefined) return 'again';
    const id = content.exec(text)?.[1];
    if (!(await isGone(directory, name, id, mark))) return { name, id };
    name = successorName(text);
    if (await claim(directory, name, own)) break;
  }
  if ((await read(directory, fileNames.lock)) !== first) {
    // Somebody else had taken it over before, and is done with it perhaps.
    await directory.remove(name).catch(() => {});
    return 'again';
  }
  // Nobody else may replace the lock of the dead process while the claim stands. With the rename it is gone.
  await directory.rename(name, fileNames.lock);
  return 'ours';
}

/** Removes what processes that are gone have left on the way to a lock. The lock is ours, and what cannot be removed does no harm. */
async function sweep(directory: Directory, mark: ProcessMark): Promise<void> {
  for await (const name of directory.names()) {
    if (!name.startsWith(`${fileNames.lock}.`)) continue;
    const text = await read(directory, name);
    if (text === undefined) continue;
    if (await isGone(directory, name, content.exec(text)?.[1], mark)) await directory.remove(name);
  }
}

function successorName(text: string): string {
  return `${fileNames.lock}.after-${Buffer.from(text).toString('hex').slice(-34, -2)}`;
}

async function isGone(directory: Directory, name: string, id: string | undefined, mark: ProcessMark): Promise<boolean> {
  if (id !== undefined) return ['gone', 'rebooted'].includes(mark.fateOf(id));
  // No owner can be read: a power cut has taken the content, on a file system without hard links.
  const status = await directory.status(name);
  const since = status?.ctimeSeconds ?? status?.mtimeSeconds;
  return since !== undefined && since * 1000 < mark.bootedMs();
}

/** @returns undefined where there is no such file */
async function read(directory: Directory, name: string): Promise<string | undefined> {
  try {
    const file = await directory.open(name, { access: 'read' });
    try {
      const buffer = Buffer.alloc(MAX_LOCK_BYTES);
      return buffer.subarray(0, await file.read(buffer, 0)).toString('latin1');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function busy(directory: Directory, { name, id }: Holder): ImageError {
  const pid = id?.split('-')[2];
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const shown = printable(shownPath(directory.path, name));
  const cure = `wait until it is done; if no such process runs, remove ${shown}`;
  return new ImageError(printable(directory.path), 'ERR_KEY_STORAGE_BUSY', `${who} is changing the key storage`, {
    cure,
  });
}
