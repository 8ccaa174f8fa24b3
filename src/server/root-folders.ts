import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { FileError } from '../base/errors.ts';

/** A folder of this machine, whatever path leads to it. */
export interface Folder {
  /** Device and inode. */
  readonly key: string;
  /** Those of the folders that it lies in. */
  readonly above: ReadonlySet<string>;
}

/** What of a root matters here. */
export interface RootLimits {
  readonly name: string;
  readonly mode?: string | undefined;
  readonly quota?: number | undefined;
  readonly maxEntries?: number | undefined;
  /** Only content that was verified gets a name. */
  readonly isChecked?: boolean | undefined;
}

/** Whether what is there has to be counted. */
export function isCounted({ quota, maxEntries }: Pick<RootLimits, 'quota' | 'maxEntries'>): boolean {
  return quota !== undefined || maxEntries !== undefined;
}

/** @throws {FileError} where it is missing, or no folder */
export async function lookUp(path: string): Promise<Folder> {
  try {
    const key = await keyOf(path);
    const above = new Set<string>();
    let at = await realpath(path);
    for (let up = dirname(at); up !== at; up = dirname(at)) {
      at = up;
      above.add(await keyOf(at));
    }
    return { key, above };
  } catch (cause) {
    throw FileError.from(cause, path, 'open');
  }
}

async function keyOf(path: string): Promise<string> {
  const stats = await stat(path, { bigint: true });
  if (!stats.isDirectory()) throw new FileError(path, 'open', 'ENOTDIR');
  return `${stats.dev}:${stats.ino}`;
}

/**
 * Two roots that can be written, one in the other, of which one has a quota: what is written by way of one would not count for the other. The same folder twice is counted right.
 *
 * @returns the first such root, by its place in the list, and why
 */
export function findNested(
  roots: readonly RootLimits[],
  folders: readonly Folder[],
): { readonly index: number; readonly reason: string } | undefined {
  const written = [...roots.entries()].filter(([, { mode }]) => mode !== 'read-only');
  for (const [index, inner] of written) {
    for (const [at, outer] of written) {
      const isWithin = folders[index]?.above.has(folders[at]?.key ?? '') === true;
      if (!isWithin || !(isCounted(inner) || isCounted(outer))) continue;
      const limited = isCounted(inner) ? inner : outer;
      return {
        index,
        reason: `the root ${inner.name} is inside the root ${outer.name}, and the quota of ${limited.name} could not be kept; give neither a quota, or make one read-only`,
      };
    }
  }
  return undefined;
}

/**
 * A root that takes verified content only, on a folder that can be written by way of another root that takes anything: what came there would appear here.
 *
 * @returns as {@link findNested}
 */
export function findWayRound(
  roots: readonly RootLimits[],
  folders: readonly Folder[],
): { readonly index: number; readonly reason: string } | undefined {
  const touches = (one: Folder | undefined, other: Folder | undefined): boolean =>
    one !== undefined &&
    other !== undefined &&
    (one.key === other.key || one.above.has(other.key) || other.above.has(one.key));
  for (const [index, { name, isChecked }] of roots.entries()) {
    if (isChecked !== true) continue;
    const way = roots.findIndex(
      (other, at) =>
        other.isChecked !== true && other.mode !== 'read-only' && touches(folders[index], folders[at]) && at !== index,
    );
    if (way < 0) continue;
    const reason = `the root ${name} takes signed images only, and ${roots[way]?.name} leads to the same files and takes anything; make that one read-only, or let it take signed images only too`;
    return { index, reason };
  }
  return undefined;
}

/** Where a path leads that need not exist yet. */
export async function realPathOf(path: string): Promise<string> {
  return await realpath(path).catch(async () => {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  });
}

/** Whether a path is a folder, or in it. Both without links. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}
