import { type CopyObserver, silentObserver } from '../copy/observer.ts';
import { hiding } from '../files/hiding.ts';
import { readOnly } from '../files/presets.ts';
import { isPrivateName } from '../files/private-names.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import { withStartPaths } from '../files/start-paths.ts';
import { parseExecLine } from '../server/exec-line.ts';
import { resolveLimits } from '../server/limits.ts';
import { refuse, runScpService } from '../server/scp-service.ts';
import type { Reporter } from './report.ts';

/** Where the files are that a forced command serves by the SCP protocol. */
export interface ForcedFolder {
  readonly fileSystem: RootedFileSystem;
  /** Where relative paths begin: an absolute path. */
  readonly start: string;
  readonly readOnly: boolean;
}

/**
 * Under `ForceCommand` (sshd_config(5)) or `command=` (authorized_keys) everything that a client asks for ends up in the one program, with the command in SSH_ORIGINAL_COMMAND. Where that is `scp -t` or `scp -f`, both sides would
 * wait for the other's first byte for ever: it is served here.
 *
 * @param asked the command; undefined where there is none
 * @param folder undefined where the SCP protocol is not to be served: then the client is told to use SFTP
 * @returns the exit status; undefined where something else was asked for
 */
export async function serveForcedScp(
  asked: string | undefined,
  folder: ForcedFolder | undefined,
  { signal, reporter }: { readonly signal: AbortSignal; readonly reporter: Reporter | undefined },
): Promise<number | undefined> {
  if (asked === undefined) return undefined;
  const request = parseExecLine(asked);
  if (request.kind === 'other') return undefined;
  const { stdin: input, stdout: output } = process;
  if (folder === undefined) return refuse(output, 'this account offers SFTP only: leave out -O');
  if (request.kind === 'unusable') return refuse(output, request.reason);
  const limited = hiding(folder.readOnly ? readOnly(folder.fileSystem) : folder.fileSystem, isPrivateName);
  return await runScpService(input, output, {
    ...request,
    fileSystem: withStartPaths(limited, { home: folder.start }),
    globMatches: resolveLimits().globMatches,
    durable: true,
    observer: reporter === undefined ? silentObserver : reporting(reporter),
    signal,
  });
}

function reporting(reporter: Reporter): CopyObserver {
  return {
    fileStarted: (name) => {
      let bytes = 0;
      return {
        moved: (count) => {
          bytes += count;
        },
        finished: (landed) => reporter.notice(`scp ${name}: ${landed ? 'complete' : 'failed'}, ${bytes} bytes`),
      };
    },
    // The client is told by the protocol, and would show it twice.
    failed() {},
  };
}
