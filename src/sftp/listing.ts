import { nameLength } from '../base/byte-name.ts';
import { FileError, ProtocolError } from '../base/errors.ts';
import { checkPeerName } from '../base/peer-name.ts';
import { printable } from '../base/printable.ts';
import type { DirectoryEntry, FileStatus } from '../files/file-system.ts';
import type { Attributes } from './attributes.ts';
import { statusOf } from './file-status.ts';
import type { SftpHandle } from './handle.ts';
import {
  MAX_DIRECTORY_BYTES,
  MAX_DIRECTORY_ENTRIES,
  MAX_EMPTY_LISTINGS,
  MAX_ENTRY_NAME_BYTES,
  MAX_READDIR_IN_FLIGHT,
} from './limits.ts';
import { named, renamed } from './named.ts';
import type { NameEntry } from './packets/names.ts';
import type { SftpSession } from './session.ts';

/**
 * The entries of a directory, as they come: the next answers are asked for while the caller looks at the last ones, more of them the longer the directory turns out to be. `.` and `..` are left out.
 * The directory is closed on the server at the end, however that comes; the answer to that is not waited for.
 *
 * @param shown how errors name the directory
 * @throws {FileError} where the server reports one, and `ERR_LIMIT` where the directory has too many names
 * @throws {ProtocolError} `ERR_UNSAFE_NAME` for a name that could lead elsewhere; the session goes on
 */
export function listEntries(
  session: SftpSession,
  path: string,
  shown: string,
): AsyncGenerator<DirectoryEntry, void, void> {
  return list(session, path, shown, ({ filename, attributes }, listing) => {
    return { name: listing.checked(filename), status: listedStatus(attributes) };
  });
}

/** What a listing tells about an entry; undefined where it tells too little to copy it by. */
function listedStatus(attributes: Attributes): FileStatus | undefined {
  if (attributes.permissions === undefined) return undefined;
  const status = statusOf(attributes);
  return status.kind === 'file' && attributes.size === undefined ? undefined : status;
}

/** As {@link listEntries}, for a caller that wants nothing but names. */
export function listNames(session: SftpSession, path: string, shown: string): AsyncGenerator<string, void, void> {
  return list(session, path, shown, ({ filename }, listing) => listing.checked(filename));
}

async function* list<T>(
  session: SftpSession,
  path: string,
  shown: string,
  of: (entry: NameEntry, listing: Listing) => T,
): AsyncGenerator<T, void, void> {
  const handle = await named(shown, 'list', session.opendir(path));
  const listing = new Listing(session, handle, shown);
  try {
    for (let batch = await listing.next(); batch !== undefined; batch = await listing.next()) {
      for (const entry of batch) {
        if (entry.filename === '.' || entry.filename === '..') listing.count(entry.filename);
        else yield of(entry, listing);
      }
    }
  } finally {
    listing.close();
  }
}

class Listing {
  readonly #session: SftpSession;
  readonly #handle: SftpHandle;
  readonly #shown: string;
  /** Answers that were asked for, in order. */
  readonly #asked: Promise<readonly NameEntry[] | undefined>[] = [];
  #window = 2;
  #entries = 0;
  #bytes = 0;
  #empty = 0;

  constructor(session: SftpSession, handle: SftpHandle, shown: string) {
    this.#session = session;
    this.#handle = handle;
    this.#shown = shown;
  }

  /** The next names; undefined at the end. */
  async next(): Promise<readonly NameEntry[] | undefined> {
    this.#ask();
    const batch = await (this.#asked.shift() as Promise<readonly NameEntry[] | undefined>).catch((error: unknown) => {
      throw renamed(error, this.#shown, 'list');
    });
    if (batch === undefined) return undefined;
    this.#empty = batch.length === 0 ? this.#empty + 1 : 0;
    if (this.#empty > MAX_EMPTY_LISTINGS) {
      const error = new ProtocolError('protocol error: the server answers READDIR with no names');
      this.#session.fail(error);
      throw error;
    }
    this.#window = Math.min(this.#window + 1, MAX_READDIR_IN_FLIGHT);
    this.#ask();
    return batch;
  }

  #ask(): void {
    while (this.#asked.length < this.#window) {
      const answer = this.#session.readdir(this.#handle);
      // An error is thrown when its turn comes; until then nobody listens.
      answer.catch(() => {});
      this.#asked.push(answer);
    }
  }

  /** Counts a name, whatever it is: what is left out could be sent for ever too. @returns its length in bytes */
  count(name: string): number {
    const bytes = nameLength(name);
    this.#entries++;
    this.#bytes += bytes;
    if (this.#entries > MAX_DIRECTORY_ENTRIES || this.#bytes > MAX_DIRECTORY_BYTES)
      throw new FileError(this.#shown, 'list', 'ERR_LIMIT', { reason: 'too many names in one directory' });
    return bytes;
  }

  /** A name that may be used here, and counted. */
  checked(name: string): string {
    const bytes = this.count(name);
    if (bytes > MAX_ENTRY_NAME_BYTES) {
      const what = `error: unexpected filename: ${printable(name.slice(0, 64))}…`;
      throw new ProtocolError(what, { code: 'ERR_UNSAFE_NAME' });
    }
    return checkPeerName(name);
  }

  close(): void {
    this.#session.closeHandle(this.#handle).catch(() => {});
  }
}
