import type { Client } from 'ssh2';

/** What servers may send before their identification line; RFC 4253 section 4.2 sets no bound. */
export const MAX_GREETING_BYTES: number = 64 * 1024;

/** The parts of ssh2's inside that are repaired. A version that has none of them is left as it is. */
interface Inside {
  readonly _protocol?: {
    parse?: (chunk: Buffer, at: number, length: number) => void;
    readonly _handlers?: { USERAUTH_FAILURE?: (protocol: unknown, methods: string[], partial: boolean) => void };
  };
}

/**
 * ssh2 1.17 loses bytes of an identification line that comes in three pieces or more. This holds the pieces back until
 * the line is whole.
 */
export function repairIdentification(client: Client): void {
  const protocol = (client as unknown as Inside)._protocol;
  const parse = protocol?.parse?.bind(protocol);
  if (!protocol || !parse) return;
  let held: Buffer = Buffer.alloc(0);
  protocol.parse = (chunk, at, length) => {
    held = Buffer.concat([held, chunk.subarray(at, length)]);
    const start = held.indexOf('SSH-') === 0 ? 0 : held.indexOf('\nSSH-') + 1;
    const whole = (start > 0 || held.indexOf('SSH-') === 0) && held.indexOf('\n', start) >= 0;
    if (!whole && held.length < MAX_GREETING_BYTES) return;
    if (!whole) throw new Error('the server sends something else than SSH');
    protocol.parse = parse;
    const all = held;
    held = Buffer.alloc(0);
    parse(all, 0, all.length);
  };
}

/** What a server said when it refused an attempt. */
export interface Refusal {
  readonly methods: readonly string[];
  readonly partial: boolean;
}

/**
 * ssh2 1.17 forgets what a server answers to a key of an agent: which methods can continue, and that the key was accepted
 * as the first of several. This reports every answer before ssh2 acts on it.
 */
export function observeRefusals(client: Client, observe: (refusal: Refusal) => void): void {
  const handlers = (client as unknown as Inside)._protocol?._handlers;
  const original = handlers?.USERAUTH_FAILURE;
  if (!handlers || !original) return;
  handlers.USERAUTH_FAILURE = (protocol, methods, partial) => {
    observe({ methods, partial });
    original(protocol, methods, partial);
  };
}
