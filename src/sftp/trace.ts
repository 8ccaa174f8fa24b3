import { printable } from '../base/printable.ts';
import { packetName } from './constants.ts';
import type { Request } from './request.ts';

/** Sees every packet as it passes, for `-vvv`: its type, its request id and what it is about. The text is printable. */
export type Trace = (direction: 'send' | 'receive', what: string) => void;

/** One line about a request. */
export function describeRequest(id: number, request: Request): string {
  const length = request.bytes > 0 ? ` length ${request.bytes}` : '';
  return `SSH_FXP_${packetName(request.type)} id ${id}${length} "${printable(request.what.path)}"`;
}
