import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, link, lutimes, mkdir, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

/** What a case finds on one side before the copy. Names and contents are text; {@link raw} stands for other bytes. */
export interface Tree {
  readonly [name: string]: Entry;
}

export type Entry =
  | string
  /** `mtime` in seconds; by default an old time of its own. */
  | { readonly file: string; readonly mode?: number; readonly mtime?: number }
  /** A file of this many bytes that are not all alike. */
  | { readonly bytes: number; readonly mode?: number }
  /** A file that is one hole. */
  | { readonly sparse: number }
  | { readonly dir: Tree; readonly mode?: number }
  | { readonly link: string }
  /** Another name of a file that was named before, relative to the side's root. */
  | { readonly hard: string }
  | { readonly special: 'fifo' | 'socket' };

/** Times of what was there before begin here, so that a kept time is told from a new one. */
const OLD_SECONDS = 1_000_000_000;
const ATIME_OFFSET_SECONDS = 500;

/** One byte that need not be UTF-8, for names. */
export function raw(byte: number): string {
  return String.fromCharCode(0xdc00 + byte);
}

/** The bytes of a text in which {@link raw} may occur. */
export function bytesOf(text: string): Buffer {
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character);
  });
  return Buffer.concat(parts);
}

/** Bytes without a short period. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = 1; i < size; i++) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

/** Makes a tree below a directory that is there; its entries get old times, each its own. */
export async function plant(root: string, tree: Tree, fill: (text: string) => string): Promise<void> {
  await new Planting(root, fill).directory(root, tree, 0o755);
}

class Planting {
  readonly #root: string;
  readonly #fill: (text: string) => string;
  #clock = OLD_SECONDS;

  constructor(root: string, fill: (text: string) => string) {
    this.#root = root;
    this.#fill = fill;
  }

  async directory(path: string, tree: Tree, mode: number): Promise<void> {
    for (const [name, entry] of Object.entries(tree)) await this.#entry(`${path}/${name}`, entry);
    await chmod(bytesOf(path), mode);
    await this.#age(bytesOf(path));
  }

  async #entry(path: string, entry: Entry): Promise<void> {
    const at = bytesOf(path);
    if (typeof entry === 'string') await writeFile(at, entry);
    else if ('file' in entry) await writeFile(at, entry.file);
    else if ('bytes' in entry) await writeFile(at, noise(entry.bytes));
    else if ('sparse' in entry) {
      await writeFile(at, '');
      await truncate(at.toString(), entry.sparse);
    } else if ('dir' in entry) {
      await mkdir(at);
      return await this.directory(path, entry.dir, entry.mode ?? 0o755);
    } else if ('link' in entry) {
      await symlink(bytesOf(this.#fill(entry.link)), at);
      return await this.#age(at);
    } else if ('hard' in entry) {
      return await link(`${this.#root}/${entry.hard}`, at);
    } else if (entry.special === 'fifo') await promisify(execFile)('mkfifo', [path]);
    else await makeSocket(path);
    const mode = typeof entry === 'string' || !('mode' in entry) ? 0o644 : entry.mode;
    await chmod(at, mode ?? 0o644);
    await this.#age(at, typeof entry === 'object' && 'mtime' in entry ? entry.mtime : undefined);
  }

  async #age(at: Buffer, mtime?: number): Promise<void> {
    this.#clock += 1_000;
    const seconds = mtime ?? this.#clock;
    await lutimes(at, seconds + ATIME_OFFSET_SECONDS, seconds);
  }
}

/** A socket that nobody listens on: libuv removes what it made under the first name only. */
async function makeSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.tmp`);
  await once(server, 'listening');
  await rename(`${path}.tmp`, path);
  server.close();
  await once(server, 'close');
}
