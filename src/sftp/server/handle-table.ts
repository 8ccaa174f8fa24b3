import { FileError } from '../../base/errors.ts';
import { MAX_OPEN_HANDLES } from './limits.ts';

const HANDLE_BYTES = 4;

/** What a handle of the client stands for. */
export class HandleTable<H> {
  readonly #open: Map<number, H> = new Map();
  /** Handles that are promised to an OPEN under way. */
  #reserved = 0;
  /** A number is not used again, so a handle that was closed never stands for something else. */
  #next = 0;

  get size(): number {
    return this.#open.size;
  }

  /** Takes a place before anything is opened. @throws {FileError} EMFILE where all are taken */
  reserve(path: string): void {
    if (this.#open.size + this.#reserved >= MAX_OPEN_HANDLES) throw new FileError(path, 'open', 'EMFILE');
    this.#reserved++;
  }

  /** Gives the place back. */
  release(): void {
    this.#reserved--;
  }

  /** Gives the handle for what has been opened in a reserved place. */
  add(what: H): Buffer {
    this.#reserved--;
    const number = this.#next;
    this.#next = (number + 1) >>> 0;
    this.#open.set(number, what);
    const handle = Buffer.alloc(HANDLE_BYTES);
    handle.writeUInt32BE(number);
    return handle;
  }

  find(handle: Uint8Array): H | undefined {
    const number = numberOf(handle);
    return number === undefined ? undefined : this.#open.get(number);
  }

  remove(handle: Uint8Array): void {
    const number = numberOf(handle);
    if (number !== undefined) this.#open.delete(number);
  }

  takeAll(): H[] {
    const all = [...this.#open.values()];
    this.#open.clear();
    return all;
  }
}

function numberOf(handle: Uint8Array): number | undefined {
  if (handle.length !== HANDLE_BYTES) return undefined;
  return Buffer.from(handle.buffer, handle.byteOffset, HANDLE_BYTES).readUInt32BE(0);
}
