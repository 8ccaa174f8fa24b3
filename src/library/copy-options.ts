import type { EntryFilter } from '../copy/entry-rules.ts';
import { EntryRules } from '../copy/entry-rules.ts';
import type { FileStatus } from '../files/file-system.ts';
import type { CopyOptions } from './copy-types.ts';

/** More would only wait in queues. */
const MAX_PARALLEL = 1_024;
const MAX_RETRIES = 1_000;

/** @throws {RangeError} for a number that cannot be. */
export function checkCopyOptions({ parallel, retries }: CopyOptions): void {
  if (parallel !== undefined) checkWhole('parallel', parallel, 1, MAX_PARALLEL);
  if (retries !== undefined) checkWhole('retries', retries, 0, MAX_RETRIES);
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name}: must be a whole number from ${least} to ${most}`);
}

/** The options in use that only SFTP can fulfil. */
export function sftpOnly(options: CopyOptions): string[] {
  const used: readonly (readonly [string, boolean])[] = [
    ['resume', options.resume === true],
    ['verify', options.verify === true],
    ['atomic', options.atomic === true],
    ['mkdir', options.mkdir === true],
    ['include', patternsOf(options.include).length > 0],
    ['exclude', patternsOf(options.exclude).length > 0],
    ['filter', options.filter !== undefined],
    ['update', options.update === true],
    ['dryRun', options.dryRun === true],
    ['links: copy', options.links === 'copy'],
  ];
  return used.filter(([, isUsed]) => isUsed).map(([name]) => name);
}

function patternsOf(patterns: string | readonly string[] | undefined): readonly string[] {
  return patterns === undefined ? [] : typeof patterns === 'string' ? [patterns] : patterns;
}

/** What `include`, `exclude` and `filter` say together; undefined where they say nothing. */
export function entryFilterOf(options: CopyOptions): EntryFilter | undefined {
  const { filter } = options;
  const include = patternsOf(options.include).map((pattern) => ({ action: 'include' as const, pattern }));
  const exclude = patternsOf(options.exclude).map((pattern) => ({ action: 'exclude' as const, pattern }));
  const filters: EntryFilter[] = [];
  if (exclude.length > 0) filters.push(new EntryRules(exclude));
  if (include.length > 0) filters.push(new EntryRules(include));
  if (filter !== undefined) filters.push({ wants: (path, _kind, status) => filter(filterEntry(path, status)) });
  if (filters.length === 0) return undefined;
  return { wants: (path, kind, status) => filters.every((each) => each.wants(path, kind, status)) };
}

function filterEntry(path: string, { kind, size, mtimeSeconds }: FileStatus) {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { name, path, kind, size, modified: new Date(mtimeSeconds * 1000) };
}
