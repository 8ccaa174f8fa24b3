import { BlockList, isIP } from 'node:net';

/** Addresses that share their first bits. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. Undefined for anything else. */
export function readNetwork(text: string): Network | undefined {
  const parts = /^([0-9A-Fa-f:.]{2,45})(?:\/([0-9]{1,3}))?$/.exec(text);
  const version = isIP(parts?.[1] ?? '');
  if (parts === null || version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = parts[2] === undefined ? bits : Number(parts[2]);
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return prefix > bits ? undefined : { address: parts[1] ?? '', prefix, family };
}

/** Tells whether an address lies in one of the networks. An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
export function networkMatcher(networks: readonly Network[]): (address: string) => boolean {
  const block = new BlockList();
  for (const { address, prefix, family } of networks) block.addSubnet(address, prefix, family);
  return (address) => {
    const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address.split('%')[0] ?? '';
    const version = isIP(plain);
    return version !== 0 && block.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  };
}
