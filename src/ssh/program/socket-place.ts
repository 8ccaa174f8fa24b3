import { mkdtempSync, statfsSync } from 'node:fs';
import { link, rm, rmdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Unix knows the address of a socket by a path of so many bytes at most; Linux has a few more. */
const MAX_SOCKET_PATH_BYTES = 103;

/** ssh makes its socket beside the name, with a dot and 16 random characters behind it. */
const TEMPORARY_SUFFIX_BYTES = 17;

/** What an option of ssh takes without quotes, expansion of `%`, `$` and `~`, or a split at spaces. */
export const PLAIN_PATH: RegExp = /^\/[A-Za-z0-9/._-]+$/;

/** File systems of Linux that have sockets and second names, by the numbers of statfs(2): ext, XFS, Btrfs, tmpfs, overlay, ZFS. */
const KNOWN_TYPES: readonly number[] = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1];

/** A private directory in which ssh can make a socket. */
export interface SocketPlace extends AsyncDisposable {
  /** Where the socket will be. Nothing is there yet. */
  readonly path: string;
  /** Removes the directory with all that is in it. Never throws. */
  remove(): Promise<void>;
}

/**
 * Makes a directory that only this user may enter, in the first of the folders where that works and sockets do: some file systems have none, or no second names, by which ssh puts its own in place.
 *
 * @returns undefined where there is no such folder
 */
export async function makeSocketPlace(folders: readonly string[]): Promise<SocketPlace | undefined> {
  for (const folder of folders) {
    const place = await makeIn(folder);
    if (place !== undefined) return place;
  }
  return undefined;
}

async function makeIn(folder: string): Promise<SocketPlace | undefined> {
  const prefix = join(folder, 'sealift-');
  // mkdtemp adds 6 characters, the name of the socket 2.
  const longest = Buffer.byteLength(prefix) + 6 + 2 + TEMPORARY_SUFFIX_BYTES;
  if (longest > MAX_SOCKET_PATH_BYTES || !PLAIN_PATH.test(prefix)) return undefined;
  const directory = makeDirectory(prefix);
  if (directory === undefined) return undefined;
  const remove = async (): Promise<void> => {
    // Most often ssh has taken its socket away.
    await rmdir(directory).catch(() => rm(directory, { recursive: true, force: true }).catch(() => {}));
  };
  const isKnown = process.platform === 'linux' && KNOWN_TYPES.includes(typeOf(directory));
  if (isKnown || (await takesSockets(directory)))
    return { path: `${directory}/s`, remove, [Symbol.asyncDispose]: remove };
  await remove();
  return undefined;
}

/** At once: the first channel waits for it. */
function makeDirectory(prefix: string): string | undefined {
  try {
    return mkdtempSync(prefix);
  } catch {
    return undefined;
  }
}

function typeOf(path: string): number {
  try {
    return statfsSync(path).type;
  } catch {
    return 0;
  }
}

/** Does what ssh will do: a socket under one name, and a second name for it. */
async function takesSockets(directory: string): Promise<boolean> {
  const path = join(directory, 'probe');
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    await link(path, `${path}-2`);
    await rm(`${path}-2`);
    return true;
  } catch {
    return false;
  } finally {
    // The name goes with it.
    await new Promise((resolve) => server.close(resolve));
  }
}
