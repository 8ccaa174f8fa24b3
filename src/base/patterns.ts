/**
 * Matches one pattern of ssh_config and known_hosts: `*` is any text, `?` any one character. Takes at most
 * pattern x text steps, whatever the pattern.
 */
export function matchPattern(text: string, pattern: string): boolean {
  let at = 0;
  let star = -1;
  let retry = 0;
  let p = 0;
  while (at < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      retry = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/**
 * Matches a list of patterns. A pattern with `!` in front that matches makes the whole list fail, wherever it stands; a
 * list of only negated patterns matches nothing.
 */
export function matchPatternList(text: string, patterns: readonly string[]): boolean {
  let found = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!matchPattern(text, negated ? pattern.slice(1) : pattern)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}
