import { nameLength } from '../../base/byte-name.ts';
import { attributesOf } from '../file-status.ts';
import { type NameEntry, namePacket } from '../packets/names.ts';
import { LISTING_BYTES, LISTING_NAMES } from './limits.ts';
import { longName } from './long-name.ts';
import type { Replies } from './replies.ts';
import type { ListedEntry, OwnerNames, ServedFiles, ServedListing } from './served-files.ts';

/** What an entry takes besides its names. */
const ENTRY_BYTES = 64;

/** An open directory. READDIRs are answered one after the other, in the order in which they came. */
export class ListingHandle {
  readonly kind = 'listing';
  readonly listing: ServedListing;
  readonly #files: ServedFiles;
  /** Entries that were read and did not fit into the last answer. */
  #left: ListedEntry[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(listing: ServedListing, files: ServedFiles) {
    this.listing = listing;
    this.#files = files;
  }

  /** Runs `work` when what was asked before is over. */
  inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work, work);
    return this.#last;
  }

  /** Answers READDIR. @throws {FileError} */
  async answer(id: number, replies: Replies, nowSeconds: number): Promise<void> {
    const entries = await this.#take();
    if (entries.length === 0) replies.end(id);
    else replies.packet(id, namePacket, await this.#describe(entries, nowSeconds));
  }

  async #take(): Promise<ListedEntry[]> {
    if (this.#left.length === 0) this.#left = [...(await this.listing.next(LISTING_NAMES))];
    let bytes = 0;
    let count = 0;
    for (const { name } of this.#left) {
      // The name is there twice: by itself, and in the line for people.
      bytes += ENTRY_BYTES + 2 * nameLength(name) + ENTRY_BYTES;
      if (count > 0 && bytes > LISTING_BYTES) break;
      count++;
    }
    return this.#left.splice(0, count);
  }

  async #describe(entries: readonly ListedEntry[], nowSeconds: number): Promise<NameEntry[]> {
    const uids = [...new Set(entries.map(({ status }) => status.uid))];
    const gids = [...new Set(entries.map(({ status }) => status.gid))];
    const names: OwnerNames = await this.#files.owners(uids, gids);
    return entries.map(({ name, status }) => {
      const user = names.userNames[uids.indexOf(status.uid)] || String(status.uid);
      const group = names.groupNames[gids.indexOf(status.gid)] || String(status.gid);
      const longname = longName(name, status, { user, group }, nowSeconds);
      return { filename: name, longname, attributes: attributesOf(status) };
    });
  }
}
