import type { Readable, Writable } from 'node:stream';
import { FileError } from '../base/errors.ts';
import type { CopyObserver } from '../copy/observer.ts';
import { type SentPath, serveScp } from '../copy/scp-remote.ts';
import type { FileSystem } from '../files/file-system.ts';
import { expandGlob, GlobBounds, type GlobOptions } from '../files/glob.ts';
import { land } from '../files/landing.ts';
import { joinPath, splitPath } from '../files/path.ts';
import { isPrivateName, uploadName } from '../files/private-names.ts';
import { thisProcess } from '../files/process-mark.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import type { PathWord, ScpRequest } from './exec-line.ts';

/** How deep the directories of an upload may nest: each level holds a descriptor while it is filled. */
export const MAX_UPLOAD_DEPTH = 128;

export interface ScpServiceOptions {
  readonly request: ScpRequest;
  readonly paths: readonly [PathWord, ...PathWord[]];
  readonly fileSystem: RootedFileSystem;
  /** Names that the patterns of the command may stand for together. */
  readonly globMatches: number;
  /** Whether a file is on stable storage before its upload is confirmed. */
  readonly durable: boolean;
  readonly observer: CopyObserver;
  /** Aborted when nobody is left who reads. */
  readonly signal: AbortSignal;
}

/**
 * Serves one `scp -t` or `scp -f`. Files land whole or not at all; modes are limited to 0777; links inside the target of an upload are not followed.
 *
 * @returns the exit status
 * @throws `signal.reason` once the signal is aborted.
 */
export async function runScpService(input: Readable, output: Writable, options: ScpServiceOptions): Promise<0 | 1> {
  const { request, fileSystem, observer, signal } = options;
  const paths = absolute(options.paths, fileSystem);
  const glob = { bounds: new GlobBounds(options.globMatches), signal };
  const common = {
    fileSystem,
    followLinks: 'never' as const,
    modeMask: 0o777,
    durable: options.durable,
    land: landPrivately,
    maxDepth: MAX_UPLOAD_DEPTH,
    observer,
    signal,
  };
  if (request.role === 'source') {
    const expandAll = async (): Promise<readonly SentPath[]> => {
      const sent: SentPath[] = [];
      for (const [index, word] of paths.entries()) {
        const prefix = prefixOf(options.paths[index]?.path ?? '', word.path);
        for (const path of await expand(fileSystem, word, glob))
          sent.push({ path, calledAs: prefix && `${prefix}${splitPath(path).name}` });
      }
      return sent;
    };
    return await serveScp(input, output, { ...request, path: paths[0].path }, { ...common, expand: expandAll });
  }
  try {
    const path = await resolveTarget(fileSystem, paths[0], glob);
    return await serveScp(input, output, { ...request, path }, common);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    observer.failed(error);
    return refuse(output, error.message);
  }
}

/** Lands beside the name under one that clients do not see, and under no such name. */
const landPrivately: typeof land = async (directory, name, options) => {
  if (isPrivateName(name)) throw new FileError(joinPath(directory.path, name), 'open', 'EACCES');
  return await land(directory, name, { ...options, mayChangeOwner: true, partName: () => uploadName(thisProcess.id) });
};

/** Answers a command that cannot be served with an error of the protocol, which both roles of a client show. @returns the exit status */
export function refuse(output: Writable, reason: string): 1 {
  return refuseAs(output, `scp: ${reason}`);
}

/** As {@link refuse}, with a text that does not begin with the name of a program. */
export function refuseAs(output: Writable, text: string): 1 {
  output.write(`\u0001${text}\n`);
  return 1;
}

/** Words with their prefixes and start directories read, which must be done before a path is split or a pattern expanded. */
function absolute(words: ScpServiceOptions['paths'], { absolute: read }: RootedFileSystem): ScpServiceOptions['paths'] {
  if (read === undefined) return words;
  const [first, ...more] = words.map(({ path, pattern }) => ({
    path: read(path),
    ...(pattern === undefined ? {} : { pattern: read(pattern) }),
  }));
  return [first as PathWord, ...more];
}

/** The prefix of a path as it was asked for, where a client takes it for a part of the name: it checks that it gets what is called so. */
function prefixOf(asked: string, read: string): string | undefined {
  if (asked.includes('/') || read.endsWith(asked)) return undefined;
  return /^[^:]+:(?=.)/s.exec(asked)?.[0];
}

/** The paths that a word stands for. @throws {FileError} ERR_LIMIT; `signal.reason` */
async function expand(fileSystem: FileSystem, { path, pattern }: PathWord, options: GlobOptions): Promise<string[]> {
  return pattern === undefined ? [path] : await expandGlob(fileSystem, pattern, options);
}

/**
 * Where an upload goes. A pattern must stand for one name, as for a shell. A link is resolved here, inside the root, so that what lands takes the place of the file it points to, in one step.
 */
async function resolveTarget(fileSystem: RootedFileSystem, word: PathWord, glob: GlobOptions): Promise<string> {
  // Nothing named is not the same as the folder itself.
  if (word.path === '') throw new FileError("''", 'open', 'ENOENT');
  const [path = word.path, ...more] = await expand(fileSystem, word, glob);
  if (more.length > 0) throw new FileError(word.path, 'open', 'EINVAL', { reason: 'ambiguous target' });
  return await fileSystem.followLast(path);
}
