import { Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { SshChannel, SshExit } from '../connection.ts';
import { relayReadable } from '../relay.ts';
import { borrowPackets } from './lent-packets.ts';
import type { Session } from './session.ts';
import { packSmallPackets } from './small-packets.ts';

/** Bytes read ahead of a reader. Few, because they may be single ones; the channel keeps the rest of its window itself. */
const READ_AHEAD = 16 * 1024;
/** Bytes a writer may be ahead of the window. */
const WRITE_AHEAD = 512 * 1024;
/** Bytes that wait for the socket: a server may announce any window and read nothing. */
const SOCKET_BACKLOG = 1024 * 1024;
/** Writes below this that come in one turn go out together: a packet for each reply of one byte is slow and full of garbage. */
const SMALL_BYTES = 1024;
/** How long a channel waits for its close after the exit status. */
const SETTLE_MS = 250;

const isSmall = (chunk: Buffer): boolean => chunk.length < SMALL_BYTES;

/** Passes on what is written, at the speed of the window and of the socket. */
function outputOf(channel: ClientChannel, session: Session): { output: Writable; end: (error: Error) => void } {
  let ended: Error | undefined;
  let waiting: ((error?: Error | null) => void) | undefined;
  const finish = (error?: Error | null): void => {
    const done = waiting;
    waiting = undefined;
    done?.(error);
  };
  const sent = (): void => {
    if (session.stream.writableLength < SOCKET_BACKLOG) finish();
    else session.stream.once('drain', finish);
  };
  const send = (chunks: readonly Buffer[]): void => {
    const parts = chunks.every(isSmall) ? [Buffer.concat(chunks)] : chunks;
    try {
      for (const [i, part] of parts.entries()) channel.write(part, i === parts.length - 1 ? sent : undefined);
    } catch (error) {
      finish(error as Error);
    }
  };
  const output = new Writable({
    highWaterMark: WRITE_AHEAD,
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      if (ended) return done(ended);
      waiting = done;
      if (!isSmall(chunk)) return send([chunk]);
      // What else is written in this turn waits for this chunk and comes to writev.
      process.nextTick(() => {
        if (waiting === done) send([chunk]);
      });
    },
    writev(writes: readonly { chunk: Buffer }[], done) {
      if (ended) return done(ended);
      waiting = done;
      send(writes.map(({ chunk }) => chunk));
    },
    final(done) {
      try {
        if (!ended) channel.end();
      } catch {
        // The connection is gone, and with it the need for an EOF.
      }
      done();
    },
    destroy(error, done) {
      finish(error ?? ended ?? new Error('closed'));
      done(error);
    },
  });
  output.on('error', () => {});
  return {
    output,
    end(error) {
      if (ended) return;
      ended = error;
      session.stream.off('drain', finish);
      if (output.writableFinished) output.destroy();
      else output.destroy(error);
    },
  };
}

/** Makes a channel of an ssh2 channel on which a command or subsystem was started. */
export function builtinChannel(channel: ClientChannel, session: Session, host: string): SshChannel {
  const input = relayReadable(channel, READ_AHEAD);
  const stderr = relayReadable(channel.stderr, READ_AHEAD);
  // After the relays, which are to see each packet first.
  borrowPackets(channel);
  packSmallPackets(channel);
  packSmallPackets(channel.stderr);
  const { output, end } = outputOf(channel, session);
  let status: SshExit | undefined;
  let closed: Error | undefined;
  let settleNow: () => void = () => {};
  channel.on('error', () => {});

  const exit = new Promise<SshExit>((resolve) => {
    let forget: () => unknown = () => {};
    const settle = (): void => {
      forget();
      const lost = status ? undefined : (session.lost() ?? closed);
      end(lost ?? Object.assign(new Error('the remote command has ended'), { code: 'EPIPE' }));
      resolve(status ?? { code: null, signal: null, ...(lost && { lost }) });
    };
    channel.on('exit', (code: number | null, signal?: string) => {
      status ??= { code: code ?? null, signal: signal?.replace(/^SIG/, '') ?? null };
      // 'close' comes only after all data has been read, which the reader may have no use for.
      const timer = setTimeout(settle, SETTLE_MS);
      channel.once('close', () => clearTimeout(timer));
    });
    channel.once('close', settle);
    forget = session.onLost(settle);
    settleNow = settle;
  });

  const close = (): void => {
    if (closed) return;
    closed = new ConnectionError(printable(host), 'transfer', 'channel closed', { code: 'ERR_CONNECTION_LOST' });
    input.destroy();
    stderr.destroy();
    end(closed);
    try {
      channel.close();
    } catch {
      // The connection is gone already.
    }
    settleNow();
  };
  return { input, output, stderr, exit, close };
}
