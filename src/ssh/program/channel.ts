import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { SshChannel, SshExit } from '../connection.ts';
import { relayReadable } from '../relay.ts';

/** A child and its three streams, which are pipes. */
export interface PipedChild {
  readonly process: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** How long a program may take to end after SIGTERM. */
export const KILL_AFTER_MS = 500;
/** How long the exit waits for the pipes after the program ended: what they still hold arrives at once or never. */
const SETTLE_AFTER_EXIT_MS = 250;
/** After so long without a byte, pipes that somebody else holds open count as ended. */
const ORPHANED_PIPE_MS = 2000;
/** The exit status of ssh for its own failures. A remote command can end with it too; OpenSSH cannot tell them apart either. */
const SSH_FAILED = 255;

/** Ends a pipe that a grandchild keeps open after the program has ended, without losing what is still in it. */
function endOrphanedPipe(pipe: Readable): void {
  let silent = false;
  pipe.on('data', () => {
    silent = false;
  });
  const timer = setInterval(() => {
    // A pipe that is paused waits for its reader, not for the grandchild.
    if (silent && !pipe.isPaused()) pipe.destroy();
    silent = true;
  }, ORPHANED_PIPE_MS / 2);
  timer.unref();
  pipe.once('close', () => clearInterval(timer));
}

function exitOf(host: string, code: number | null, signal: NodeJS.Signals | null, closed: boolean): SshExit {
  const name = signal?.replace(/^SIG/, '') ?? null;
  if (!closed && code !== SSH_FAILED && signal === null) return { code, signal: name };
  const reason = closed ? 'connection closed' : 'connection lost';
  const lost = new ConnectionError(printable(host), 'transfer', reason, { code: 'ERR_CONNECTION_LOST' });
  return { code, signal: name, lost };
}

/**
 * Makes a channel of a running `ssh` program.
 *
 * @param edit takes from its standard error what nobody is to read
 */
export function programChannel(
  { process: child, stdin, stdout, stderr }: PipedChild,
  host: string,
  edit?: (bytes: Buffer) => Buffer,
): SshChannel {
  let closed = false;
  // The error of a pipe fails the write that met it too; without a listener it would end the process.
  stdin.on('error', () => {});
  const input = relayReadable(stdout);
  const errors = relayReadable(stderr, undefined, edit);

  const exit = new Promise<SshExit>((resolve) => {
    child.once('exit', (code, signal) => {
      endOrphanedPipe(stdout);
      endOrphanedPipe(stderr);
      const settle = (): void => resolve(exitOf(host, code, signal, closed));
      const timer = setTimeout(settle, SETTLE_AFTER_EXIT_MS);
      child.once('close', () => {
        clearTimeout(timer);
        settle();
      });
    });
  });

  const close = (): void => {
    if (closed) return;
    closed = true;
    // First the streams: a program that ignores signals still sees them end.
    for (const stream of [stdin, stdout, stderr, input, errors]) stream.destroy();
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    child.once('exit', () => clearTimeout(timer));
  };
  return { input, output: stdin, stderr: errors, exit, close };
}
