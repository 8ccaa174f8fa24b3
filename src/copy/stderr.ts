import type { SshChannel } from '../ssh/connection.ts';

/** Given what a remote side writes to its standard error. A promise holds the remote side back until it resolves. */
export type OnStderr = (bytes: Buffer) => Promise<void> | undefined;

/** Passes on what comes on a channel's standard error, at the speed of whoever takes it: somebody must, or the remote side stalls. */
export function passStderr(channel: SshChannel, onStderr: OnStderr | undefined): void {
  channel.stderr.on('data', (bytes: Buffer) => {
    const busy = onStderr?.(bytes);
    if (busy === undefined) return;
    channel.stderr.pause();
    void busy.then(() => channel.stderr.resume());
  });
  channel.stderr.on('error', () => {});
}
