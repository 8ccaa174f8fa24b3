import type { Socket } from 'node:net';
import type { ConnectionInfo } from './events.ts';

/** How a connection stands. Without `user` nobody has logged in yet. */
export interface SessionInfo extends ConnectionInfo {
  /** Wall clock, milliseconds. */
  readonly sinceMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** How many transfers are under way on it. */
  readonly transfers: number;
  /** Output that waits for the client. */
  readonly queuedBytes: number;
}

/** Adds what the socket knows. */
export function sessionInfo(
  { bytesRead, bytesWritten, writableLength }: Socket,
  known: Omit<SessionInfo, 'bytesRead' | 'bytesWritten' | 'queuedBytes'>,
): SessionInfo {
  return { ...known, bytesRead, bytesWritten, queuedBytes: writableLength };
}
