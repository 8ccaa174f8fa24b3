import type { Readable, Writable } from 'node:stream';
import { FileError, ProtocolError, RemoteError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { land } from '../files/landing.ts';
import type { ScpCommand } from '../scp/command.ts';
import { ScpLink, type Trace } from '../scp/link.ts';
import { runSink } from '../scp/sink.ts';
import { ScpSource } from '../scp/source.ts';
import type { CopyObserver } from './observer.ts';
import { TreeReceiver } from './tree-receiver.ts';
import { TreeSender } from './tree-sender.ts';

/** What is sent, and what it is called on the way where that is not its own name. */
export interface SentPath {
  readonly path: string;
  readonly calledAs?: string | undefined;
}

export interface RemoteEndOptions {
  readonly fileSystem: FileSystem;
  /** Whether links inside the target of an upload are followed. */
  readonly followLinks: 'always' | 'never';
  /** Which mode bits an entry may get with `-p`. */
  readonly modeMask: number;
  readonly durable?: boolean;
  /** How a file comes to its name. Default: `land` of files/landing.ts. */
  readonly land?: typeof land | undefined;
  /** How deep the directories of an upload may nest. Default MAX_DEPTH of scp/limits.ts. */
  readonly maxDepth?: number;
  readonly observer: CopyObserver;
  readonly trace?: Trace | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The paths that the source's argument stands for, where no shell has expanded it. */
  readonly expand?: (path: string) => Promise<readonly SentPath[]>;
}

/**
 * The remote end of a copy: what `scp -t` and `scp -f` do on standard input and output, and what a server does on a channel. The peer learns of every error by the protocol.
 *
 * @returns the exit status: 0, or 1 where anything failed.
 */
export async function serveScp(
  input: Readable,
  output: Writable,
  command: ScpCommand,
  options: RemoteEndOptions,
): Promise<0 | 1> {
  const link = new ScpLink(input, output, 'peer', options.trace);
  const abort = () => link.fail(new Error('aborted'));
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const failures =
      command.role === 'sink' ? await serveSink(link, command, options) : await serveSource(link, command, options);
    await link.writer.flush();
    return failures === 0 ? 0 : 1;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof FileError) link.sendError(`scp: ${error.message}`);
    if (error instanceof FileError || error instanceof ProtocolError || error instanceof RemoteError)
      options.observer.failed(error);
    else if (!isLost(error)) throw error;
    return 1;
  } finally {
    options.signal?.removeEventListener('abort', abort);
    link.reader.release();
  }
}

/** The peer went away: nobody is left to tell. */
function isLost(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ERR_CONNECTION_LOST' || error.code === 'ERR_REMOTE' || error.code === 'EPIPE')
  );
}

async function serveSink(link: ScpLink, command: ScpCommand, options: RemoteEndOptions): Promise<number> {
  const { recursive, preserve, targetIsDirectory } = command;
  const receiver = await TreeReceiver.open(options.fileSystem, command.path, {
    ...options,
    preserve,
    // As the scp of OpenSSH: a source that sends times means them, whatever it said at the start.
    anyTimes: true,
    targetIsDirectory,
  });
  try {
    return (await runSink(link, receiver, { recursive, maxDepth: options.maxDepth, signal: options.signal })).failures;
  } finally {
    await receiver.close();
  }
}

async function serveSource(link: ScpLink, command: ScpCommand, options: RemoteEndOptions): Promise<number> {
  const source = await ScpSource.start(link);
  const { recursive, preserve } = command;
  const { observer, signal } = options;
  const sender = new TreeSender(source, { recursive, preserve, observer, signal, gradual: true });
  const paths: readonly SentPath[] = (await options.expand?.(command.path)) ?? [{ path: command.path }];
  for (const { path, calledAs } of paths) await sender.send(options.fileSystem, path, calledAs);
  return sender.failures;
}
