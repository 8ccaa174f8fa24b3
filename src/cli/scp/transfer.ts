import type { Log } from '../../base/log.ts';
import { EntryRules } from '../../copy/entry-rules.ts';
import type { RemoteLocation } from '../../copy/location.ts';
import type { CopyObserver } from '../../copy/observer.ts';
import type { RateLimit } from '../../copy/rate-limit.ts';
import { localTarget, type RouteOptions } from '../../copy/routes.ts';
import type { ScpDownloadOptions } from '../../copy/scp-download.ts';
import type { SftpCopyOptions } from '../../copy/sftp-copy.ts';
import { shellQuote } from '../../copy/shell-quote.ts';
import type { TargetMemory } from '../../copy/target.ts';
import type { ContentCheck } from '../../files/content-check.ts';
import { localFileSystem } from '../../files/local.ts';
import { sftpOnly } from './beyond.ts';
import { copyLocally } from './local-copy.ts';
import type { ScpOptions } from './options.ts';

/** What all copies of one run share. */
export interface Transfer {
  readonly options: ScpOptions;
  readonly observer: CopyObserver;
  readonly rateLimit: RateLimit | undefined;
  /** Only what this finds good gets a name. */
  readonly content: ContentCheck | undefined;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onStderr: (bytes: Buffer) => Promise<void> | undefined;
  /** What has landed in this run: what is there need not be sent again over a new connection. */
  readonly landed: Set<string>;
  readonly memory: TargetMemory;
  /** There are several sources. */
  readonly targetIsDirectory: boolean;
}

function scpCopyOptions(transfer: Transfer, host: string): ScpDownloadOptions {
  const { options, log } = transfer;
  const { recursive, preserve, preserveSpecial, strictNames, verbosity } = options;
  const trace = (direction: 'send' | 'receive', what: string) =>
    log.debug(3, `scp ${direction === 'send' ? '->' : '<-'} ${what}`);
  return {
    host,
    recursive,
    preserve,
    preserveSpecial,
    strictNames,
    verbose: verbosity > 0,
    targetIsDirectory: transfer.targetIsDirectory,
    observer: transfer.observer,
    rateLimit: transfer.rateLimit,
    content: transfer.content,
    signal: transfer.signal,
    trace: verbosity >= 3 ? trace : undefined,
    onStderr: transfer.onStderr,
    memory: options.beyond.retries > 0 ? transfer.memory : undefined,
  };
}

function sftpCopyOptions(transfer: Transfer): SftpCopyOptions {
  const { recursive, preserve, preserveSpecial, beyond } = transfer.options;
  const { verify, atomic, parallel, mkdir, update, dryRun, links, rules } = beyond;
  return {
    recursive,
    preserve,
    modeMask: preserveSpecial ? 0o7777 : 0o777,
    targetIsDirectory: transfer.targetIsDirectory,
    observer: transfer.observer,
    rateLimit: transfer.rateLimit,
    content: transfer.content,
    signal: transfer.signal,
    verify,
    atomic,
    parallel,
    update,
    dryRun,
    makeParents: mkdir,
    copyLinks: links,
    resume: beyond.resume || beyond.retries > 0,
    rules: rules.length > 0 ? new EntryRules(rules) : undefined,
    landed: beyond.retries > 0 ? transfer.landed : undefined,
    memory: transfer.memory,
  };
}

/**
 * The location as the shell of a host without SFTP must see it: paths of the SFTP mode are names and patterns and no words of a shell. With `-O` they are, as they always were with scp.
 */
function forShell(transfer: Transfer, location: RemoteLocation, role: 'source' | 'target'): RemoteLocation {
  if (pathsAreWords(transfer)) return location;
  return { ...location, path: shellQuote(location.path, { patterns: role === 'source' }) };
}

function pathsAreWords({ options }: Transfer): boolean {
  return options.protocol === 'scp' || options.rawPath;
}

/** What the routes of copy/routes.ts need to know. */
export function routeOptions(transfer: Transfer): RouteOptions {
  return {
    sftp: sftpCopyOptions(transfer),
    scp: ({ host }) => scpCopyOptions(transfer, host),
    word: (location, role) => forShell(transfer, location, role),
    targetIsWord: pathsAreWords(transfer),
    quick: true,
  };
}

/** From here to here: by cp(1), as scp does, unless more is asked for than that can do. */
export async function here(transfer: Transfer, paths: readonly string[], target: string): Promise<number> {
  const { options, signal } = transfer;
  const { recursive, preserve } = options;
  if (sftpOnly(options.beyond).length > 0 || transfer.content !== undefined) {
    const { copyHere } = await import('../../copy/sftp-copy.ts');
    return await copyHere(localFileSystem(), paths, localTarget(recursive), target, sftpCopyOptions(transfer));
  }
  let failures = 0;
  for (const path of paths) {
    if (!(await copyLocally(path, target, { recursive, preserve, signal }))) failures++;
  }
  return failures;
}
