import { FileError, RemoteError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { land } from '../files/landing.ts';
import { runSink } from '../scp/sink.ts';
import type { SshConnection } from '../ssh/connection.ts';
import { describeLocation, meansContents, type RemoteLocation } from './location.ts';
import { Request } from './request.ts';
import { exitError, withScpChannel } from './scp-channel.ts';
import type { ScpCopyOptions } from './scp-upload.ts';
import { TreeReceiver } from './tree-receiver.ts';

export interface ScpDownloadOptions extends ScpCopyOptions {
  /** false (`-T`): names that the peer sends need not match what was asked for. Unsafe names are refused all the same. */
  readonly strictNames: boolean;
  /** How a file comes to its name. Default: `land` of files/landing.ts. */
  readonly land?: typeof land | undefined;
  /** Keep set-user-ID, set-group-ID and sticky bits that the peer sends, with `preserve`. */
  readonly preserveSpecial?: boolean | undefined;
}

/**
 * Copies what one remote path names to a local target. Nothing is written outside the target, under a name that was not asked for, or, with `-r`, through a link inside it.
 *
 * @returns how many entries failed; each has been reported to the observer.
 * @throws {SealiftError} where the copy as a whole could not be done.
 */
export async function downloadByScp(
  connection: SshConnection,
  fileSystem: FileSystem,
  source: RemoteLocation,
  target: string,
  options: ScpDownloadOptions,
): Promise<number> {
  const request = new Request(source.path, { strict: options.strictNames, recursive: options.recursive });
  const receiver = await TreeReceiver.open(fileSystem, target, {
    ...options,
    // What is in a directory can only go into a directory.
    targetIsDirectory: options.targetIsDirectory || meansContents(source.path),
    followLinks: options.recursive ? 'never' : 'top',
    modeMask: options.preserveSpecial === true ? 0o7777 : 0o777,
    checkName: (name) => request.check(name),
  });
  const { recursive, preserve, verbose } = options;
  const command = {
    role: 'source' as const,
    recursive,
    preserve,
    verbose,
    targetIsDirectory: false,
    path: source.path,
  };
  try {
    const { result, exit } = await withScpChannel(connection, command, options, async (link) => {
      return await runSink(link, receiver, { recursive, signal: options.signal, isDone: () => request.isMet });
    });
    if (result.failures > 0) return result.failures;
    const error = exitError(exit, options.host) ?? nothingCame(result, source);
    if (error === undefined) return 0;
    if (!(error instanceof RemoteError) && !(error instanceof FileError)) throw error;
    options.observer.failed(error);
    return 1;
  } finally {
    await receiver.close();
  }
}

/** A source that ends without sending or reporting anything did not do what it was asked. */
function nothingCame(
  result: { files: number; directories: number; failures: number; entries: number },
  source: RemoteLocation,
): RemoteError | undefined {
  if (result.entries > 0) return undefined;
  return new RemoteError(`${describeLocation(source)}: the remote side sent nothing and gave no reason`, {
    cure: 'see whether the path is right and the account may run scp (ssh HOST scp -f PATH)',
  });
}
