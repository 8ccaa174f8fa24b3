import { isInNetwork, parseAddress, parseNetworks } from '../aaa/address.ts';

/**
 * Tells whether an address lies in one of the networks (`10.0.0.0/8`, `2001:db8::1`). An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
 *
 * @throws {RangeError} for a text that is no network
 */
export function networkMatcher(texts: readonly string[]): (address: string) => boolean {
  const networks = parseNetworks(texts);
  return (address) => {
    const bytes = networks.length === 0 ? undefined : parseAddress(address);
    return bytes !== undefined && networks.some((network) => isInNetwork(bytes, network));
  };
}
