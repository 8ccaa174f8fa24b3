import { ConnectionError, FileError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { EntryRules } from '../../copy/entry-rules.ts';
import type { RemoteLocation } from '../../copy/location.ts';
import type { CopyObserver } from '../../copy/observer.ts';
import type { RateLimit } from '../../copy/rate-limit.ts';
import type { ScpDownloadOptions } from '../../copy/scp-download.ts';
import type { SftpCopyOptions } from '../../copy/sftp-copy.ts';
import { shellQuote } from '../../copy/shell-quote.ts';
import type { TargetMemory } from '../../copy/target.ts';
import { localFileSystem } from '../../files/local.ts';
import type { SftpFileSystem } from '../../sftp/file-system.ts';
import { sftpOnly } from './beyond.ts';
import { copyLocally } from './local-copy.ts';
import type { ScpOptions } from './options.ts';
import type { Remote } from './remotes.ts';

/** What all copies of one run share. */
export interface Transfer {
  readonly options: ScpOptions;
  readonly observer: CopyObserver;
  readonly rateLimit: RateLimit | undefined;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onStderr: (bytes: Buffer) => Promise<void> | undefined;
  /** What has landed in this run: what is there need not be sent again over a new connection. */
  readonly landed: Set<string>;
  readonly memory: TargetMemory;
  /** There are several sources. */
  readonly targetIsDirectory: boolean;
}

export function scpCopyOptions(transfer: Transfer, host: string): ScpDownloadOptions {
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
    signal: transfer.signal,
    trace: verbosity >= 3 ? trace : undefined,
    onStderr: transfer.onStderr,
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

/** What was asked for and the SCP protocol cannot do must not be left out in silence. */
function requireNothingBeyond(transfer: Transfer, host: string): void {
  const [first] = sftpOnly(transfer.options.beyond);
  if (first === undefined) return;
  throw new ConnectionError(host, 'open', `${first} needs SFTP, which the server does not have`, {
    code: 'ERR_NOT_OFFERED',
    cure: `leave ${first} out`,
  });
}

/**
 * The location as the shell of a host without SFTP must see it: paths of the SFTP mode are names and patterns and no words of a shell. With `-O` they are, as they always were with scp.
 */
function forShell(transfer: Transfer, location: RemoteLocation, role: 'source' | 'target'): RemoteLocation {
  if (transfer.options.protocol === 'scp' || transfer.options.rawPath) return location;
  return { ...location, path: shellQuote(location.path, { patterns: role === 'source' }) };
}

/** What a peer sends into a tree is written below open directories, so that links in it cannot lead elsewhere. */
function localTarget(transfer: Transfer) {
  return localFileSystem({ pin: transfer.options.recursive });
}

/** From here to here: by cp(1), as scp does, unless more is asked for than that can do. */
export async function here(transfer: Transfer, paths: readonly string[], target: string): Promise<number> {
  const { options, signal } = transfer;
  if (sftpOnly(options.beyond).length > 0) {
    const { copyHere } = await import('../../copy/sftp-copy.ts');
    return await copyHere(localFileSystem(), paths, localTarget(transfer), target, sftpCopyOptions(transfer));
  }
  let failures = 0;
  for (const path of paths) {
    const { recursive, preserve } = options;
    if (!(await copyLocally(path, target, { recursive, preserve, signal }))) failures++;
  }
  return failures;
}

/** From here to a host. @returns how many entries failed; each has been reported. */
export async function upload(
  transfer: Transfer,
  remote: Remote,
  paths: readonly string[],
  target: RemoteLocation,
): Promise<number> {
  if (remote.protocol === 'sftp') {
    const { uploadBySftp } = await import('../../copy/sftp-copy.ts');
    return await uploadBySftp(localFileSystem(), paths, remote.link.files, target.path, sftpCopyOptions(transfer));
  }
  requireNothingBeyond(transfer, remote.host);
  const { uploadByScp } = await import('../../copy/scp-upload.ts');
  return await uploadByScp(
    remote.connection,
    localFileSystem(),
    paths,
    forShell(transfer, target, 'target'),
    scpCopyOptions(transfer, remote.host),
  );
}

/** From a host to here. */
export async function download(
  transfer: Transfer,
  remote: Remote,
  sources: readonly RemoteLocation[],
  target: string,
): Promise<number> {
  const files = localTarget(transfer);
  if (remote.protocol === 'sftp') {
    const { downloadBySftp } = await import('../../copy/sftp-copy.ts');
    const paths = sources.map((source) => source.path);
    return await downloadBySftp(remote.link.files, paths, files, target, sftpCopyOptions(transfer));
  }
  requireNothingBeyond(transfer, remote.host);
  const { downloadByScp } = await import('../../copy/scp-download.ts');
  return await eachSource(transfer, sources, (source) =>
    downloadByScp(
      remote.connection,
      files,
      forShell(transfer, source, 'source'),
      target,
      scpCopyOptions(transfer, remote.host),
    ),
  );
}

/** One copy for each source: the failure of one does not end the others, the loss of the connection does. */
async function eachSource(
  transfer: Transfer,
  sources: readonly RemoteLocation[],
  copy: (source: RemoteLocation) => Promise<number>,
): Promise<number> {
  let failures = 0;
  for (const source of sources) {
    try {
      failures += await copy(source);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failures++;
      transfer.observer.failed(error);
    }
  }
  return failures;
}

/** From one host to another, through this machine. */
export async function between(
  transfer: Transfer,
  origin: Remote,
  sources: readonly RemoteLocation[],
  remote: Remote,
  target: RemoteLocation,
): Promise<number> {
  const paths = sources.map((source) => source.path);
  if (origin.protocol === 'sftp' && remote.protocol === 'sftp') {
    const { copyBetween } = await import('../../copy/sftp-copy.ts');
    const [from, to] = [origin, remote].map(({ link }) =>
      origin === remote ? link.filesOfOneSession : link.files,
    ) as [SftpFileSystem, SftpFileSystem];
    return await copyBetween(from, paths, to, target.path, sftpCopyOptions(transfer));
  }
  requireNothingBeyond(transfer, origin.protocol === 'scp' ? origin.host : remote.host);
  const { fromSftpToScp, fromScpToSftp, fromScpToScp } = await import('../../copy/scp-between.ts');
  const options = scpCopyOptions(transfer, origin.host);
  if (origin.protocol === 'sftp') {
    const there = scpCopyOptions(transfer, remote.host);
    return await fromSftpToScp(
      origin.link.files,
      paths,
      remote.connection,
      forShell(transfer, target, 'target'),
      there,
    );
  }
  return await eachSource(transfer, sources, (source) =>
    remote.protocol === 'sftp'
      ? fromScpToSftp(origin.connection, forShell(transfer, source, 'source'), remote.link.files, target.path, options)
      : fromScpToScp(
          origin.connection,
          forShell(transfer, source, 'source'),
          remote.connection,
          forShell(transfer, target, 'target'),
          {
            ...options,
            targetHost: remote.host,
          },
        ),
  );
}
