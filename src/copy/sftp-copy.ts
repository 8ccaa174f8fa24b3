import { checkPeerName } from '../base/peer-name.ts';
import type { FileStatus, FileSystem } from '../files/file-system.ts';
import { land, landByRename, landInPlace } from '../files/landing.ts';
import { locate, stripTrailingSlashes } from '../files/path.ts';
import { Turns } from '../files/turns.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import { expandAll } from './sftp-expand.ts';
import { Survey } from './survey.ts';
import { Target, type TargetMemory } from './target.ts';
import { TreeCopy, type TreeCopyOptions } from './tree-copy.ts';

/** How many files move at the same time unless told otherwise; more where the server is far away. */
export const DEFAULT_PARALLEL = 64;

/** The same with a rate limit: what waits for its turn needs no company. */
const LIMITED_PARALLEL = 16;

/** The mode of a directory that is made for several sources, lessened by the umask. */
const NEW_TARGET_MODE = 0o777;

export interface SftpCopyOptions extends Omit<TreeCopyOptions, 'land' | 'followLinks' | 'parallel'> {
  /** The target must be a directory: there are several sources. */
  readonly targetIsDirectory: boolean;
  /** Default {@link DEFAULT_PARALLEL}. */
  readonly parallel?: number | undefined;
  /** Remote files are written beside their names, made durable and renamed over what is there. Local ones always are. */
  readonly atomic?: boolean | undefined;
  /** The same for all attempts of one copy. */
  readonly memory?: TargetMemory | undefined;
  /** Make the directories that are missing on the way to the target. */
  readonly makeParents?: boolean | undefined;
  /** Remote sources are names and no patterns. Default false. */
  readonly literal?: boolean | undefined;
}

/**
 * Copies local files and trees to one remote target.
 *
 * @returns how many entries failed; each has been reported to the observer.
 * @throws {SealiftError} where the copy as a whole could not be done.
 */
export async function uploadBySftp(
  local: FileSystem,
  sources: readonly string[],
  remote: SftpFileSystem,
  target: string,
  options: SftpCopyOptions,
): Promise<number> {
  const first = await firstStatus(local, sources);
  const makeMode = options.targetIsDirectory ? modeForTarget(first) : undefined;
  // What takes round trips can begin before the target has been looked at.
  if (options.rateLimit === undefined && first?.kind === 'file') remote.expect(first.size);
  return await copyAll(local, sources, remote, await remote.expand(target), {
    ...options,
    makeMode,
    // A link that this copy makes must not lead what comes after it elsewhere.
    tree: { land: remoteLanding(options), followLinks: options.copyLinks === true ? 'never' : 'always' },
  });
}

/**
 * Copies what remote paths and patterns name to one local target. Names here come from the request and, below it, from the listings of the server after they passed the gate.
 *
 * @returns how many entries failed; each has been reported to the observer.
 * @throws {SealiftError} where the copy as a whole could not be done.
 */
export async function downloadBySftp(
  remote: SftpFileSystem,
  paths: readonly string[],
  local: FileSystem,
  target: string,
  options: SftpCopyOptions,
): Promise<number> {
  const sources = await sourcesOf(remote, paths, options);
  return await copyAll(remote, sources.paths, local, target, {
    ...options,
    targetIsDirectory: options.targetIsDirectory || sources.paths.length > paths.length,
    makeMode: options.targetIsDirectory ? undefined : NEW_TARGET_MODE,
    tree: { land, followLinks: linksOfOthers(options) },
    failures: sources.failures,
  });
}

/** Copies what paths and patterns of one host name to a target on another; what moves goes through this process. */
export async function copyBetween(
  origin: SftpFileSystem,
  paths: readonly string[],
  remote: SftpFileSystem,
  target: string,
  options: SftpCopyOptions,
): Promise<number> {
  const sources = await sourcesOf(origin, paths, options);
  return await copyAll(origin, sources.paths, remote, await remote.expand(target), {
    ...options,
    targetIsDirectory: options.targetIsDirectory || sources.paths.length > paths.length,
    makeMode: undefined,
    // As for a download: who lists the names is not who owns the target.
    tree: { land: remoteLanding(options), followLinks: linksOfOthers(options) },
    failures: sources.failures,
  });
}

/** What is to be copied, and how much of that was not found. */
async function sourcesOf(
  remote: SftpFileSystem,
  paths: readonly string[],
  { literal, observer }: SftpCopyOptions,
): Promise<{ readonly paths: readonly string[]; readonly failures: number }> {
  return literal === true ? { paths, failures: 0 } : await expandAll(remote, paths, observer);
}

/** Which links of a target are followed where the names come from a host: those that the user sees, and none where the copy goes into directories or makes links. */
function linksOfOthers({ recursive, copyLinks }: SftpCopyOptions): TreeCopyOptions['followLinks'] {
  return recursive || copyLinks === true ? 'never' : 'top';
}

/** How files come to their names on a host. */
function remoteLanding({ atomic, resume, update, content }: SftpCopyOptions): TreeCopyOptions['land'] {
  if (atomic === true) return (directory, name, how) => landByRename(directory, name, { ...how, durable: true });
  // With --update a file that broke off where it stands, of the old length and newer than its source, would pass for a copy from then on.
  if (resume === true || update === true) return landByRename;
  // Content that is looked at on its way must have no name until that is over.
  return content === undefined ? landInPlace : landByRename;
}

/** Copies between two places of this machine, for what cp(1) cannot do. */
export async function copyHere(
  from: FileSystem,
  sources: readonly string[],
  to: FileSystem,
  target: string,
  options: SftpCopyOptions,
): Promise<number> {
  return await copyAll(from, sources, to, target, {
    ...options,
    makeMode: undefined,
    tree: { land, followLinks: linksOfOthers(options) },
  });
}

interface AllOptions extends SftpCopyOptions {
  readonly makeMode: number | undefined;
  readonly tree: Pick<TreeCopyOptions, 'land' | 'followLinks'>;
  /** Sources that failed before the copy began. */
  readonly failures?: number;
}

async function copyAll(
  from: FileSystem,
  sources: readonly string[],
  to: FileSystem,
  path: string,
  options: AllOptions,
): Promise<number> {
  const failures = options.failures ?? 0;
  if (sources.length === 0) return failures;
  const { targetIsDirectory, makeMode, makeParents, dryRun, memory } = options;
  const target = await Target.open(to, path, {
    mustBeDirectory: targetIsDirectory,
    makeMode,
    makeParents,
    dryRun,
    memory,
  });
  const survey = surveyFor(options, sources.length > 1);
  try {
    void survey?.run(from, sources).then((all) => all && options.observer.counted?.(all.files, all.bytes));
    const parallel = options.parallel ?? (options.rateLimit === undefined ? DEFAULT_PARALLEL : LIMITED_PARALLEL);
    const adapts = options.parallel === undefined && options.rateLimit === undefined;
    const copy = new TreeCopy(target, { ...options, ...options.tree, parallel, adapts, turns: new Turns() });
    for (const source of sources) await copySource(copy, from, source);
    await copy.finish();
    return failures + copy.failures;
  } finally {
    survey?.stop();
    await target.close();
  }
}

/** A copy of several files that somebody watches is counted ahead, unless a part of it has landed in an earlier attempt: then it was counted then. */
function surveyFor(options: AllOptions, hasSeveral: boolean): Survey | undefined {
  const isWatched = options.observer.counted !== undefined && (options.recursive || hasSeveral);
  return isWatched && !options.landed?.size ? new Survey(options) : undefined;
}

/** The home of a user is called by the user's name here: what the server says of it is no name for anything. */
async function copySource(copy: TreeCopy, from: FileSystem, path: string): Promise<void> {
  const user = 'expand' in from ? /^~([^/]+)\/*$/.exec(path)?.[1] : undefined;
  if (user === undefined) await copy.copy(from, path);
  else await copy.copy(from, `${stripTrailingSlashes(path)}/.`, checkPeerName(user));
}

/** What the first source is; undefined where that cannot be told, or where it is named by its contents. */
async function firstStatus(local: FileSystem, sources: readonly string[]): Promise<FileStatus | undefined> {
  const located = await locate(local, sources[0] ?? '.').catch(() => undefined);
  try {
    return located?.name ? await located.directory.status(located.name, { follow: true }) : undefined;
  } catch {
    return undefined;
  } finally {
    await located?.directory.close();
  }
}

/** The mode for a target directory that is made for several sources: that of the first one, and usable by its owner. */
function modeForTarget(first: FileStatus | undefined): number {
  return first === undefined ? NEW_TARGET_MODE : (first.mode & 0o777) | 0o700;
}
