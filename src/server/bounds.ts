import { CHANNEL_INPUT_BYTES, REKEY_QUEUE_PACKETS } from './limits.ts';

/** What waits on a connection. */
export interface Waiting {
  /** Output for a client that does not read, and how much of it there may be. Bytes. */
  readonly queued: number;
  readonly mayQueue: number;
  /** Packets that wait for a key exchange. */
  readonly packets: number;
  /** Channels with input that nobody has read yet. */
  readonly inputs: Iterable<{ readonly readableLength: number }>;
}

/** Why a client has to go that makes the server keep too much; undefined where it does not. */
export function findExcess({ queued, mayQueue, packets, inputs }: Waiting): string | undefined {
  if (queued > mayQueue) return 'does not read what it asks for';
  if (packets > REKEY_QUEUE_PACKETS) return 'does not finish the key exchange';
  for (const { readableLength } of inputs) if (readableLength > CHANNEL_INPUT_BYTES) return 'ignores the window';
  return undefined;
}
