/**
 * Characters that may change what a terminal shows or what a reader believes to read: C0 and C1 controls, DEL,
 * bidirectional and other format characters (Unicode category Cf), line and paragraph separators, surrogates that stand
 * alone (undecodable bytes, see byte-name.ts) and noncharacters.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u{fffe}\u{ffff}]/gu;

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\${(code - 0xdc00).toString(8).padStart(3, '0')}`;
  return Array.from(Buffer.from(character, 'utf8'), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/**
 * Makes one line of text from a peer safe to show: every unsafe character becomes the octal of its UTF-8 bytes
 * (`\033`), as OpenSSH shows file names. A tab becomes a space. The result has no line break and is a fixed point.
 */
export function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(unsafe, escape);
}

/** As {@link printable}, for text of several lines: LF is kept and the CR of a CR LF is dropped. */
export function printableLines(text: string): string {
  return text.replaceAll('\r\n', '\n').split('\n').map(printable).join('\n');
}
