import { printable } from '../base/printable.ts';

/** Whether a text may stand in what is signed: not empty, bounded in octets of UTF-8, in one line that shows as it is, without a space at its ends. */
export function isImageText(text: string, maxBytes: number): boolean {
  return text !== '' && text === text.trim() && Buffer.byteLength(text) <= maxBytes && text === printable(text);
}

/** Whether a text is a key version: a letter from A to Z. There is none behind Z. */
export function isKeyVersion(text: string): boolean {
  return /^[A-Z]$/.test(text);
}
