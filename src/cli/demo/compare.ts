import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { decodeName, osPath } from '../../base/byte-name.ts';
import { printable } from '../../base/printable.ts';

/** What a comparison of two trees found. */
export interface Comparison {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  /** One line for each difference; empty where the trees are alike. */
  readonly differences: readonly string[];
}

/** Compares two trees: names, kinds, permission bits, modification times (whole seconds) and every byte. */
export async function compareTrees(left: string, right: string): Promise<Comparison> {
  const comparison = new TreeComparison();
  await comparison.compare(left, right, '');
  return comparison;
}

class TreeComparison implements Comparison {
  files = 0;
  folders = 0;
  bytes = 0;
  readonly differences: string[] = [];

  async compare(left: string, right: string, path: string): Promise<void> {
    const a = await statOf(left);
    const b = await statOf(right);
    if (a === undefined || b === undefined) {
      if (a !== b) this.#differ(path, `is only in ${printable(a === undefined ? right : left)}`);
      return;
    }
    if ((a.mode & 0o170000n) !== (b.mode & 0o170000n)) return this.#differ(path, 'is of another kind');
    if (a.mode !== b.mode) this.#differ(path, `mode ${octal(a.mode)} and ${octal(b.mode)}`);
    if (a.mtimeMs / 1000n !== b.mtimeMs / 1000n)
      this.#differ(path, `time ${a.mtimeMs / 1000n} and ${b.mtimeMs / 1000n}`);
    if (a.isDirectory()) await this.#folder(left, right, path);
    else if (a.isFile()) await this.#file(left, right, path, a, b);
  }

  #differ(path: string, what: string): void {
    this.differences.push(`${printable(path) || '.'}: ${what}`);
  }

  async #folder(left: string, right: string, path: string): Promise<void> {
    this.folders++;
    const names = new Set([...(await namesIn(left)), ...(await namesIn(right))]);
    for (const name of [...names].sort())
      await this.compare(`${left}/${name}`, `${right}/${name}`, path === '' ? name : `${path}/${name}`);
  }

  async #file(left: string, right: string, path: string, a: BigIntStats, b: BigIntStats): Promise<void> {
    this.files++;
    this.bytes += Number(a.size);
    if (a.size !== b.size) this.#differ(path, `${a.size} and ${b.size} bytes`);
    else if (!(await sameContent(left, right, Number(a.size)))) this.#differ(path, 'the content differs');
  }
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(osPath(path), { bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(path: string): Promise<string[]> {
  return (await readdir(osPath(path), { encoding: 'buffer' })).map((name) => decodeName(name));
}

function octal(mode: bigint): string {
  return (mode & 0o7777n).toString(8).padStart(4, '0');
}

async function sameContent(left: string, right: string, size: number): Promise<boolean> {
  const a = await open(osPath(left), constants.O_RDONLY);
  const b = await open(osPath(right), constants.O_RDONLY);
  try {
    const bufferA = Buffer.allocUnsafe(Math.min(Math.max(size, 1), 1024 * 1024));
    const bufferB = Buffer.allocUnsafe(bufferA.length);
    for (let at = 0; at < size; ) {
      const [readA, readB] = await Promise.all([
        a.read(bufferA, 0, bufferA.length, at),
        b.read(bufferB, 0, bufferB.length, at),
      ]);
      const count = Math.min(readA.bytesRead, readB.bytesRead);
      if (count === 0 || !bufferA.subarray(0, count).equals(bufferB.subarray(0, count))) return false;
      at += count;
    }
    return true;
  } finally {
    await a.close();
    await b.close();
  }
}
