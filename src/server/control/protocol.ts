import type { ListenAddress } from '../listen-address.ts';
import type { MovedBytes, TransferInfo } from '../live-transfers.ts';
import type { SessionInfo } from '../session-info.ts';

/*
 * The control socket: a Unix socket in the state folder. A client sends a request, the server answers with a response, each one line of JSON in UTF-8, as often as the client likes. Who may
 * open the socket may do everything: it belongs to the owner of the server alone (mode 0600, in a folder of mode 0700).
 */

/** Changes where a field changes its meaning. New fields do not change it. */
export const CONTROL_VERSION = 1;

/** The file name of the socket in the state folder. */
export const CONTROL_SOCKET = 'control.sock';

/** A longer request ends the connection. Bytes. */
export const MAX_REQUEST_BYTES = 4096;

/** A longer response is not believed. Bytes. */
export const MAX_RESPONSE_BYTES: number = 16 * 1024 * 1024;

/** Lists are cut here; `more` says by how much. */
export const MAX_LISTED = 5000;

export type ControlRequest =
  | { readonly version: number; readonly command: 'status' | 'sessions' | 'transfers' }
  | { readonly version: number; readonly command: 'kick'; readonly id: string };

/** `worker.connection` where several processes serve, or the number alone. */
export type SessionId = string;

export interface StatusReport {
  readonly program: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly configFile: string;
  readonly addresses: readonly ListenAddress[];
  readonly workers: number;
  readonly connections: number;
  readonly sessions: number;
  readonly transfers: number;
  readonly moved: MovedBytes;
  /** The last reload, if there was one. */
  readonly reload?: { readonly atMs: number; readonly ok: boolean };
}

export type SessionReport = Omit<SessionInfo, 'id'> & { readonly id: SessionId };

export type TransferReport = Omit<TransferInfo, 'connection' | 'id'> & {
  readonly id: string;
  readonly session: SessionId;
  readonly user?: string;
  readonly address: string;
};

export type ControlResponse =
  | { readonly version: 1; readonly ok: true; readonly status: StatusReport }
  | { readonly version: 1; readonly ok: true; readonly sessions: readonly SessionReport[]; readonly more: number }
  | { readonly version: 1; readonly ok: true; readonly transfers: readonly TransferReport[]; readonly more: number }
  | { readonly version: 1; readonly ok: true; readonly kicked: SessionId }
  | { readonly version: 1; readonly ok: false; readonly error: string };

/** Reads a request. Pure and total: a text says what is wrong. */
export function readControlRequest(line: string): ControlRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'not an object';
  const { version, command, id } = value as Record<string, unknown>;
  if (version !== CONTROL_VERSION) return `version ${CONTROL_VERSION} is spoken here`;
  if (command === 'status' || command === 'sessions' || command === 'transfers') return { version, command };
  if (command !== 'kick') return 'unknown command; there are status, sessions, transfers and kick';
  return typeof id === 'string' && /^[0-9]{1,15}(?:\.[0-9]{1,15})?$/.test(id)
    ? { version, command, id }
    : 'kick needs the id of a session';
}
