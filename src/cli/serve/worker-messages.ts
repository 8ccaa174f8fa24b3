import type { ListenOn } from '../../server/listeners.ts';

/*
 * What the primary process and its workers say to each other over Node's channel. Every request has one reply with its number.
 */

/** The first word of a worker: it listens from now on. */
export const WORKER_READY = 'sealift worker ready';

/** What a worker is made from. */
export interface WorkerStart {
  readonly text: string;
  readonly file: string;
  readonly defaultState: string;
  readonly inherited: readonly ListenOn[];
  readonly verbose: boolean;
  readonly number: number;
  readonly of: number;
}

export type WorkerRequest =
  | { readonly command: 'start'; readonly start: WorkerStart }
  | { readonly command: 'reload'; readonly text: string }
  | { readonly command: 'kick'; readonly id: string }
  | { readonly command: 'close'; readonly graceMs: number }
  | { readonly command: 'sessions' | 'transfers' | 'snapshot' | 'reopen' };

export interface NumberedRequest {
  readonly sealiftRequest: number;
  readonly request: WorkerRequest;
}

export type NumberedReply =
  | { readonly sealiftReply: number; readonly result: unknown }
  | { readonly sealiftReply: number; readonly error: string };

export function isRequest(message: unknown): message is NumberedRequest {
  return typeof message === 'object' && message !== null && 'sealiftRequest' in message;
}

export function isReply(message: unknown): message is NumberedReply {
  return typeof message === 'object' && message !== null && 'sealiftReply' in message;
}
