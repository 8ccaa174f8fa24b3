import { Readable, Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { SshChannel, SshExit } from '../connection.ts';
import type { Session } from './session.ts';

/** Bytes kept for a reader besides the window of the channel, which ssh2 fixes at 2 MiB. */
const READ_AHEAD = 256 * 1024;
/** Bytes a writer may be ahead of the window. */
const WRITE_AHEAD = 512 * 1024;
/** Bytes that wait for the socket: a server may announce any window and read nothing. */
const SOCKET_BACKLOG = 1024 * 1024;
/** How long a channel waits for its close after the exit status. */
const SETTLE_MS = 250;

/** Passes on what the remote side sends, at the speed of the reader. */
function inputOf(source: Readable): Readable {
  const input = new Readable({
    highWaterMark: READ_AHEAD,
    read() {
      source.resume();
    },
    destroy(error, done) {
      // What comes now is thrown away: if it stayed, the channel would never end.
      source.resume();
      done(error);
    },
  });
  source.on('data', (chunk: Buffer) => {
    if (!input.destroyed && !input.push(chunk)) source.pause();
  });
  source.once('end', () => input.push(null));
  source.on('error', () => input.push(null));
  input.on('error', () => {});
  return input;
}

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
  const output = new Writable({
    highWaterMark: WRITE_AHEAD,
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      if (ended) return done(ended);
      waiting = done;
      try {
        channel.write(chunk, sent);
      } catch (error) {
        finish(error as Error);
      }
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
  const input = inputOf(channel);
  const stderr = inputOf(channel.stderr);
  const { output, end } = outputOf(channel, session);
  let status: SshExit | undefined;
  let closed: Error | undefined;
  let settleNow: () => void = () => {};
  channel.on('error', () => {});

  const exit = new Promise<SshExit>((resolve) => {
    const settle = (): void => {
      const lost = status ? undefined : (session.lost() ?? closed);
      end(lost ?? Object.assign(new Error('the remote command has ended'), { code: 'EPIPE' }));
      resolve(status ?? { code: null, signal: null, ...(lost && { lost }) });
    };
    channel.on('exit', (code: number | null, signal?: string) => {
      status ??= { code: code ?? null, signal: signal?.replace(/^SIG/, '') ?? null };
      // 'close' comes only after all data has been read, which the reader may have no use for.
      setTimeout(settle, SETTLE_MS);
    });
    channel.once('close', settle);
    session.onLost(settle);
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
