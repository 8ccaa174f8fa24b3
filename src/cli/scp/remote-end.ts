import { silentObserver } from '../../copy/observer.ts';
import { serveScp } from '../../copy/scp-remote.ts';
import { localFileSystem } from '../../files/local.ts';
import { Reporter } from '../report.ts';
import type { ScpOptions } from './options.ts';

/**
 * `scp -t` and `scp -f`: the remote side of somebody else's copy, on standard input and output. It acts with the rights of the user who logged in, so links are followed as every program of the user follows
 * them. Errors go through the protocol to the other side, which shows them.
 *
 * @returns the exit status
 */
export async function runRemoteEnd(options: ScpOptions, signal: AbortSignal): Promise<number> {
  const { operands, recursive, preserve, targetIsDirectory } = options;
  const reporter = new Reporter('scp');
  const command = {
    role: options.role === 'sink' ? ('sink' as const) : ('source' as const),
    recursive,
    preserve,
    targetIsDirectory,
    verbose: options.verbosity > 0,
    path: operands[0] ?? '.',
  };
  const trace =
    options.verbosity >= 3
      ? (direction: string, what: string) => reporter.note(`scp: ${direction} ${what}`)
      : undefined;
  const work = serveScp(process.stdin, process.stdout, command, {
    fileSystem: localFileSystem({ quick: true }),
    followLinks: 'always',
    // The peer has a shell as this user in any case: what OpenSSH's scp preserves is preserved.
    modeMask: 0o7777,
    observer: silentObserver,
    trace,
    signal,
    // The login shell has expanded patterns already; what is left are names.
    expand: async () => operands.map((path) => ({ path })),
  });
  try {
    return await work;
  } finally {
    // The other side waits for this process to end before it closes: an open standard input would keep it alive.
    process.stdin.destroy();
  }
}
