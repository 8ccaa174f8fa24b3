import { FileError } from '../base/errors.ts';
import type { RemoteLocation } from '../copy/location.ts';
import { fromScpToScp, fromScpToSftp, fromSftpToScp } from '../copy/scp-between.ts';
import { downloadByScp, type ScpDownloadOptions } from '../copy/scp-download.ts';
import { uploadByScp } from '../copy/scp-upload.ts';
import { copyBetween, downloadBySftp, type SftpCopyOptions, uploadBySftp } from '../copy/sftp-copy.ts';
import { localFileSystem } from '../files/local.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import { entryFilterOf, sftpOnly } from './copy-options.ts';
import type { CopyRun } from './copy-run.ts';
import { needsSftp } from './errors.ts';
import { scpPath } from './paths.ts';
import type { Remote } from './remote.ts';

/** What is to be copied where. */
export interface Task {
  readonly sources: readonly string[];
  readonly target: string;
  /** The sources were given as a list: they go into the target. */
  readonly isList: boolean;
}

function sftpOptions(run: CopyRun, { isList }: Task): SftpCopyOptions {
  const { options, rateLimit, signal, landed } = run;
  const retries = options.retries ?? 0;
  return {
    recursive: options.recursive === true,
    preserve: options.preserve === true,
    modeMask: options.preserveSpecial === true ? 0o7777 : 0o777,
    targetIsDirectory: isList,
    observer: run,
    rateLimit,
    signal,
    verify: options.verify,
    atomic: options.atomic,
    parallel: options.parallel,
    update: options.update,
    dryRun: options.dryRun,
    makeParents: options.mkdir,
    copyLinks: options.links === 'copy',
    resume: options.resume === true || retries > 0,
    rules: entryFilterOf(options),
    landed: retries > 0 ? landed : undefined,
    memory: run.memory,
    literal: options.glob !== true,
  };
}

function scpOptions(run: CopyRun, { host, stderr }: Remote, { isList }: Task): ScpDownloadOptions {
  const { options, rateLimit, signal } = run;
  return {
    host,
    recursive: options.recursive === true,
    preserve: options.preserve === true,
    preserveSpecial: options.preserveSpecial,
    strictNames: true,
    verbose: false,
    targetIsDirectory: isList,
    observer: run,
    rateLimit,
    signal,
    onStderr: stderr.push,
  };
}

/** What was asked for and the SCP protocol cannot do must not be left out in silence. */
function requireNothingBeyond(run: CopyRun, remote: Remote): void {
  const [first] = sftpOnly(run.options);
  if (first !== undefined) throw needsSftp(remote.host, first);
}

function location({ host }: Remote, path: string, patterns: boolean): RemoteLocation {
  return { kind: 'remote', host, path: scpPath(path, { patterns }) };
}

/** From this machine to a host. */
export async function upload(run: CopyRun, remote: Remote, task: Task): Promise<void> {
  const { sources, target } = task;
  const { link, connection } = remote;
  if (link !== undefined) {
    await uploadBySftp(localFileSystem(), sources, link.files, target, sftpOptions(run, task));
    return;
  }
  requireNothingBeyond(run, remote);
  const options = scpOptions(run, remote, task);
  await uploadByScp(connection, localFileSystem(), sources, location(remote, target, false), options);
}

/** From a host to this machine. */
export async function download(run: CopyRun, remote: Remote, task: Task): Promise<void> {
  const { sources, target } = task;
  const { link, connection } = remote;
  // What a peer sends into a tree is written below open directories, so that links in it cannot lead elsewhere.
  const local = localFileSystem({ pin: run.options.recursive === true });
  if (link !== undefined) {
    await downloadBySftp(link.files, sources, local, target, sftpOptions(run, task));
    return;
  }
  requireNothingBeyond(run, remote);
  await eachSource(run, remote, sources, (source) =>
    downloadByScp(connection, local, source, target, scpOptions(run, remote, task)),
  );
}

/** One copy for each source: the failure of one does not end the others, the loss of the connection does. */
async function eachSource(
  run: CopyRun,
  remote: Remote,
  sources: readonly string[],
  copy: (source: RemoteLocation) => Promise<number>,
): Promise<void> {
  for (const source of sources) {
    try {
      await copy(location(remote, source, run.options.glob === true));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      run.failed(error);
    }
    run.signal.throwIfAborted();
  }
}

/** From one host to another, through this machine. */
export async function between(run: CopyRun, origin: Remote, remote: Remote, task: Task): Promise<void> {
  const { sources, target } = task;
  if (origin.link !== undefined && remote.link !== undefined) {
    // One session copies from one file to another without bringing the content here.
    const [from, to] = [origin.link, remote.link].map((link) =>
      origin === remote ? link.filesOfOneSession : link.files,
    ) as [SftpFileSystem, SftpFileSystem];
    await copyBetween(from, sources, to, target, sftpOptions(run, task));
    return;
  }
  requireNothingBeyond(run, origin.link === undefined ? origin : remote);
  const to = location(remote, target, false);
  if (origin.link !== undefined) {
    const options = scpOptions(run, remote, task);
    const { files } = origin.link;
    if (run.options.glob === true) await fromSftpToScp(files, sources, remote.connection, to, options);
    else await uploadByScp(remote.connection, files, sources, to, options);
    return;
  }
  const options = scpOptions(run, origin, task);
  const { link } = remote;
  await eachSource(run, origin, sources, (source) =>
    link !== undefined
      ? fromScpToSftp(origin.connection, source, link.files, target, options)
      : fromScpToScp(origin.connection, source, remote.connection, to, { ...options, targetHost: remote.host }),
  );
}
