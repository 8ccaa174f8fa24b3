/** Characters that mean something in a glob pattern and are therefore shielded when they stood in quotes. */
const special = /[*?[\]{}\\,]/g;

/**
 * Splits what a remote shell will see into words, as POSIX sh splits (XCU 2.2, 2.6.5), and keeps quoting in the form that patterns know: a character that was quoted and could be special is
 * preceded by a backslash. Expansions (`$x`, backquotes) are not performed.
 *
 * @returns undefined where a quote is not closed or the text has an expansion outside quotes that only the remote side can know.
 */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === ' ' || character === '\t' || character === '\n') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return undefined;
      word = (word ?? '') + text.slice(i + 1, end).replace(special, '\\$&');
      i = end;
    } else if (character === '"') {
      const quoted = readDoubleQuoted(text, i);
      if (quoted === undefined) return undefined;
      word = (word ?? '') + quoted.text.replace(special, '\\$&');
      i = quoted.end;
    } else if (character === '\\') {
      if (i + 1 >= text.length) return undefined;
      word = `${word ?? ''}\\${text[++i]}`;
    } else if ('$`;&|<>()'.includes(character)) return undefined;
    else word = (word ?? '') + character;
  }
  if (word !== undefined) words.push(word);
  return words;
}

function readDoubleQuoted(text: string, open: number): { text: string; end: number } | undefined {
  let inner = '';
  for (let i = open + 1; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') return { text: inner, end: i };
    if (character === '$' || character === '`') return undefined;
    if (character === '\\' && '\\"$`'.includes(text[i + 1] ?? ' ')) inner += text[++i];
    else inner += character;
  }
  return undefined;
}
