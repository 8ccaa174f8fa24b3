/** What no shell and no command line of a device gives a meaning to. */
const PLAIN = /^[\w/.,:@%+=~^-]$/;
const PATTERN = /^[*?[\]!]$/;

/**
 * Quotes a path for the shell of a remote side (POSIX sh, XCU 2.2): what means nothing to a shell stays as it is, since network devices have no shell and take quotes for a part of the name.
 *
 * @param options.patterns `*`, `?` and `[…]` stay patterns, and a backslash shields the character behind it
 */
export function shellQuote(path: string, options: { readonly patterns: boolean }): string {
  const characters = Array.from(path);
  let quoted = '';
  let held = '';
  const flush = (): void => {
    if (held !== '') quoted += `'${held.replaceAll("'", `'\\''`)}'`;
    held = '';
  };
  for (let i = 0; i < characters.length; i++) {
    let character = characters[i] as string;
    let isPlain = PLAIN.test(character);
    // bash expands a tilde in `a=~user` and `a=b:~user` too, as if these were assignments.
    if (character === '~' && characters.includes('=')) isPlain = i === 0;
    if (options.patterns && PATTERN.test(character)) isPlain = true;
    if (options.patterns && character === '\\' && i + 1 < characters.length) {
      character = characters[++i] as string;
      isPlain = false;
    }
    if (isPlain) flush();
    if (isPlain) quoted += character;
    else held += character;
  }
  flush();
  return quoted;
}
