import { isIPv4, isIPv6 } from 'node:net';

/** Where a server listens. Port 0 takes a free one. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** `127.0.0.1:2222`, `[::1]:2222`, `name:2222`. Undefined for anything else. */
export function readListenAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([0-9A-Fa-f:.%a-z]{1,100})\]|([^[\]:\s]{1,253})):([0-9]{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  return parts === null || port > 65_535 ? undefined : { address: parts[1] ?? parts[2] ?? '', port };
}

/** The text that {@link readListenAddress} reads back. */
export function formatListenAddress({ address, port }: ListenAddress): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Whether only this machine can reach the address. Names count as reachable from elsewhere, `localhost` apart. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  if (isIPv4(address)) return address.startsWith('127.');
  return isIPv6(address) && /^(?:0{0,4}:){2,7}0{0,3}1$/.test(address);
}
