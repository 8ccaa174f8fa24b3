/** What the remote side of a copy is asked to do: the options of `scp -t` and `scp -f`. */
export interface ScpCommand {
  /** `sink` is `-t` (to), `source` is `-f` (from). */
  readonly role: 'sink' | 'source';
  readonly recursive: boolean;
  readonly preserve: boolean;
  /** `-d`: the target must be a directory. */
  readonly targetIsDirectory: boolean;
  readonly verbose: boolean;
  readonly path: string;
}

/**
 * The command line for the remote side, as OpenSSH's scp words it. The path goes out as it is: the remote shell expands it, which users of
 * the SCP protocol rely on (patterns, `~user`) and devices without a shell need.
 */
export function remoteCommandLine(command: ScpCommand): string {
  const options = [
    command.verbose ? ' -v' : '',
    command.recursive ? ' -r' : '',
    command.preserve ? ' -p' : '',
    command.targetIsDirectory ? ' -d' : '',
    command.role === 'sink' ? ' -t' : ' -f',
    command.path.startsWith('-') ? ' --' : '',
  ];
  return `scp${options.join('')} ${command.path}`;
}
