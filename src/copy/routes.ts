import { FileError } from '../base/errors.ts';
import { localFileSystem } from '../files/local.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import type { SshConnection } from '../ssh/connection.ts';
import type { RemoteLocation } from './location.ts';
import type { ScpDownloadOptions } from './scp-download.ts';
import { parentOf, type ScpTargetOptions } from './scp-target.ts';
import type { SftpCopyOptions } from './sftp-copy.ts';
import type { SftpLink } from './sftp-open.ts';
import { shellQuote } from './shell-quote.ts';

/** A host, and what is spoken with it. */
export interface CopyHost {
  readonly host: string;
  readonly connection: SshConnection;
  /** Absent where the SCP protocol is spoken. */
  readonly link?: SftpLink | undefined;
}

/** How a copy is done, whichever protocol it turns out to be. */
export interface RouteOptions {
  readonly sftp: SftpCopyOptions;
  /** The options for the SCP protocol with one of the hosts. */
  readonly scp: (host: CopyHost) => ScpDownloadOptions;
  /** A path as the shell of a host without SFTP must see it: sources may be patterns. */
  readonly word: (location: RemoteLocation, role: 'source' | 'target') => RemoteLocation;
  /** Paths of targets are words of a shell as they stand: only those that mean nothing else to it can be taken apart here. */
  readonly targetIsWord?: boolean | undefined;
  /** Files of this machine are looked at and opened on the spot: this process has nothing else to do (see QuickCalls). */
  readonly quick?: boolean | undefined;
}

/** What a peer sends into a tree is written below open directories, so that links in it cannot lead elsewhere. */
export function localTarget(recursive: boolean, quick = false): ReturnType<typeof localFileSystem> {
  return localFileSystem({ pin: recursive, quick });
}

/** From this machine to a host. All of these return how many entries failed; each has been reported to the observer. */
export async function copyToHost(
  paths: readonly string[],
  remote: CopyHost,
  target: RemoteLocation,
  options: RouteOptions,
): Promise<number> {
  const { sftp, scp, word } = options;
  const near = localFileSystem({ quick: options.quick === true });
  if (remote.link !== undefined) {
    const { uploadBySftp } = await import('./sftp-copy.ts');
    return await uploadBySftp(near, paths, remote.link.files, target.path, sftp);
  }
  const { uploadByScp } = await import('./scp-upload.ts');
  return await uploadByScp(remote.connection, near, paths, word(target, 'target'), {
    ...scp(remote),
    parent: parentAbove(target, options),
  });
}

/** From a host to this machine. */
export async function copyFromHost(
  origin: CopyHost,
  sources: readonly RemoteLocation[],
  target: string,
  { sftp, scp, word, quick }: RouteOptions,
): Promise<number> {
  const files = localTarget(sftp.recursive, quick);
  if (origin.link !== undefined) {
    const { downloadBySftp } = await import('./sftp-copy.ts');
    return await downloadBySftp(origin.link.files, pathsOf(sources), files, target, sftp);
  }
  const { downloadByScp } = await import('./scp-download.ts');
  return await eachSource(sources, sftp, (source) =>
    downloadByScp(origin.connection, files, word(source, 'source'), target, scp(origin)),
  );
}

/** From one host to another, or to another place of the same, through this machine. */
export async function copyBetweenHosts(
  origin: CopyHost,
  sources: readonly RemoteLocation[],
  remote: CopyHost,
  target: RemoteLocation,
  options: RouteOptions,
): Promise<number> {
  const { sftp, scp, word } = options;
  if (origin.link !== undefined && remote.link !== undefined) {
    const { copyBetween } = await import('./sftp-copy.ts');
    // One session copies from one file to another without bringing the content here.
    const filesOf = (link: SftpLink): SftpFileSystem => (origin === remote ? link.filesOfOneSession : link.files);
    return await copyBetween(filesOf(origin.link), pathsOf(sources), filesOf(remote.link), target.path, sftp);
  }
  const { fromSftpToScp, fromScpToSftp, fromScpToScp } = await import('./scp-between.ts');
  const parent = parentAbove(target, options);
  if (origin.link !== undefined) {
    const there = { ...scp(remote), literal: sftp.literal, parent };
    return await fromSftpToScp(origin.link.files, pathsOf(sources), remote.connection, word(target, 'target'), there);
  }
  const { link } = remote;
  return await eachSource(sources, sftp, (source) => {
    const from = word(source, 'source');
    return link !== undefined
      ? fromScpToSftp(origin.connection, from, link.files, target.path, scp(origin))
      : fromScpToScp(origin.connection, from, remote.connection, word(target, 'target'), {
          ...scp(origin),
          parent,
          targetHost: remote.host,
        });
  });
}

function parentAbove(target: RemoteLocation, { word, targetIsWord }: RouteOptions): ScpTargetOptions['parent'] {
  if (targetIsWord === true && shellQuote(target.path, { patterns: false }) !== target.path) return undefined;
  const above = parentOf(target);
  return above && { ...above, location: word(above.location, 'target') };
}

function pathsOf(locations: readonly RemoteLocation[]): string[] {
  return locations.map(({ path }) => path);
}

/** One copy for each source: the failure of one does not end the others, the loss of the connection does. */
async function eachSource(
  sources: readonly RemoteLocation[],
  { observer, signal }: SftpCopyOptions,
  copy: (source: RemoteLocation) => Promise<number>,
): Promise<number> {
  let failures = 0;
  for (const source of sources) {
    try {
      failures += await copy(source);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failures++;
      observer.failed(error);
    }
    signal?.throwIfAborted();
  }
  return failures;
}
