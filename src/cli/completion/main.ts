import { Reporter } from '../report.ts';

const help = `sealift completion: completes command lines in your shell

usage: sealift completion bash|zsh|fish [--scp]

Prints a script for the shell. It completes commands, options, hosts from the ssh configuration and known_hosts, local
paths, and paths on hosts. For the last it connects with your keys or agent, never asks, and gives up after 3 seconds
(SEALIFT_COMPLETION_TIMEOUT); a connection that ssh shares (ControlMaster) is used.

  --scp     complete the command scp as well, for those who link or alias it to sealift

bash, in ~/.bashrc:     source <(sealift completion bash)
zsh, in ~/.zshrc:       source <(sealift completion zsh)       after compinit
fish:                   sealift completion fish > ~/.config/fish/completions/sealift.fish
`;

/**
 * `sealift completion`.
 *
 * @param args what follows the word `completion`
 * @param program the path of the command as it was started: scripts call it by that
 * @returns the exit status: 0, or 2 for a wrong command line
 */
export async function completionCommand(args: readonly string[], program: string): Promise<number> {
  const [what, ...rest] = args;
  const withScp = rest.length === 1 && rest[0] === '--scp';
  if (what === '--help' || what === '-h') {
    process.stdout.write(help);
    return 0;
  }
  // What the scripts ask for.
  if (what === 'hosts' || what === 'operands') {
    const { printCandidates } = await import('./candidates.ts');
    await printCandidates(what, rest);
    return 0;
  }
  if ((what !== 'bash' && what !== 'zsh' && what !== 'fish') || (rest.length > 0 && !withScp)) {
    new Reporter('sealift').note('sealift: completion: name a shell: bash, zsh or fish; see sealift completion --help');
    return 2;
  }
  const { scriptFor } = await import('./script.ts');
  process.stdout.write(scriptFor(what, { program, withScp }));
  return 0;
}
