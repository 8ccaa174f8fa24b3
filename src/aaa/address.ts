import { isIP } from 'node:net';

/** An address as bits: 4 bytes for IPv4 (also where it came as ::ffff:…), 16 for IPv6. */
export type AddressBytes = readonly number[];

/** A network: an address and how many of its bits count. */
export interface Network {
  readonly bytes: AddressBytes;
  readonly bits: number;
}

/** Reads an IPv4 or IPv6 address; a zone (`%eth0`) is dropped. Undefined where it is none. */
export function parseAddress(text: string): AddressBytes | undefined {
  const address = text.split('%')[0] ?? '';
  const version = isIP(address);
  if (version === 4) return address.split('.').map(Number);
  if (version !== 6) return undefined;
  const bytes = parseIPv6(address);
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}

/** Splits what isIP() has accepted. */
function parseIPv6(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = tail === undefined ? 0 : 16 - left.length - right.length;
  return [...left, ...Array<number>(zeros).fill(0), ...right];
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
 *
 * @returns undefined where it is no address; `'host bits'` where bits behind the mask are set, or the mask is too long: what it means is not clear
 */
export function parseNetwork(text: string): Network | 'host bits' | undefined {
  const parts = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const bytes = parseAddress(parts?.[1] ?? '');
  if (bytes === undefined) return undefined;
  const size = bytes.length * 8;
  // The mask of ::ffff:10.0.0.0/104 counts from the front of the IPv6 form.
  const isMapped = size === 32 && (parts?.[1] ?? '').includes(':');
  const bits = parts?.[2] === undefined ? size : Number(parts[2]) - (isMapped ? 96 : 0);
  if (bits < 0 || bits > size) return 'host bits';
  const network = { bytes, bits };
  return bytes.every((byte, at) => (byte & ~maskAt(bits, at) & 0xff) === 0) ? network : 'host bits';
}

function maskAt(bits: number, at: number): number {
  const left = Math.min(8, Math.max(0, bits - at * 8));
  return (0xff << (8 - left)) & 0xff;
}

/** Whether an address lies in a network. */
export function isInNetwork(address: AddressBytes, { bytes, bits }: Network): boolean {
  return (
    address.length === bytes.length &&
    bytes.every((byte, at) => (byte & maskAt(bits, at)) === ((address[at] ?? 0) & maskAt(bits, at)))
  );
}

/** What counts as one source: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber gets. */
export function sourceOf(address: string): string {
  const bytes = parseAddress(address);
  if (bytes === undefined) return address;
  if (bytes.length === 4) return bytes.join('.');
  const parts = [0, 2, 4, 6].map((at) => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  return `${parts.join(':')}::/64`;
}

/** Reads a list of networks. @throws {RangeError} for one that is none. */
export function parseNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map((text) => {
    const network = parseNetwork(text);
    if (network === undefined) throw new RangeError(`${JSON.stringify(text)} is no address or network (10.0.0.0/8)`);
    if (network === 'host bits') throw new RangeError(`${JSON.stringify(text)}: the mask does not fit the address`);
    return network;
  });
}
