import { RemoteError } from '../base/errors.ts';
import type { ContentCheck } from '../files/content-check.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ScpSource } from '../scp/source.ts';
import type { SshConnection } from '../ssh/connection.ts';
import type { RemoteLocation } from './location.ts';
import { meansContents } from './location.ts';
import type { CopyObserver } from './observer.ts';
import type { RateLimit } from './rate-limit.ts';
import { exitError, type ScpChannelOptions, withScpChannel } from './scp-channel.ts';
import { type ScpTargetOptions, scpTarget } from './scp-target.ts';
import type { TargetMemory } from './target.ts';
import { TreeSender } from './tree-sender.ts';

/** What uploads and downloads over the SCP protocol have in common. */
export interface ScpCopyOptions extends ScpChannelOptions {
  readonly recursive: boolean;
  readonly preserve: boolean;
  readonly verbose: boolean;
  /** The target must be a directory: there are several sources. */
  readonly targetIsDirectory: boolean;
  readonly observer: CopyObserver;
  readonly rateLimit?: RateLimit | undefined;
  /** Only what this finds good gets a name. The other side writes where files stand, so what is sent is looked at before. */
  readonly content?: ContentCheck | undefined;
  /** There may be further attempts of this copy, which share what they know of the target. */
  readonly memory?: TargetMemory | undefined;
}

/** What an upload needs besides. */
export interface ScpUploadOptions extends ScpCopyOptions {
  /** The directory above the target, for a second attempt: see {@link scpTarget}. */
  readonly parent?: ScpTargetOptions['parent'];
}

/**
 * Copies local files and trees to one remote target, over one channel.
 *
 * @returns how many entries failed; each has been reported to the observer.
 * @throws {SealiftError} where the copy as a whole could not be done.
 */
export async function uploadByScp(
  connection: SshConnection,
  fileSystem: FileSystem,
  sources: readonly string[],
  target: RemoteLocation,
  options: ScpUploadOptions,
): Promise<number> {
  // The entries of `dir/.` can only go into a directory that is there.
  const mustBeDirectory = options.targetIsDirectory || (options.recursive && sources.some(meansContents));
  const aim = await scpTarget(connection, target, { ...options, mustBeDirectory });
  const command = {
    role: 'sink' as const,
    recursive: options.recursive,
    preserve: options.preserve,
    targetIsDirectory: aim.mustBeDirectory,
    verbose: options.verbose,
    path: aim.path,
  };
  const { result: failures, exit } = await withScpChannel(connection, command, options, async (link) => {
    const source = await ScpSource.start(link);
    const sender = new TreeSender(source, options);
    for (const path of sources) await sender.send(fileSystem, path, aim.name);
    return sender.failures;
  });
  if (failures > 0) return failures;
  const error = exitError(exit, options.host);
  if (error === undefined) return 0;
  if (!(error instanceof RemoteError)) throw error;
  options.observer.failed(error);
  return 1;
}
