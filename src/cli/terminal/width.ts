/** East Asian wide and fullwidth characters and emoji, which take two columns. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Marks that combine with the character before them and take no column. */
const zero = /\p{Mn}|\p{Me}/u;

/** How many columns of a terminal one character takes: 0, 1 or 2. The text must be printable already. */
export function characterWidth(character: string): number {
  if (character.length === 1 && character < '\u0300') return 1;
  if (zero.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** How many columns a text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Cuts a text to at most `columns` and fills it up with spaces to exactly that many. */
export function fitWidth(text: string, columns: number): string {
  let width = 0;
  let fitted = '';
  for (const character of text) {
    const next = characterWidth(character);
    if (width + next > columns) break;
    width += next;
    fitted += character;
  }
  return fitted + ' '.repeat(Math.max(0, columns - width));
}
