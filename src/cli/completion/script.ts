import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

export interface ScriptOptions {
  /** The command that the script asks for hosts and remote paths. */
  readonly program: string;
  /** Complete the command `scp` too. */
  readonly withScp: boolean;
}

/** The script for a shell. */
export function scriptFor(shell: 'bash' | 'zsh' | 'fish', options: ScriptOptions): string {
  switch (shell) {
    case 'bash':
      return bashScript(options);
    case 'zsh':
      return zshScript(options);
    case 'fish':
      return fishScript(options);
    default:
      return shell satisfies never;
  }
}
