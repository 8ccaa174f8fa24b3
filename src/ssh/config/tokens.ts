import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';

/** The values of `%` tokens (ssh_config(5), TOKENS), by their letter. */
export type Tokens = Readonly<Record<string, string>>;

/**
 * Replaces `%h` and the like.
 *
 * @throws {ConnectionError} `ERR_CONFIG` for a token that has no value here
 */
export function expandTokens(text: string, tokens: Tokens, host: string): string {
  return text.replace(/%(.?)/gsu, (_, letter: string) => {
    if (letter === '%') return '%';
    const value = Object.hasOwn(tokens, letter) ? tokens[letter] : undefined;
    if (value === undefined) {
      throw new ConnectionError(printable(host), 'resolve', `unknown token %${printable(letter)} in ssh_config`, {
        code: 'ERR_CONFIG',
      });
    }
    return value;
  });
}

/** Replaces a leading `~` by the home directory. `~user` stays: nothing here looks other users up. */
export function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path;
}
