import { describe, expect, it } from 'vitest';
import { SessionPool } from '../../src/copy/session-pool.ts';
import { openSftp } from '../../src/copy/sftp-open.ts';
import type { SshChannel } from '../../src/ssh/connection.ts';
import { openSession, settle } from '../sftp/scripted-peer.ts';
import { scriptedChannel, scriptedConnection } from '../support/scripted-connection.ts';
import { wire } from '../support/streams.ts';

const silent = () => scriptedChannel(wire().left);

describe('the start of SFTP', () => {
  it('is given up where the server says nothing for as long as the connection allows', async () => {
    const channel = silent();
    const connection = scriptedConnection({ answerTimeoutMs: 1, subsystem: async () => channel });
    await expect(openSftp(connection, { host: 'server' })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(channel.isClosed).toBe(true);
  });

  it('waits without a limit where the connection has none, until it is aborted', async () => {
    const abort = new AbortController();
    const opening = openSftp(scriptedConnection({ answerTimeoutMs: 0, subsystem: async () => silent() }), {
      host: 'server',
      signal: abort.signal,
    });
    const reason = new Error('enough');
    await settle();
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });
});

/** A pool that has begun to open further channels. */
async function growing(subsystem: (signal: AbortSignal | undefined) => Promise<SshChannel>, answerTimeoutMs = 0) {
  const { session } = await openSession();
  const connection = scriptedConnection({ answerTimeoutMs, subsystem: (_count, { signal }) => subsystem(signal) });
  const pool = new SessionPool(session, connection, { host: 'server' });
  for (let file = 0; file < 8; file++) pool.next();
  await settle();
  return { pool, session };
}

describe('further channels', () => {
  it('that the server does not open do not hold up the end', async () => {
    let asked: AbortSignal | undefined;
    const { pool } = await growing((signal) => {
      asked = signal;
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    });
    await pool.close();
    expect(asked?.aborted).toBe(true);
  });

  it('that open after the end are closed, whatever the transport does with an abort', async () => {
    let arrive: (channel: SshChannel) => void = () => {};
    const late = new Promise<SshChannel>((resolve) => {
      arrive = resolve;
    });
    const { pool } = await growing(() => late);
    await pool.close();
    const channel = silent();
    arrive(channel);
    await settle();
    expect(channel.isClosed).toBe(true);
  });

  it('on which nothing is said do not hold up the end', async () => {
    const channel = silent();
    const { pool } = await growing(async () => channel);
    await pool.close();
    expect(channel.isClosed).toBe(true);
  });

  it('on which nothing is said are closed when their time is over, and no more are opened', async () => {
    const channels: ReturnType<typeof silent>[] = [];
    const { pool, session } = await growing(async () => {
      channels.push(silent());
      return channels.at(-1) as SshChannel;
    }, 1);
    await channels[0]?.exit;
    await settle();
    expect(channels).toHaveLength(1);
    expect(pool.next()).toBe(session);
    await pool.close();
  });
});
