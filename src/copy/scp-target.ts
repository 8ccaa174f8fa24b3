import { ConnectionError, RemoteError } from '../base/errors.ts';
import { splitPath } from '../files/path.ts';
import { ScpSource } from '../scp/source.ts';
import type { SshConnection } from '../ssh/connection.ts';
import type { RemoteLocation } from './location.ts';
import { type ScpChannelOptions, withScpChannel } from './scp-channel.ts';
import type { TargetMemory } from './target.ts';

/** What the sink on a host is asked for, so that entries land where the person meant them to. */
export interface ScpTarget {
  readonly path: string;
  /** `-d` */
  readonly mustBeDirectory: boolean;
  /** What the entry of the top level is called there. Absent: by its own name. */
  readonly name?: string | undefined;
}

export interface ScpTargetOptions extends ScpChannelOptions {
  readonly recursive: boolean;
  readonly mustBeDirectory: boolean;
  /** What the attempts of one copy know of their target. Absent where there will be one attempt only. */
  readonly memory?: TargetMemory | undefined;
  /** The directory above the target and the name in it. Absent where the path is a text for a shell that only that can take apart. */
  readonly parent?: { readonly location: RemoteLocation; readonly name: string } | undefined;
}

/**
 * How to name the target to the sink. A tree goes to the target's name where that is free, and into it where it is a directory: a second attempt would find the directory that the first has made, and go inside. So where there may be
 * one, the sink is asked what is there before the first attempt begins, and later ones name the directory above.
 */
export async function scpTarget(
  connection: SshConnection,
  target: RemoteLocation,
  options: ScpTargetOptions,
): Promise<ScpTarget> {
  const { memory, recursive, mustBeDirectory, parent } = options;
  const asNamed = { path: target.path, mustBeDirectory };
  if (memory === undefined || !recursive || mustBeDirectory || memory.isInside === true) return asNamed;
  if (memory.isInside === undefined) {
    memory.isInside = await isDirectory(connection, target, options);
    memory.isFinal = !memory.isInside && parent === undefined;
    return asNamed;
  }
  return parent === undefined ? asNamed : { path: parent.location.path, mustBeDirectory: true, name: parent.name };
}

/** A sink that must have a directory says at once whether it has one. */
async function isDirectory(
  connection: SshConnection,
  target: RemoteLocation,
  options: ScpChannelOptions,
): Promise<boolean> {
  const probe = {
    role: 'sink' as const,
    recursive: false,
    preserve: false,
    targetIsDirectory: true,
    verbose: false,
    path: target.path,
  };
  try {
    return (
      (await withScpChannel(connection, probe, options, async (link) => await ScpSource.start(link))).result !==
      undefined
    );
  } catch (error) {
    // The copy will say the same in words for the person, unless it is that nothing is there.
    if (error instanceof RemoteError || (error instanceof ConnectionError && error.code === 'ERR_REMOTE')) return false;
    throw error;
  }
}

/** The directory above a path and the name in it; undefined where the path has none: it ends in `.` or `..`, is a home directory or a device. */
export function parentOf(location: RemoteLocation): ScpTargetOptions['parent'] {
  const { parent, name } = splitPath(location.path);
  if (name === '' || (parent === '.' && /^~|:/.test(name))) return undefined;
  return { location: { ...location, path: parent }, name };
}
