import type { RemoteLocation } from '../copy/location.ts';
import { copyBetweenHosts, copyFromHost, copyToHost, type RouteOptions } from '../copy/routes.ts';
import type { ScpDownloadOptions } from '../copy/scp-download.ts';
import type { SftpCopyOptions } from '../copy/sftp-copy.ts';
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
  const { options, rateLimit, content, signal, landed } = run;
  const retries = options.retries ?? 0;
  return {
    recursive: options.recursive === true,
    preserve: options.preserve === true,
    modeMask: options.preserveSpecial === true ? 0o7777 : 0o777,
    targetIsDirectory: isList,
    observer: run,
    rateLimit,
    content,
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
  const { options, rateLimit, content, signal } = run;
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
    content,
    signal,
    onStderr: stderr.push,
    memory: (options.retries ?? 0) > 0 ? run.memory : undefined,
  };
}

/** What was asked for and the SCP protocol cannot do must not be left out in silence. */
function requireNothingBeyond(run: CopyRun, remote: Remote): void {
  const [first] = remote.link === undefined ? sftpOnly(run.options) : [];
  if (first !== undefined) throw needsSftp(remote.host, first);
}

function routeOptions(run: CopyRun, task: Task): RouteOptions {
  return {
    sftp: sftpOptions(run, task),
    scp: (host) => scpOptions(run, host as Remote, task),
    word: (location, role) => ({
      ...location,
      path: scpPath(location.path, { patterns: role === 'source' && run.options.glob === true }),
    }),
  };
}

const at = ({ host }: Remote, path: string): RemoteLocation => ({ kind: 'remote', host, path });

/** From this machine to a host. */
export async function upload(run: CopyRun, remote: Remote, task: Task): Promise<void> {
  requireNothingBeyond(run, remote);
  await copyToHost(task.sources, remote, at(remote, task.target), routeOptions(run, task));
}

/** From a host to this machine. */
export async function download(run: CopyRun, remote: Remote, task: Task): Promise<void> {
  requireNothingBeyond(run, remote);
  const sources = task.sources.map((path) => at(remote, path));
  await copyFromHost(remote, sources, task.target, routeOptions(run, task));
}

/** From one host to another, through this machine. */
export async function between(run: CopyRun, origin: Remote, remote: Remote, task: Task): Promise<void> {
  requireNothingBeyond(run, origin);
  requireNothingBeyond(run, remote);
  const sources = task.sources.map((path) => at(origin, path));
  await copyBetweenHosts(origin, sources, remote, at(remote, task.target), routeOptions(run, task));
}
