/*
 * File names are bytes, JavaScript strings are not. A name that is valid UTF-8 is an ordinary string; every byte that is
 * not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte (U+DC80 to U+DCFF), and back. Valid UTF-8 never
 * decodes to a lone surrogate, so the mapping loses nothing. Python's PEP 383 uses the same mapping.
 */
const escaped = /[\u{dc80}-\u{dcff}]/u;

/** The length of the valid UTF-8 sequence that starts at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length < 2) return length;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/** Decodes the bytes of a file name without loss. */
export function decodeName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  // U+FFFD stands for every undecodable byte; a name that really holds it takes the slow way and comes out the same.
  return text.includes('\ufffd') ? decodeLossless(buffer) : text;
}

function decodeLossless(bytes: Buffer): string {
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    name += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + length);
    at += length || 1;
  }
  return name;
}

/** True where the name holds bytes that are not UTF-8, so that it cannot be passed on as an ordinary string. */
export function hasRawBytes(name: string): boolean {
  return escaped.test(name);
}

/** The bytes of a name: the inverse of {@link decodeName}. */
export function encodeName(name: string): Buffer {
  if (!hasRawBytes(name)) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** How many bytes a name has. */
export function nameLength(name: string): number {
  return hasRawBytes(name) ? encodeName(name).length : Buffer.byteLength(name, 'utf8');
}

/** The form of a path that node:fs takes without loss: a string where it can be one, else bytes. */
export function osPath(path: string): string | Buffer {
  return hasRawBytes(path) ? encodeName(path) : path;
}
