import { ConnectionError, FileError, RemoteError } from '../base/errors.ts';
import { landByRename, landInPlace } from '../files/landing.ts';
import { runSink } from '../scp/sink.ts';
import { ScpSource } from '../scp/source.ts';
import type { SftpFileSystem } from '../sftp/file-system.ts';
import type { SshConnection } from '../ssh/connection.ts';
import type { RemoteLocation } from './location.ts';
import { meansContents } from './location.ts';
import { Request } from './request.ts';
import { exitError, withScpChannel } from './scp-channel.ts';
import { downloadByScp, type ScpDownloadOptions } from './scp-download.ts';
import { RelayReceiver } from './scp-relay.ts';
import { scpTarget } from './scp-target.ts';
import { type ScpUploadOptions, uploadByScp } from './scp-upload.ts';
import { expandAll } from './sftp-expand.ts';

/**
 * Copies between two hosts of which one or both have no SFTP: what moves goes through this process, and what comes in is checked as for a copy to this machine.
 * All return how many entries failed; each has been reported to the observer.
 */
export async function fromSftpToScp(
  origin: SftpFileSystem,
  paths: readonly string[],
  remote: SshConnection,
  target: RemoteLocation,
  options: ScpDownloadOptions & ScpUploadOptions & { readonly literal?: boolean | undefined },
): Promise<number> {
  const sources = options.literal === true ? { paths, failures: 0 } : await expandAll(origin, paths, options.observer);
  if (sources.paths.length === 0) return sources.failures;
  const targetIsDirectory = options.targetIsDirectory || sources.paths.length > 1;
  return (
    sources.failures + (await uploadByScp(remote, origin, sources.paths, target, { ...options, targetIsDirectory }))
  );
}

export async function fromScpToSftp(
  origin: SshConnection,
  source: RemoteLocation,
  remote: SftpFileSystem,
  target: string,
  options: ScpDownloadOptions,
): Promise<number> {
  return await downloadByScp(origin, remote, source, await remote.expand(target), {
    ...options,
    land: options.content === undefined ? landInPlace : landByRename,
  });
}

export async function fromScpToScp(
  origin: SshConnection,
  source: RemoteLocation,
  remote: SshConnection,
  target: RemoteLocation,
  options: ScpDownloadOptions & ScpUploadOptions & { readonly targetHost: string },
): Promise<number> {
  const { recursive, preserve, verbose, observer } = options;
  if (options.content !== undefined) {
    const reason = 'content that goes from one host to another by the SCP protocol has its name before it is verified';
    throw new ConnectionError(options.targetHost, 'open', reason, {
      code: 'ERR_NOT_OFFERED',
      cure: 'copy it to this machine first, and from here to the other host',
    });
  }
  const request = new Request(source.path, { strict: options.strictNames, recursive });
  const common = { recursive, preserve, verbose };
  const mustBeDirectory = options.targetIsDirectory || meansContents(source.path);
  const toHost = { ...options, host: options.targetHost };
  const aim = await scpTarget(remote, target, { ...toHost, mustBeDirectory });
  const there = { ...common, role: 'sink' as const, targetIsDirectory: aim.mustBeDirectory, path: aim.path };
  const here = { ...common, role: 'source' as const, targetIsDirectory: false, path: source.path };
  const { result, exit: targetExit } = await withScpChannel(remote, there, toHost, async (to) => {
    const sender = await ScpSource.start(to);
    return await withScpChannel(origin, here, options, async (from) => {
      const receiver = new RelayReceiver(sender, {
        ...options,
        name: aim.name,
        checkName: (name) => request.check(name),
      });
      return await runSink(from, receiver, { recursive, signal: options.signal, isDone: () => request.isMet });
    });
  });
  const { failures, entries } = result.result;
  if (failures > 0) return failures;
  const nothing =
    entries === 0 ? new RemoteError(`${options.host}: ${source.path}: the remote side sent nothing`) : undefined;
  const error = exitError(result.exit, options.host) ?? exitError(targetExit, options.targetHost) ?? nothing;
  if (error === undefined) return 0;
  if (!(error instanceof RemoteError) && !(error instanceof FileError)) throw error;
  observer.failed(error);
  return 1;
}
