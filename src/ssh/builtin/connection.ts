import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientChannel } from 'ssh2';
import { withDeadline } from '../../base/deadline.ts';
import { ConnectionError, SealiftError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { ChannelOptions, SshChannel, SshConnection } from '../connection.ts';
import { builtinChannel } from './channel.ts';
import { shownLine } from './prompts.ts';
import type { Session } from './session.ts';
import { watchSession } from './watch.ts';

/** How long a connection may take to say goodbye. */
const CLOSE_TIMEOUT_MS = 500;

/** How long a new channel waits for those that are going. */
const LEAVING_TIMEOUT_MS = 1000;

/** How long to wait before a channel that was refused is asked for again. */
const REFUSAL_PAUSES_MS: readonly number[] = [20, 50, 100, 250];

/** Options of {@link builtinConnection}. */
export interface BuiltinConnectionOptions {
  /** The host as the user wrote it. */
  readonly host: string;
  /** How long the server may take to open a channel, and what runs on it to say its first word; 0 is for ever. */
  readonly openTimeoutMs: number;
  /** How long a server that should send something may send nothing; 0 is for ever. */
  readonly idleTimeoutMs: number;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that can also be used to reach the next host. */
export interface BuiltinConnection extends SshConnection {
  /** Opens a TCP connection from the remote host (direct-tcpip, RFC 4254 section 7.2). */
  forward(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Calls back when the connection ends. */
  onLost(listener: (error: Error) => void): () => void;
}

type Callback = (error: Error | undefined, channel: ClientChannel) => void;

/** Makes a connection of an authenticated session. */
export function builtinConnection(session: Session, options: BuiltinConnectionOptions): BuiltinConnection {
  const { client, stream } = session;
  const { log } = options;
  const host = printable(options.host);
  const watch = watchSession(session, host, options.idleTimeoutMs);

  /** `make` runs as soon as the channel is there: what comes right behind it must find its listeners. */
  const request = async <T>(
    start: (callback: Callback) => void,
    make: (channel: ClientChannel) => T,
    what: string,
    signal?: AbortSignal,
  ): Promise<T> => {
    signal?.throwIfAborted();
    const gone = session.lost();
    if (gone) throw gone;
    let abandoned = false;
    let forget: () => unknown = () => {};
    const opened = new Promise<T>((resolve, reject) => {
      forget = session.onLost(reject);
      start((error, channel) => {
        if (error) reject(error);
        else if (abandoned) channel.close();
        else resolve(make(channel));
      });
    });
    const expired = (): Error => new ConnectionError(host, 'open', `${what}: no answer`, { code: 'ERR_TIMEOUT' });
    try {
      return await withDeadline(opened, options.openTimeoutMs, expired, signal);
    } catch (error) {
      abandoned = true;
      opened.catch(() => {});
      if (error instanceof SealiftError || signal?.aborted) throw error;
      const lost = session.lost();
      if (lost) throw lost;
      const said = shownLine(error instanceof Error ? error.message : String(error));
      throw new ConnectionError(host, 'open', `${what} refused: ${said}`, { code: 'ERR_NOT_OFFERED', cause: error });
    } finally {
      forget();
    }
  };

  /** Channels whose command has ended and which the server may not have let go yet. */
  const leaving = new Set<Promise<void>>();
  let lastLeft = Number.NEGATIVE_INFINITY;

  const watched = (channel: ClientChannel, what: string): SshChannel => {
    const gone = new Promise<void>((resolve) => channel.once('close', () => resolve()));
    const result = builtinChannel(channel, session, options.host);
    void result.exit.then(async () => {
      lastLeft = performance.now();
      leaving.add(gone);
      await gone;
      leaving.delete(gone);
    });
    log.debug(1, `${what}: channel open`);
    const unwatch = watch.add(channel);
    void result.exit.then((exit) => {
      unwatch();
      log.debug(1, `${what}: channel closed (${exit.code ?? exit.signal ?? 'no status'})`);
    });
    return result;
  };

  /** A server goes on counting a session for a moment after it has closed the channel: one that is refused then is asked for again. */
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (const pauseMs of REFUSAL_PAUSES_MS) {
      try {
        return await work();
      } catch (error) {
        const isRefusal = error instanceof ConnectionError && error.code === 'ERR_NOT_OFFERED';
        if (!isRefusal || performance.now() - lastLeft > LEAVING_TIMEOUT_MS) throw error;
        await sleep(pauseMs);
      }
    }
    return await work();
  };

  const open = async (start: (callback: Callback) => void, what: string, signal?: AbortSignal): Promise<SshChannel> => {
    // A server with room for few sessions (MaxSessions) counts those that are going.
    if (leaving.size > 0)
      await withDeadline(Promise.all(leaving), LEAVING_TIMEOUT_MS, () => new Error('still there')).catch(() => {});
    const result = await patiently(() => request(start, (channel) => watched(channel, what), what, signal));
    signal?.addEventListener('abort', result.close, { once: true });
    void result.exit.then(() => signal?.removeEventListener('abort', result.close));
    if (signal?.aborted) result.close();
    return result;
  };

  let closing: Promise<void> | undefined;
  const onAbort = (): void => session.fail(options.signal?.reason as Error);
  const close = async (): Promise<void> => {
    options.signal?.removeEventListener('abort', onAbort);
    if (session.lost()) return;
    const ended = new Promise<void>((resolve) => session.onLost(() => resolve()));
    try {
      client.end();
    } catch {
      // The connection is going away by itself.
    }
    const timer = setTimeout(() => stream.destroy(), CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  session.onLost((error) => log.debug(1, `${host}: ${printable(error.message)}`));

  const closeOnce = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  return {
    isMultiplexed: true,
    answerTimeoutMs: options.openTimeoutMs,
    exec: (command, { signal }: ChannelOptions = {}) =>
      open((callback) => client.exec(command, callback), 'exec', signal),
    subsystem: (name, { signal }: ChannelOptions = {}) =>
      open((callback) => client.subsys(name, callback), `subsystem ${printable(name)}`, signal),
    forward: (to, port, signal) =>
      request<Duplex>(
        (callback) => client.forwardOut('127.0.0.1', 0, to, port, callback),
        (channel) => channel,
        `connection to ${printable(to)}`,
        signal,
      ),
    onLost: session.onLost,
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}
