/** A word for a POSIX shell, fish too, that stands for exactly this text. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
