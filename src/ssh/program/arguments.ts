import type { SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';

/** What is started on the remote side. */
export type RemoteRequest =
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'subsystem'; readonly name: string };

/** Options in front of the user's: ssh takes the first value it sees, so these cannot be overridden. */
const fixed: readonly string[] = [
  '-x',
  '-oPermitLocalCommand=no',
  '-oClearAllForwardings=yes',
  '-oRemoteCommand=none',
  '-oRequestTTY=no',
  // A master that outlives the copy would hold its pipes open.
  '-oControlMaster=no',
];

/**
 * The arguments for the `ssh` program: those of scp of OpenSSH 10, word for word. The agent is not forwarded unless the
 * user's words ask for it.
 *
 * @throws {ConnectionError} `EINVAL` for a host, user or port that must not reach a command line
 */
export function programArguments(target: SshTarget, args: readonly string[], request: RemoteRequest): string[] {
  checkTarget(target);
  return [
    ...fixed,
    ...args,
    '-oForwardAgent=no',
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(request.kind === 'subsystem' ? ['-s'] : []),
    '--',
    target.host,
    request.kind === 'exec' ? request.command : request.name,
  ];
}
