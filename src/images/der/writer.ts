import { compareEncodings } from './check.ts';
import { contextConstructed, Tag } from './tags.ts';
import { encodeTime } from './time.ts';

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return [0x80 | octets.length, ...octets];
}

/** An element with this identifier, whose content is all the parts. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.from([tag, ...encodeLength(length)]), ...parts]);
}

/** The same element with another identifier: IMPLICIT tagging, and what is undone before a signature is checked. */
export function retagged(encoding: Uint8Array, tag: number): Uint8Array {
  const copy = Uint8Array.from(encoding);
  copy[0] = tag;
  return copy;
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(Tag.sequence, ...parts);
}

/** A SET OF in the order that DER asks for (X.690, 11.6). */
export function setOf(items: readonly Uint8Array[]): Uint8Array {
  return element(Tag.set, ...[...items].sort(compareEncodings));
}

/** `[number] EXPLICIT`. */
export function explicit(number: number, content: Uint8Array): Uint8Array {
  return element(contextConstructed(number), content);
}

/** An INTEGER that is not negative, from its octets. */
export function unsigned(octets: Uint8Array): Uint8Array {
  const first = octets.findIndex((octet) => octet !== 0);
  const minimal = first === -1 ? Uint8Array.of(0) : octets.subarray(first);
  return (minimal[0] as number) >= 0x80
    ? element(Tag.integer, Uint8Array.of(0), minimal)
    : element(Tag.integer, minimal);
}

export function objectIdentifier(dotted: string): Uint8Array {
  const [top = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets = [top * 40n + second, ...rest].flatMap((arc) => {
    const digits = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.unshift(Number(left & 0x7fn) | 0x80);
    return digits;
  });
  return element(Tag.objectIdentifier, Uint8Array.from(octets));
}

export function octetString(octets: Uint8Array): Uint8Array {
  return element(Tag.octetString, octets);
}

/** A BIT STRING of whole octets. */
export function bitString(octets: Uint8Array): Uint8Array {
  return element(Tag.bitString, Uint8Array.of(0), octets);
}

export function utf8String(text: string): Uint8Array {
  return element(Tag.utf8String, Buffer.from(text, 'utf8'));
}

export function boolean(value: boolean): Uint8Array {
  return element(Tag.boolean, Uint8Array.of(value ? 0xff : 0));
}

/** A time as RFC 5280, 4.1.2.5 writes it. */
export function time(date: Date): Uint8Array {
  const { tag, content } = encodeTime(date);
  return element(tag, content);
}

export const derNull: Uint8Array = Uint8Array.of(Tag.null, 0);
