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
];

function placeOf(target: SshTarget): string[] {
  checkTarget(target);
  return [
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
  ];
}

/**
 * The arguments for the `ssh` program: those of scp of OpenSSH 10, word for word. The agent is not forwarded unless the
 * user's words ask for it.
 *
 * @param socket of a {@link masterArguments master} to go through
 * @throws {ConnectionError} `EINVAL` for a host, user or port that must not reach a command line
 */
export function programArguments(
  target: SshTarget,
  args: readonly string[],
  request: RemoteRequest,
  socket?: string,
): string[] {
  const place = placeOf(target);
  if (request.kind === 'run')
    return ['-x', '-oClearAllForwardings=yes', '-n', ...args, ...place, '--', target.host, request.command];
  return [
    ...fixed,
    // A master that outlives the copy would hold its pipes open.
    '-oControlMaster=no',
    ...(socket === undefined ? [] : [`-oControlPath=${socket}`]),
    ...args,
    '-oForwardAgent=no',
    ...place,
    ...(request.kind === 'subsystem' ? ['-s'] : []),
    '--',
    target.host,
    request.kind === 'exec' ? request.command : request.name,
  ];
}

/**
 * The arguments for an `ssh` that logs in and lets others in through `socket`.
 *
 * @param subsystem of its own session; without one it has none
 * @throws {ConnectionError} `EINVAL` as {@link programArguments}
 */
export function masterArguments(
  target: SshTarget,
  args: readonly string[],
  socket: string,
  subsystem?: string,
): string[] {
  const own = ['-oControlMaster=yes', `-oControlPath=${socket}`, '-oControlPersist=no'];
  const words = [...args, '-oForwardAgent=no', ...placeOf(target)];
  if (subsystem === undefined) return [...fixed, ...own, '-N', ...words, '--', target.host];
  return [...fixed, ...own, ...words, '-s', '--', target.host, subsystem];
}

/**
 * The arguments for an `ssh` that goes through a socket or nowhere: one that is refused there would log in by itself, and ask. It reads no configuration and gets none of the user's words, which have done their work at
 * the login.
 *
 * @throws {ConnectionError} `EINVAL` as {@link programArguments}
 */
export function furtherArguments(target: SshTarget, subsystem: string, socket: string): string[] {
  checkTarget(target);
  const own = ['-F', 'none', ...fixed, '-oControlMaster=no', `-oControlPath=${socket}`];
  return [...own, '-oProxyCommand=false', '-oBatchMode=yes', '-oForwardAgent=no', '-s', '--', target.host, subsystem];
}

/** The arguments for a program that speaks a subsystem's protocol itself, in place of `ssh` (scp's `-D`). */
export function directArguments(target: SshTarget, name: string): string[] {
  checkTarget(target);
  return ['--', target.host, name];
}
