import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lstat, readdir, readFile, readlink } from 'node:fs/promises';

/** What one entry of a file system is, as far as a copy can change it. */
export interface Seen {
  readonly kind: string;
  readonly mode: string;
  /** Seconds, or `now` for what this run made or changed. */
  readonly mtime: string;
  /** The same for the last access; absent where reading changes it. */
  readonly atime?: string;
  /** Content of a file, target of a link. */
  readonly content: string;
}

/** Entries by printable path; a directory's path ends in a slash. */
export type Snapshot = ReadonlyMap<string, Seen>;

/** Times this near to now were made by the run. */
const NEW_WITHIN_SECONDS = 3_600;
/** Contents up to this size are shown in messages, larger ones by their digest. */
const SHOWN_BYTES = 60;

export interface SnapshotOptions {
  /** Whether the last access is looked at too. */
  readonly withAtime: boolean;
}

/** Looks at everything below a directory. Opens what is closed, so it is the last one to see the modes. */
export async function snapshot(root: string, label: string, options: SnapshotOptions): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  await look(Buffer.from(root), label, seen, options);
  return seen;
}

async function look(path: Buffer, label: string, seen: Map<string, Seen>, options: SnapshotOptions): Promise<void> {
  const stats = await lstat(path);
  const kind = kindOf(stats);
  const isDirectory = kind === 'directory';
  const atime = options.withAtime && kind === 'file' ? { atime: age(stats.atimeMs) } : {};
  const content = await contentOf(path, kind, stats);
  seen.set(isDirectory ? `${label}/` : label, {
    kind,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    mtime: age(stats.mtimeMs),
    ...atime,
    content,
  });
  if (!isDirectory) return;
  if ((stats.mode & 0o700) !== 0o700) await chmod(path, 0o700);
  const names = await readdir(path, { encoding: 'buffer' });
  for (const name of names.sort(Buffer.compare)) {
    await look(Buffer.concat([path, Buffer.from('/'), name]), `${label}/${show(name)}`, seen, options);
  }
}

function kindOf(stats: Stats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

function age(ms: number): string {
  const seconds = ms / 1_000;
  return Math.abs(Date.now() / 1_000 - seconds) < NEW_WITHIN_SECONDS ? 'now' : String(seconds);
}

async function contentOf(path: Buffer, kind: string, stats: Stats): Promise<string> {
  if (kind === 'link') return show(await readlink(path, { encoding: 'buffer' }));
  if (kind !== 'file') return '';
  if ((stats.mode & 0o400) === 0) await chmod(path, 0o600);
  const bytes = await readFile(path);
  if (bytes.length <= SHOWN_BYTES) return JSON.stringify(show(bytes));
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`;
}

/** A name as text: bytes that are not UTF-8, and control characters, as `\xNN`. */
function show(bytes: Buffer): string {
  const text = bytes.toString();
  const exact = Buffer.from(text).equals(bytes) ? text : bytes.toString('latin1');
  const escape = exact === text ? /\p{Cc}/gu : /[^\x20-\x7e]/g;
  return exact.replace(escape, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/**
 * How a second tree differs from a first, one line for each field: `lacks target/f`, `adds target/d/`,
 * `mode target/f: 0644 -> 0600`, likewise `kind`, `mtime`, `atime`, `content`.
 */
export function compareSnapshots(before: Snapshot, after: Snapshot): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const one = before.get(path);
    const two = after.get(path);
    if (two === undefined) lines.push(`lacks ${path}`);
    else if (one === undefined) lines.push(`adds ${path}`);
    else {
      for (const field of ['kind', 'mode', 'mtime', 'atime', 'content'] as const) {
        if (one[field] !== two[field]) lines.push(`${field} ${path}: ${one[field]} -> ${two[field]}`);
      }
    }
  }
  return lines;
}
