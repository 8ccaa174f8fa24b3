import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { spawnable } from '../../base/spawnable.ts';

/** Where the shell is that starts the program. */
const SHELL = '/bin/sh';

/**
 * Starts a program and, beside it, somebody who ends it when this process is gone, however that came: a pipe that only this process holds open comes to its end then. A line on it means that the program has ended and its number may
 * belong to another. Whoever waits there has no standard streams of the program's, so that these end with it.
 */
const KEEPER = `
socket=$1; shift
{ trap '' HUP INT
  read -r line <&3 || { kill $$; rm -f "$socket"; rmdir "\${socket%/*}"; }
} </dev/null >/dev/null 2>&1 &
exec 3<&-
exec "$@"
`;

/** Starts a program that does not outlive this process, and whose socket, alone in its directory, does not either. @returns its `stdio[3]` is told by {@link letGo} when it has ended */
export function startKept(
  program: string,
  args: readonly string[],
  socket: string,
  options: {
    readonly stdin: 'pipe' | 'ignore';
    readonly stdout: 'pipe' | 'ignore';
    readonly env?: SpawnOptions['env'];
  },
): ChildProcess {
  const command = spawnable(program, args);
  const child = spawn(SHELL, ['-c', KEEPER, 'sh', socket, command.program, ...command.args], {
    stdio: [options.stdin, options.stdout, 'pipe', 'pipe'],
    ...(options.env && { env: options.env }),
  });
  child.on('error', () => {});
  child.stdio[3]?.on('error', () => {});
  return child;
}

/** Nobody must be ended any more. */
export function letGo(child: ChildProcess): void {
  (child.stdio[3] as Writable).end('\n');
}
