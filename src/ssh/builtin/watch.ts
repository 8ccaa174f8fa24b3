import type { ClientChannel } from 'ssh2';
import { ConnectionError, ProtocolError } from '../../base/errors.ts';
import type { Session } from './session.ts';

/** ssh2 opens windows of 2 MiB and refills them at half; both streams of a channel share one. Twice that is out of line. */
export const MAX_UNREAD_BYTES: number = 8 * 1024 * 1024;

/** Watches the channels of a session. */
export interface SessionWatch {
  /** Adds a channel; the result takes it away again. */
  add(channel: ClientChannel): () => void;
}

/**
 * Ends a session whose server ignores the windows of its channels (ssh2 would buffer all it sends), or, with an idle
 * timeout, one whose server has gone silent while we wait for it. A reader that is slow does not make a server silent.
 */
export function watchSession(session: Session, host: string, idleTimeoutMs: number): SessionWatch {
  const channels = new Set<ClientChannel>();
  const unread = (channel: ClientChannel): number => channel.readableLength + channel.stderr.readableLength;
  let heard = performance.now();
  let wrote = session.stream.writableLength;

  session.stream.on('data', () => {
    heard = performance.now();
    for (const channel of channels) {
      if (unread(channel) <= MAX_UNREAD_BYTES) continue;
      session.fail(new ProtocolError(`${host}: the server sends more than the window allows`, { code: 'ERR_LIMIT' }));
    }
  });

  if (idleTimeoutMs > 0) {
    const timer = setInterval(
      () => {
        const waiting = session.stream.writableLength;
        // Bytes that leave show a live server as well.
        if (waiting !== wrote) heard = performance.now();
        wrote = waiting;
        const slowReader = [...channels].some((channel) => unread(channel) > 0);
        if (channels.size === 0 || slowReader) heard = performance.now();
        if (performance.now() - heard < idleTimeoutMs) return;
        const reason = `nothing was heard for ${idleTimeoutMs / 1000} s`;
        session.fail(new ConnectionError(host, 'transfer', reason, { code: 'ERR_TIMEOUT' }));
      },
      Math.max(10, idleTimeoutMs / 4),
    );
    session.onLost(() => clearInterval(timer));
  }
  return {
    add(channel) {
      heard = performance.now();
      channels.add(channel);
      return () => channels.delete(channel);
    },
  };
}
