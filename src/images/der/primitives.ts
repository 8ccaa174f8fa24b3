import { derError, MAX_ARC_BYTES, MAX_OID_BYTES } from './limits.ts';

/** Checks the content of a BOOLEAN (X.690, 11.1). */
export function decodeBoolean(content: Uint8Array): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw derError('a BOOLEAN that is neither');
  return content[0] === 0xff;
}

/** Checks that an INTEGER has no octet too many (X.690, 8.3.2). */
export function checkInteger(content: Uint8Array): void {
  const [first, second] = content;
  if (first === undefined) throw derError('an INTEGER without octets');
  if (second === undefined) return;
  if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) {
    throw derError('an INTEGER in more octets than it needs');
  }
}

/** The octets of an INTEGER that must not be negative, without the leading zero octet; empty for 0. */
export function decodeUnsigned(content: Uint8Array): Uint8Array {
  checkInteger(content);
  if ((content[0] as number) >= 0x80) throw derError('a negative INTEGER');
  return content[0] === 0 ? content.subarray(1) : content;
}

/** The number in these octets, of which there may be as many as fit a safe integer. */
export function smallNumber(octets: Uint8Array): number {
  if (octets.length > 6) throw derError('an INTEGER that is too large');
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}

/** The octets of a BIT STRING that holds whole octets (X.690, 8.6.2). */
export function decodeOctetBits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw derError('a BIT STRING that is not of whole octets');
  return content.subarray(1);
}

/** Checks the unused bits of a BIT STRING: at most seven, all zero, none without octets (X.690, 11.2.1). */
export function checkBitString(content: Uint8Array): void {
  const unused = content[0];
  if (unused === undefined || unused > 7 || (content.length === 1 && unused !== 0)) {
    throw derError('a BIT STRING with a wrong number of unused bits');
  }
  const last = content.at(-1) as number;
  if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0)
    throw derError('a BIT STRING whose unused bits are set');
}

/** An object identifier as dotted numbers (X.690, 8.19). */
export function decodeOid(content: Uint8Array): string {
  if (content.length === 0 || content.length > MAX_OID_BYTES) throw derError('an OBJECT IDENTIFIER of a wrong length');
  if ((content.at(-1) as number) >= 0x80) throw derError('an OBJECT IDENTIFIER that is cut off');
  const arcs: bigint[] = [];
  let arc = 0n;
  let octets = 0;
  for (const octet of content) {
    if (octets === 0 && octet === 0x80) throw derError('an arc in more octets than it needs');
    octets++;
    if (octets > MAX_ARC_BYTES) throw derError('an arc that is too large');
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0n;
      octets = 0;
    }
  }
  const [both = 0n, ...rest] = arcs;
  const top = both < 40n ? 0n : both < 80n ? 1n : 2n;
  return [top, both - top * 40n, ...rest].join('.');
}

/** UTF-8 without anything that is not (RFC 3629), and without a byte order mark that is dropped. */
export function decodeUtf8(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw Object.assign(derError('a text that is not UTF-8'), { cause });
  }
}

/** The characters of PrintableString (X.680, 41.4). */
export function decodePrintableString(content: Uint8Array): string {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)) throw derError('a PrintableString with other characters');
  return text;
}
