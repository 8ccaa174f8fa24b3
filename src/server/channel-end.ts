import type { ServerChannel } from 'ssh2';
import type { ChannelOutput } from './channel-output.ts';
import { SMALLEST_PACKET_BYTES } from './limits.ts';
import type { SessionHost } from './session.ts';

/** Watches for errors. @returns false where the client may not go on with the channel */
export function isUsable(channel: ServerChannel, host: Pick<SessionHost, 'packetBytes' | 'expel'>): boolean {
  channel.on('error', () => {});
  channel.stderr.on('error', () => {});
  if (host.packetBytes(channel) >= SMALLEST_PACKET_BYTES) return true;
  host.expel(`asked for packets of less than ${SMALLEST_PACKET_BYTES} bytes`);
  return false;
}

/** Resolves when all that was written has gone out, or cannot. */
export function ended(output: ChannelOutput): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) return resolve();
    output.once('close', resolve);
    output.end();
  });
}

/** The exit status must go out before EOF and close, or clients do not see it (RFC 4254 section 6.10). */
export function finish(channel: ServerChannel, status: number): void {
  try {
    channel.exit(status);
    channel.end();
  } catch {
    // The connection is gone: nobody is left to tell.
  }
}
