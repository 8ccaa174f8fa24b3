import type { SshTarget } from '../connection.ts';
import { checkTarget } from '../names.ts';

/** What is started on the remote side. */
export type RemoteRequest =
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'subsystem'; readonly name: string }
  /** A command that is only waited for, without standard input: scp's `-R`. */
  | { readonly kind: 'run'; readonly command: string };

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
  const place = [
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
  ];
  if (request.kind === 'run')
    return ['-x', '-oClearAllForwardings=yes', '-n', ...args, ...place, '--', target.host, request.command];
  return [
    ...fixed,
    ...args,
    '-oForwardAgent=no',
    ...place,
    ...(request.kind === 'subsystem' ? ['-s'] : []),
    '--',
    target.host,
    request.kind === 'exec' ? request.command : request.name,
  ];
}

/** The arguments for a program that speaks a subsystem's protocol itself, in place of `ssh` (scp's `-D`). */
export function directArguments(target: SshTarget, name: string): string[] {
  checkTarget(target);
  return ['--', target.host, name];
}
