/**
 * Characters that may change what a terminal shows or what a reader believes to read: C0 and C1 controls, DEL,
 * bidirectional and other format characters (Unicode category Cf), line and paragraph separators, surrogates that stand
 * alone (undecodable bytes, see byte-name.ts) and noncharacters.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u{fffe}\u{ffff}]/gu;

/** Each byte in octal: a peer may send nothing but unsafe characters, and then every object made for one counts. */
const octal: readonly string[] = Array.from({ length: 256 }, (_, byte) => `\\${byte.toString(8).padStart(3, '0')}`);

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return octal[code] as string;
  if (code >= 0xdc80 && code <= 0xdcff) return octal[code - 0xdc00] as string;
  return Array.from(Buffer.from(character, 'utf8'), (byte) => octal[byte]).join('');
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
